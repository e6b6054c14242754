"""Where the output goes cannot harm a run: a stalled reader, a full disk, closed descriptors. A crash leaves a line."""

import json
import os
import re
import signal
import time
import unicodedata

import pytest

from attached import Attached, full_pipe
from processes import AT_ONCE, catches, wait_until
from world import RECORD

OUTPUT = [["list"], ["list", "--output", "json"], ["list", "--output", "yaml"],
          ["verify"], ["check"], ["check", "--output", "json"],
          ["retention"]]


@pytest.fixture
def recorded(world):
    """A world with one backup, also in a file."""
    world.path = world.assert_success(world.run())
    world.file = world.folder / "backup"
    world.file.write_bytes(world.download(world.path))
    return world


def word(words: list[str]) -> str:
    return " ".join(words) or "backup"


# X5: A reader that stalls


def test_X5_a_run_whose_output_is_never_read_backs_up_in_time(world):
    with full_pipe() as pipe:
        program = Attached(world, stdout=pipe.writing, stderr=pipe.writing)
        assert program.wait() == 0
    world.assert_whole(world.recorded_path)


def test_X5_a_termination_message_that_nobody_reads_holds_no_run(world):
    os.mkfifo(world.folder / "words")
    world.assert_success(world.start(APP_TERMINATION_MESSAGE_PATH=str(world.folder / "words")).wait())


@pytest.mark.parametrize("variable", ["APP_KUBECONFIG_PATH", "APP_ABS_CA_FILE"])
def test_X5_a_pipe_that_nobody_writes_to_is_78(world, variable):
    """As the input of a run; one with a writer that says nothing is given up after five seconds."""
    pipe = world.folder / "pipe"
    os.mkfifo(pipe)
    run = world.start(**{variable: str(pipe)}).wait()
    assert run.status == 78 and str(pipe) in run.log, run
    writer = os.open(pipe, os.O_RDWR)
    run = world.start(**{variable: str(pipe)}).wait()
    os.close(writer)
    assert run.status == 78 and "nothing came through within 5 s" in run.log, run


def test_X5_the_deadline_holds_for_a_run_whose_output_is_never_read(world):
    world.hold("PutBlock")
    with full_pipe() as pipe:
        program = Attached(world, stdout=pipe.writing, stderr=pipe.writing, APP_BACKUP_TIMEOUT="2s")
        assert program.wait(2 + AT_ONCE) == 1
    assert world.recorded_path is None and world.blob_names == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_X5_a_signal_ends_a_run_whose_output_is_never_read_at_once(world, etcd, number):
    etcd.first.pause()
    with full_pipe() as pipe:
        program = Attached(world, stdout=pipe.writing, stderr=pipe.writing)
        world.wait_for_request("GetSecret")
        assert program.ended_by(number) == 143
    etcd.first.resume()


def test_X5_lines_that_nobody_read_are_counted_once_somebody_reads(world):
    world.hold("PutBlockList")
    with full_pipe() as pipe:
        program = Attached(world, stdout=pipe.writing, stderr=pipe.writing)
        world.wait_for_held("PutBlockList")
        log = pipe.read()
        pipe.widen()
        world.release()
        assert program.wait() == 0
        events = [json.loads(line) for line in (log + pipe.read()).splitlines()]
    dropped = [event for event in events if "dropped" in event["msg"]]
    assert [event["level"] for event in dropped] == ["warn"] and dropped[0]["lines"] >= 1, events
    assert events[-1]["msg"] == "run finished", events


@pytest.mark.parametrize("arguments", OUTPUT, ids=word)
def test_X5_a_command_whose_output_is_never_read_ends_at_its_deadline(recorded, arguments):
    with full_pipe() as pipe:
        program = Attached(recorded, *arguments, stdout=pipe.writing, stderr=pipe.writing, APP_BACKUP_TIMEOUT="2s")
        assert program.wait(2 + AT_ONCE) == 1


@pytest.mark.parametrize("arguments", [["list"], ["inspect", "FILE"], ["--help"], ["check"]], ids=word)
def test_X5_SIGTERM_ends_a_command_whose_output_is_never_read_at_once(recorded, arguments):
    arguments = [str(recorded.file) if argument == "FILE" else argument for argument in arguments]
    with full_pipe() as pipe:
        program = Attached(recorded, *arguments, stdout=pipe.writing, stderr=pipe.writing)
        wait_until(lambda: catches(program.pid, signal.SIGTERM), "its handlers")
        time.sleep(1)  # then it writes; a signal before would end it as well
        assert program.process.poll() is None
        assert program.ended_by(signal.SIGTERM) == 143


def test_X5_a_wrong_command_line_is_64_though_nobody_reads_why(world):
    with full_pipe() as pipe:
        assert Attached(world, "--nonsense", stdout=pipe.writing, stderr=pipe.writing).wait() == 64


# O1: Lost output is an error


@pytest.mark.parametrize("lost", ["full", "closed"])
@pytest.mark.parametrize("arguments", [
    ["inspect", "FILE"], ["inspect", "FILE", "--output", "json"], *OUTPUT, ["verify", "--all", "--output", "json"],
    ["download", "--file", "-"], ["--help"], ["--version"], ["list", "--help"]], ids=word)
def test_O1_lost_output_is_status_1(recorded, arguments, lost):
    arguments = [str(recorded.file) if argument == "FILE" else argument for argument in arguments]
    log = recorded.folder / "stderr"
    program = Attached(
        recorded, *arguments, stdout="/dev/full", stderr=log, closing=">&-" if lost == "closed" else "")
    assert program.wait() == 1, log.read_text()
    assert "standard output" in log.read_text(), log.read_text()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list", "--help"], ["help", "list"]], ids=word)
def test_O1_help_and_version_go_to_standard_output(world, arguments):
    run = world.run(*arguments)
    assert run.status == 0 and run.text.strip() and run.log == "", run


def test_X2_a_wrong_command_line_is_quoted_without_what_a_terminal_obeys(world):
    run = world.run("--\x1b[2Jnonsense\u009b31m")
    assert run.status == 64 and "nonsense" in run.log, run
    assert "\x1b" not in run.log and "\u009b" not in run.log, run


@pytest.mark.parametrize("arguments, log_format", [([], "text"), ([], "json"), (["check"], "text"), (["list"], "text")],
                         ids=["backup-text", "backup-json", "check", "list"])
def test_X2_what_a_server_says_has_nothing_that_a_terminal_obeys(world, arguments, log_format):
    said = "no\x1b[2J\x1b]0;title\x07\u009b31m\x7f\u202ekcab\u2028\r\nINFO  backup recorded"
    world.fault("GetSecret", "status", service="kubernetes", status=400, message=said)
    run = world.run(*arguments, APP_LOGGER_FORMAT=log_format)
    assert run.status in (1, 78) and "title" in run.log + run.text, run
    harmful = [c for c in run.log + run.text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    assert not harmful, harmful
    form = r"\d{4}-\S+Z (INFO |WARN |ERROR) .+|    hint: .+" if log_format == "text" else r"\{.*\}"
    assert all(re.fullmatch(form, line) for line in run.log.splitlines()), run


# X6: Closed descriptors


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_X6_no_file_or_connection_takes_the_place_of_a_closed_descriptor(world, closed):
    world.hold("PutBlock")
    output = world.folder / "output"
    program = Attached(world, stdout=output, stderr=output, closing=closed)
    world.wait_for_held("PutBlock")
    places = [os.readlink(f"/proc/{program.pid}/fd/{number}") for number in range(3)]
    assert set(places) <= {"/dev/null", str(output)}, places
    world.release()
    assert program.wait() == 0
    world.assert_whole(world.recorded_path)


# A crash


@pytest.fixture
def waiting(world, etcd):
    """A world in which a run waits for etcd, and which keeps a termination message."""
    etcd.first.pause()
    world.message = world.folder / "termination-log"
    world.message.touch()
    world.env["APP_TERMINATION_MESSAGE_PATH"] = str(world.message)
    yield world
    etcd.first.resume()


@pytest.mark.parametrize("number", [
    signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGTRAP, signal.SIGBUS, signal.SIGFPE], ids=lambda n: n.name)
def test_a_crash_is_status_1_and_leaves_its_line_in_the_termination_message(waiting, number):
    program = waiting.start()
    program.wait_for_log("run started")
    program.send(number)
    run = program.wait()
    assert run.status == 1, run
    message = json.loads(waiting.message.read_text())
    assert message["result"] == "failure" and message["status"] == 1, message
    assert f"crashed (signal {number:02})" in message["cause"] and "Report" in message["hint"], message
    last = run.events[-1]
    assert (last["level"], last["exit.status"]) == ("error", 1) and f"signal {number:02}" in last["msg"], run


def test_a_crash_replaces_the_termination_message_and_takes_text_as_well(waiting):
    waiting.message.write_text("x" * 5000)
    program = waiting.start(APP_LOGGER_FORMAT="text")
    program.wait_for_log("run started")
    program.send(signal.SIGSEGV)
    run = program.wait()
    assert json.loads(waiting.message.read_text())["status"] == 1
    error, hint = run.log.splitlines()[-2:]
    assert error == "ERROR the program crashed (signal 11)  exit.status=1" and hint.startswith("    hint: This is a defect"), run


def test_X5_a_crash_whose_output_is_never_read_ends_at_once(waiting):
    with full_pipe() as pipe:
        program = Attached(waiting, stdout=pipe.writing, stderr=pipe.writing)
        waiting.wait_for_request("GetSecret")
        assert program.ended_by(signal.SIGSEGV) == 1
    assert json.loads(waiting.message.read_text())["status"] == 1


# X7: Signals, and what is left of the memory


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGINT], ids=["HUP", "QUIT", "INT"])
def test_X7_other_signals_end_a_run_as_SIGTERM_does(waiting, number):
    program = waiting.start()
    program.wait_for_log("run started")
    run = program.ended_by(number)
    waiting.assert_nothing_happened(run, 143)
    assert run.events[-1]["exit.status"] == 143, run
    assert json.loads(waiting.message.read_text())["status"] == 143


def test_X7_a_run_under_nohup_outlives_its_terminal(world):
    world.hold("PutBlock")
    output = world.folder / "output"
    program = Attached(world, stdout=output, stderr=output, ignoring="HUP")
    world.wait_for_held("PutBlock")
    program.send(signal.SIGHUP)
    world.release()
    assert program.wait() == 0


def test_X7_neither_a_core_nor_another_process_gets_the_memory(waiting):
    program = waiting.start()
    program.wait_for_log("run started")
    with open(f"/proc/{program.pid}/limits", encoding="utf-8") as limits:
        core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    program.kill()


def test_X7_the_memory_is_closed_to_other_processes_of_the_same_user(world):
    """What stands in /proc is root's where a process may not be dumped."""
    if os.geteuid() != 0:
        pytest.skip("only root starts a program as another user")
    user = ("--reuid=65532", "--clear-groups")
    with full_pipe() as pipe:
        program = Attached(world, "--help", stdout=pipe.writing, stderr=pipe.writing, privileges=user)
        wait_until(lambda: catches(program.pid, signal.SIGSEGV), "its handlers")
        with open(f"/proc/{program.pid}/status", encoding="utf-8") as status:
            assert "Uid:\t65532" in status.read()
        assert os.stat(f"/proc/{program.pid}/environ").st_uid == 0


# The first milliseconds


@pytest.mark.parametrize("attempt", range(3))
def test_SIGTERM_in_the_first_milliseconds_is_143(world, attempt):
    """As soon as the program is loaded; as process 1 of a container it gets no signal before."""
    world.hold("GetSecret", service="kubernetes")
    output = world.folder / "output"
    program = Attached(world, stdout=output, stderr=output)
    while not catches(program.pid, signal.SIGTERM):
        assert program.process.poll() is None, output.read_text()
    assert program.ended_by(signal.SIGTERM) == 143, output.read_text()
    assert world.requests() == [] or RECORD not in str(world.requests())
