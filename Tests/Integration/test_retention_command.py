"""`etcd-backup retention`: lineages and histories shown, adopted, given up; and what asks which backup is meant."""

import contextlib
import os
import pty
import shutil
import signal
import time
from typing import Any

import pytest

from attached import Attached
from etcd import Cluster
from processes import AT_ONCE, wait_until
from sandbox import Sandbox
from stored import OTHER
from world import CONTAINER, NAMESPACE, PREFIX, RECORD, World

SHARP: dict[str, Any] = {"APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "2", "APP_CLEANER_EXPIRATION_BLOB_TIME": "0s"}


def back_up(world, cluster) -> str:
    world.back_up(cluster)
    time.sleep(1.1)  # ages count whole seconds
    return world.assert_success(world.run(**SHARP)).split("/", 1)[1]


def retention(world, *arguments: str):
    return world.run("retention", *arguments, **SHARP)


class AfterABreak(World):
    """Its etcd was replaced; the names of the backups, oldest first."""

    former: list[str]
    running: list[str]


@pytest.fixture(scope="module")
def after_a_break(tmp_path_factory):
    """A world whose etcd was replaced: two backups of the former, two of the running history. Its sandbox is stopped."""
    folder = tmp_path_factory.mktemp("break")
    with Cluster(folder / "running") as running:
        with Sandbox(state=folder / "sandbox", tls=True) as sandbox:
            world = AfterABreak(sandbox, folder)
            with Cluster(folder / "former") as former:
                world.former = [back_up(world, former) for _ in range(2)]
            world.running = [back_up(world, running) for _ in range(2)]
        yield world


@pytest.fixture
def broken(after_a_break, tmp_path):
    """That world, as if it were this test's own."""
    shutil.copytree(after_a_break.sandbox.state, tmp_path / "sandbox")
    with Sandbox(state=tmp_path / "sandbox", tls=True) as sandbox:
        world = after_a_break.continued(sandbox, tmp_path)
        yield world
        world.stop()


def test_lineages_histories_and_what_would_go_are_shown(broken):
    run = retention(broken, "--output", "json")
    assert run.status == 0, run
    shown = run.json
    assert shown["lineage"] == broken.record["backup-lineage"]
    assert shown["previousPath"] == f"{CONTAINER}/{broken.former[1]}"
    states = {group["history"]: (group["state"], group["backups"], group["goes"]) for group in shown["groups"]}
    assert states == {broken.running[0].rsplit("/")[-1]: ("running", 2, 1), broken.former[0].rsplit("/")[-1]: ("ended", 2, 0)}
    assert [gone["name"] for gone in shown["goes"]] == [broken.running[0].rsplit("/")[-1]]
    assert "expired" in shown["goes"][0]["reason"]
    text = retention(broken).text
    assert "running" in text and "ended" in text and "The next run deletes:" in text, text


def test_showing_changes_nothing(broken):
    before = (broken.blob_names, broken.record)
    retention(broken)
    assert (broken.blob_names, broken.record) == before


def test_a_history_that_is_given_up_goes_but_for_the_newest_before_the_break(broken):
    history = broken.former[0].rsplit("/")[-1]
    run = retention(broken, "--forget", history, "--yes")
    assert run.status == 0, run
    assert broken.blob_names == sorted([broken.former[1], *broken.running])
    assert broken.record["backup-previous-history-path"] == "" and broken.record["backup-history-broke-time"] == ""
    assert history not in broken.record["backup-histories"]
    assert broken.run("download", "--file", str(broken.folder / "file")).status == 0
    # Nothing names the last one any more, so runs keep it, and a person may give it up as well.
    assert retention(broken, "--forget", history, "--yes").status == 0
    assert broken.blob_names == sorted(broken.running)


@pytest.mark.parametrize("which", ["history", "lineage"])
def test_what_runs_cannot_be_given_up(broken, which):
    run = retention(broken, "--forget", broken.record[f"backup-{which}"], "--yes")
    assert run.status == 78 and "running" in run.log, run
    assert len(broken.blob_names) == 4


def test_giving_up_needs_a_terminal_or_yes(broken):
    assert retention(broken, "--forget", broken.former[0].rsplit("/")[-1]).status == 64
    assert len(broken.blob_names) == 4


class Question:
    """A program that has asked something at a terminal."""

    def __init__(self, program: Attached, terminal: int):
        self.program, self.terminal = program, terminal

    def typed(self, answer: str) -> int:
        """The exit status after that answer."""
        os.write(self.terminal, answer.encode())
        return self.program.wait(AT_ONCE)


@pytest.fixture
def question(broken):
    """The question whether a history is to go."""
    terminal, program_end = pty.openpty()
    log = broken.folder / "question.log"
    program = Attached(
        broken, "retention", "--forget", broken.former[0].rsplit("/")[-1], stdin=program_end, stdout=program_end,
        stderr=log, terminal=True, **SHARP)
    os.close(program_end)
    os.set_blocking(terminal, False)
    shown = ""

    def is_asked() -> bool:
        nonlocal shown
        with contextlib.suppress(BlockingIOError):
            shown += os.read(terminal, 65536).decode()
        return "Type yes to delete them: " in shown

    wait_until(is_asked, "the question")
    assert broken.former[0].rsplit("/")[-1] in shown
    yield Question(program, terminal)
    os.close(terminal)


@pytest.mark.parametrize("answer, left", [
    ("yes\n", 3), ("no\n", 4), ("\n", 4), ("yes please\n", 4), ("YES\n", 4), ("\x04", 4)],
    ids=["yes", "no", "nothing", "more", "capitals", "end"])
def test_a_history_goes_only_when_a_person_types_yes(broken, question, answer, left):
    assert question.typed(answer) == 0
    assert len(broken.blob_names) == left


@pytest.mark.parametrize("how", ["TERM", "HUP", "QUIT", "ctrl-c", "ctrl-\\", "ctrl-c after yes"])
def test_X7_a_signal_ends_the_question_at_once_and_nothing_is_deleted(broken, question, how):
    keys = {"ctrl-c": "\x03", "ctrl-\\": "\x1c", "ctrl-c after yes": "yes\x03"}
    assert (
        question.typed(keys[how]) if how in keys else question.program.ended_by(getattr(signal, f"SIG{how}"))) == 143
    assert len(broken.blob_names) == 4


@pytest.mark.parametrize("arguments", [
    ["--yes"], ["--adopt", "nonsense"], ["--adopt", OTHER, "--forget", OTHER, "--yes"]], ids=" ".join)
def test_a_wrong_command_line_is_64(world, arguments):
    assert retention(world, *arguments).status == 64


@pytest.mark.parametrize("arguments", [["--adopt", OTHER], ["--forget", OTHER, "--yes"]], ids=" ".join)
def test_an_unknown_name_is_78(broken, arguments):
    run = retention(broken, *arguments)
    assert run.status == 78 and "etcd-backup retention" in run.log, run
    assert len(broken.blob_names) == 4


def test_a_lost_record_is_made_good_by_adopting_its_lineage(world, etcd):
    lost = [back_up(world, etcd) for _ in range(2)]
    lineage, history = world.record["backup-lineage"], world.record["backup-history"]
    world.sandbox.put_configmap(NAMESPACE, RECORD, {})
    between = back_up(world, etcd)
    fresh = world.record["backup-lineage"]
    assert world.run("check", **SHARP).status == 78
    run = retention(world, "--adopt", lineage)
    assert run.status == 0, run
    assert (world.record["backup-lineage"], world.record["backup-history"]) == (lineage, history)
    newest = back_up(world, etcd)
    assert world.record["backup-history"] == history and world.record["backup-previous-history-path"] == ""
    assert set(world.blob_names) == {lost[1], between, newest}
    assert retention(world, "--forget", fresh, "--yes").status == 0
    assert set(world.blob_names) == {lost[1], newest}
    assert world.run("check", **SHARP).status == 0


def test_adopting_the_own_lineage_settles_a_break(broken):
    assert retention(broken, "--adopt", broken.record["backup-lineage"]).status == 0
    assert broken.record["backup-previous-history-path"] == ""
    assert len(broken.blob_names) == 4
    assert "history" not in broken.run("check", **SHARP).text.split("warn", 1)[-1]


def test_after_a_break_a_download_wants_to_be_told_which(broken):
    file = broken.folder / "downloaded"
    run = broken.run("download", "--file", str(file))
    assert run.status == 78 and not file.exists(), run
    assert broken.former[1] in run.log and broken.running[1] in run.log and "Name one of the two" in run.log
    for name in (broken.former[1], broken.running[1]):
        assert broken.run("download", name, "--force", "--file", str(file)).status == 0
    assert broken.run("verify").status == 0


@pytest.mark.parametrize("word, one, other", [("latest", -1, -1), ("oldest", 0, 0)])
@pytest.mark.parametrize("command", [["verify"], ["download", "--file", "file"]], ids=lambda command: command[0])
def test_after_a_break_latest_and_oldest_show_both_backups_that_may_be_meant(broken, command, word, one, other):
    run = broken.run(command[0], word, *command[1:])
    assert run.status == 78 and "Name one of the two" in run.log and broken.requests("GetBlob") == [], run
    assert broken.running[one] in run.log and broken.former[other] in run.log, run
    assert retention(broken, "--adopt", broken.record["backup-lineage"]).status == 0
    run = broken.run(command[0], word, *command[1:], "--output", "name")
    assert (run.status, run.text) == (0, f"{CONTAINER}/{(broken.running if word == 'latest' else broken.former)[one]}\n"), run


def test_the_backups_of_another_prefix_are_not_shown(broken):
    run = broken.run("retention", "--output", "json", **SHARP, APP_BLOB_PREFIX=f"{PREFIX}-2")
    assert all(group["backups"] == 0 for group in run.json["groups"]), run.text
