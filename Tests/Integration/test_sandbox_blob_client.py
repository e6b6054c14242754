"""What must work: Microsoft's own client against the sandbox."""

import base64
import hashlib
import os
import socket

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, ContentSettings

from sandbox import Sandbox


@pytest.fixture(scope="module")
def service():
    with Sandbox(tls=True, kubernetes=False) as sandbox:
        yield sandbox


@pytest.fixture(params=["path style", "host style", "https"])
def container(request, service, monkeypatch):
    """A new container, reached in each way an account can be reached."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: resolve(
        "127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host, *rest, **named))
    url = {"path style": service.blob_url, "host style": service.host_style_url,
           "https": service.blob_tls_url}[request.param]
    client = service.blob_service_client(url)
    return client.create_container(f"c-{os.urandom(6).hex()}")


def test_a_container_can_be_made_once(container):
    assert container.exists()
    assert container.get_container_properties().name == container.container_name
    with pytest.raises(ResourceExistsError) as error:
        container.create_container()
    assert error.value.error_code == "ContainerAlreadyExists"


def test_a_small_upload_comes_back_with_its_properties(container):
    blob = container.get_blob_client("a.txt")
    made = blob.upload_blob(b"hello world", metadata={"runid": "7"}, content_settings=ContentSettings(
        content_type="text/plain", cache_control="no-cache"))
    assert base64.b64encode(bytes(made["content_md5"])).decode() == "XrY7u+Ae7tCTyyK7j1rNww=="
    found = blob.get_blob_properties()
    assert (found.size, found.metadata, found.etag) == (11, {"runid": "7"}, made["etag"])
    assert (found.content_settings.content_type, found.content_settings.cache_control) == ("text/plain", "no-cache")
    assert blob.download_blob(validate_content=True).readall() == b"hello world"


def test_an_empty_blob_is_a_blob(container):
    blob = container.get_blob_client("empty")
    blob.upload_blob(b"")
    assert blob.get_blob_properties().size == 0
    assert blob.download_blob().readall() == b""


def test_a_big_upload_goes_in_checked_blocks_and_comes_back_whole(container):
    container._config.max_single_put_size = 1024
    container._config.max_block_size = 1 << 20
    data = os.urandom((5 << 20) + 13)
    blob = container.get_blob_client("big")
    blob.upload_blob(data, validate_content=True, max_concurrency=3)
    committed, uncommitted = blob.get_block_list("all")
    assert [block.size for block in committed] == [1 << 20] * 5 + [13]
    assert uncommitted == []
    assert blob.download_blob(max_concurrency=2).readall() == data


def test_staged_blocks_are_invisible_until_they_are_committed_in_the_order_of_the_list(container):
    blob = container.get_blob_client("staged")
    for name in ("0001", "0002", "0003"):
        blob.stage_block(name, f"<{name}>".encode())
    assert not blob.exists()
    assert list(container.list_blobs()) == []
    assert [item.name for item in container.list_blobs(include=["uncommittedblobs"])] == ["staged"]
    assert sorted((block.id, block.size) for block in blob.get_block_list("uncommitted")[1]) == [
        ("0001", 6), ("0002", 6), ("0003", 6)]
    blob.commit_block_list([BlobBlock("0003"), BlobBlock("0001")], metadata={"sha256": "00ff", "sha_256": "x"})
    assert blob.download_blob().readall() == b"<0003><0001>"
    assert blob.get_blob_properties().metadata == {"sha256": "00ff", "sha_256": "x"}
    assert blob.get_block_list("uncommitted")[1] == []


def test_a_staged_block_is_replaced_by_a_later_one_of_its_id(container):
    blob = container.get_blob_client("again")
    blob.stage_block("0001", b"first")
    blob.stage_block("0001", b"second")
    blob.commit_block_list([BlobBlock("0001")])
    assert blob.download_blob().readall() == b"second"


def test_a_second_commit_may_take_blocks_of_the_first(container):
    blob = container.get_blob_client("grown")
    blob.stage_block("0001", b"one")
    blob.commit_block_list([BlobBlock("0001")])
    blob.stage_block("0002", b"two")
    blob.commit_block_list([BlobBlock("0001"), BlobBlock("0002"), BlobBlock("0001")])
    assert blob.download_blob().readall() == b"onetwoone"


def test_the_given_md5_of_a_committed_blob_is_kept_but_none_is_made_up(container):
    digest = hashlib.md5(b"anything").digest()
    for name, settings in (("with", ContentSettings(content_md5=bytearray(digest))), ("without", None)):
        blob = container.get_blob_client(name)
        blob.stage_block("0001", b"data")
        blob.commit_block_list([BlobBlock("0001")], content_settings=settings)
    assert container.get_blob_client("with").get_blob_properties().content_settings.content_md5 == digest
    assert container.get_blob_client("without").get_blob_properties().content_settings.content_md5 is None


def test_ranges_across_blocks_come_back_exactly(container):
    data = os.urandom(3000)
    blob = container.get_blob_client("ranged")
    for number in range(3):
        blob.stage_block(f"{number}", data[number * 1000:(number + 1) * 1000])
    blob.commit_block_list([BlobBlock(f"{number}") for number in range(3)])
    for offset, length in ((0, 1), (999, 2), (500, 2000), (2999, 1), (1000, 1000), (2500, 9999)):
        found = blob.download_blob(offset, length, validate_content=True).readall()
        assert found == data[offset:offset + length]
    assert blob.download_blob(1500).readall() == data[1500:]


def test_a_listing_is_in_the_order_of_the_names_and_goes_on_page_by_page(container):
    names = sorted(f"c1/{number:03}" for number in range(23)) + ["c10/x", "c2/y"]
    for name in reversed(names):
        container.upload_blob(name, b"")
    assert [item.name for item in container.list_blobs()] == names
    pages = container.list_blobs(name_starts_with="c1/", results_per_page=10).by_page()
    assert [len(list(page)) for page in pages] == [10, 10, 3]


def test_a_listing_shows_names_that_xml_must_escape_and_their_metadata(container):
    name = "c1/a&b <c> \"d\" 'e' \u00fc\u00df%20+.db"
    container.upload_blob(name, b"12345", metadata={"revision": "61"})
    (item,) = container.list_blobs(include=["metadata"])
    assert (item.name, item.size, item.metadata) == (name, 5, {"revision": "61"})
    assert container.get_blob_client(name).download_blob().readall() == b"12345"


def test_a_delimiter_rolls_names_up(container):
    for name in ("a/1", "a/2", "b", "c/d/e"):
        container.upload_blob(name, b"")
    assert sorted(item.name for item in container.walk_blobs()) == ["a/", "b", "c/"]
    assert [item.name for item in container.walk_blobs("c/")] == ["c/d/"]
    page = next(container.walk_blobs(results_per_page=1).by_page())
    assert [item.name for item in page] == ["a/"]


def test_a_deleted_blob_is_gone(container):
    blob = container.get_blob_client("gone")
    blob.upload_blob(b"x")
    blob.delete_blob(delete_snapshots="include")
    with pytest.raises(ResourceNotFoundError) as error:
        blob.delete_blob()
    assert error.value.error_code == "BlobNotFound"
    assert list(container.list_blobs()) == []


def test_an_uncommitted_blob_can_be_deleted(container):
    blob = container.get_blob_client("half")
    blob.stage_block("0001", b"x")
    blob.delete_blob()
    assert list(container.list_blobs(include=["uncommittedblobs"])) == []


def test_a_commit_that_must_not_overwrite_does_not(container):
    blob = container.get_blob_client("taken")
    blob.upload_blob(b"old")
    blob.stage_block("0001", b"new")
    with pytest.raises(ResourceExistsError) as error:
        blob.commit_block_list([BlobBlock("0001")], match_condition=MatchConditions.IfMissing)
    assert error.value.error_code == "BlobAlreadyExists"
    assert blob.download_blob().readall() == b"old"


def test_a_condition_on_the_etag_holds_only_for_the_newest(container):
    blob = container.get_blob_client("tagged")
    old = blob.upload_blob(b"old")["etag"]
    new = blob.upload_blob(b"new", overwrite=True)["etag"]
    assert old != new
    for act in (blob.download_blob, blob.delete_blob, blob.get_blob_properties):
        with pytest.raises(ResourceModifiedError) as error:
            act(etag=old, match_condition=MatchConditions.IfNotModified)
        assert error.value.error_code == "ConditionNotMet"
    blob.delete_blob(etag=new, match_condition=MatchConditions.IfNotModified)


def test_an_archived_blob_can_neither_be_read_nor_overwritten(container):
    blob = container.get_blob_client("cold")
    blob.upload_blob(b"x")
    blob.set_standard_blob_tier("Archive")
    assert blob.get_blob_properties().blob_tier == "Archive"
    for act in (blob.download_blob, lambda: blob.upload_blob(b"y", overwrite=True)):
        with pytest.raises(ResourceExistsError) as error:  # the client's name for every 409
            act()
        assert error.value.error_code == "BlobArchived"
    blob.set_standard_blob_tier("Hot")
    assert blob.download_blob().readall() == b"x"


def test_containers_are_listed(service, container):
    names = [item.name for item in service.blob_service_client().list_containers(results_per_page=1)]
    assert container.container_name in names
    assert names == sorted(names)


def test_a_connection_string_of_an_emulator_works(service):
    name = f"c-{os.urandom(6).hex()}"
    service.create_container(name)
    text = (f"DefaultEndpointsProtocol=http;AccountName={service.account};AccountKey={service.account_key};"
            f"BlobEndpoint={service.blob_url};")
    blob = BlobClient.from_connection_string(text, name, "b")
    blob.upload_blob(b"x")
    assert blob.exists()
