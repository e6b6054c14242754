"""S8: a member whose database is broken on its disk serves on and does not notice; the backup is another member's."""

import struct

import pytest

pytestmark = pytest.mark.usefixtures("transport")


def break_database(member) -> None:
    """The page where everything begins says that it is another page; etcd reads it again only to change something."""
    with member.gateway() as gateway:
        gateway.call("maintenance/defragment", {})  # so that nothing waits to be written
    with open(member.data / "member/snap/db", "r+b") as file:
        head = file.read(8192)
        page_size = struct.unpack_from("<I", head, 24)[0]
        metas = [head[:page_size], head[page_size:2 * page_size]]
        newest = max(metas, key=lambda meta: struct.unpack_from("<Q", meta, 64)[0])
        root = struct.unpack_from("<Q", newest, 32)[0]
        file.seek(root * page_size)
        file.write(struct.pack("<Q", root ^ 1))


def chosen(run) -> list[str]:
    return [event["etcd.endpoint"] for event in run.events if event["msg"] == "member chosen"]


def test_S8_where_one_database_is_broken_another_member_is_backed_up(empty_world, three):
    contents = three.contents()
    [best] = chosen(empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=three.endpoints))
    break_database(next(member for member in three.members if member.url == best))
    before = empty_world.blob_names
    run = empty_world.run()
    path = empty_world.assert_success(run)
    assert chosen(run)[0] == best != chosen(run)[1], run
    assert len(empty_world.blob_names) == len(before) + 1, run
    warning = next(event for event in run.events if event["msg"] == "the backup is taken from another member")
    assert f"{best} is broken" in warning["error"] and "APP_BACKUP_ETCD_ENDPOINTS" in warning["hint"], run
    empty_world.assert_restores(path, three, contents)


def test_S8_where_all_databases_are_broken_nothing_is_taken_for_a_backup(empty_world, three):
    for member in three.members:
        break_database(member)
    run = empty_world.run()
    empty_world.assert_nothing_happened(run, status=1)
    assert sorted(chosen(run)) == sorted(member.url for member in three.members), run
    assert "is broken" in run.events[-1]["error"] and "no other member" in run.events[-1]["error"], run
    assert "APP_BACKUP_PAGE_CHECK=off" in run.events[-1]["hint"], run
