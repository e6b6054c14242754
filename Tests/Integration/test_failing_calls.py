"""K4: whichever call of libcurl, OpenSSL, expat or the C library fails, a run ends with an error and a status, or
with a whole backup; never with a success that is none, nor with a record of a bad backup.

A small library, preloaded, lets the nth call of one function fail.
"""

import contextlib
import os
from pathlib import Path

import pytest

from processes import wait_until
from world import MEBIBYTE, World, assert_no_success_in

EVER = 1 << 40

CALLS = [
    "curl_global_init", "curl_easy_init", "curl_multi_init", "curl_easy_setopt", "curl_slist_append",
    "curl_multi_add_handle", "curl_multi_remove_handle", "curl_multi_perform", "curl_multi_poll", "curl malloc",
    "EVP_MD_CTX_new", "EVP_MD_CTX_copy_ex", "EVP_DigestInit_ex", "EVP_DigestUpdate", "EVP_DigestFinal_ex", "HMAC",
    "openssl malloc", "XML_ParserCreate", "XML_Parse", "pwrite", "pread",
]


@pytest.fixture
def failing(empty_world, start_etcd, failing_calls, tmp_path):
    """A world whose runs make every one of the calls: Secrets over TLS, a listing, a spool, some blocks."""
    cluster = start_etcd()
    cluster.fill(3, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    (tmp_path / "spool").mkdir()
    empty_world.env |= {
        "LD_PRELOAD": str(failing_calls), "FAILING_REPORT": str(tmp_path / "calls"),
        "APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_SPOOL_DIRECTORY": str(tmp_path / "spool"),
        "APP_BACKUP_TIMEOUT": "5s"}
    return empty_world


def words(world: World) -> Path:
    """The termination message."""
    return world.folder / "termination-message"


def run(world: World, call: str, first: int, count: int, **env: str):
    words(world).write_text("")
    return world.run(FAILING_CALL=call, FAILING_FROM=str(first), FAILING_COUNT=str(count),
                     APP_TERMINATION_MESSAGE_PATH=str(words(world)), **env)


def few(calls: int) -> list[int]:
    """The first one, the last one and one between."""
    return sorted({1, calls // 2, calls} - {0})


def some(calls: int) -> list[int]:
    """The first ones, the last one and some between."""
    return sorted({1, 2, 3, calls, *(calls * part // 6 for part in range(1, 6))} & set(range(1, calls + 1)))


def assert_honest(world: World, outcome, before: str | None) -> None:
    path = world.recorded_path
    if path:
        world.assert_whole(path)
    if outcome.status == 0:
        assert path != before, f"success, but nothing new is recorded\n{outcome}"
        return
    assert outcome.status != 143, outcome
    # A crash has status 1 whenever it comes; one behind the record leaves a whole backup recorded.
    if outcome.status != 2 and "the program crashed" not in outcome.log:
        assert path == before, f"recorded by a failed run\n{outcome}"
        assert_no_success_in(outcome)
    last = words(world).read_text()
    assert last and "status" in last, f"no last words: {last!r}\n{outcome}"
    assert '"level":"error"' in outcome.log.replace(" ", ""), f"no error line\n{outcome}"


# A run computes digests thousands of times; their failures take minutes and are all alike.
@pytest.mark.parametrize("call", [
    pytest.param(call, marks=pytest.mark.large) if call.startswith("EVP_") else call for call in CALLS])
@pytest.mark.parametrize("chosen", [few, pytest.param(some, marks=pytest.mark.long)], ids=["few", "some"])
def test_K4_a_call_that_fails_is_an_error_or_does_no_harm(failing, call, chosen):
    if call in ("pwrite", "pread"):
        # Only what the store does not take at once is spooled.
        failing.env["APP_BACKUP_BLOCKS_IN_FLIGHT"] = "1"
        failing.fault("PutBlock", "delay", milliseconds=200)
    whole = run(failing, call, EVER, 1, APP_BACKUP_TIMEOUT="60s")
    failing.assert_success(whole)
    calls = int((failing.folder / "calls").read_text())
    assert calls > 0, f"{call} is never called: the test shows nothing"
    failed = 0
    for first in chosen(calls):
        for count in (1, EVER):
            before = failing.recorded_path
            outcome = run(failing, call, first, count)
            assert_honest(failing, outcome, before)
            failed += outcome.status != 0
    # A spool that cannot grow counts as full, and a transfer that is not let go of is over all the same.
    assert failed or call in ("pwrite", "curl_multi_remove_handle"), f"no failure of {call} had any effect"


@pytest.mark.parametrize("call", ["none", "O_TMPFILE"])
def test_P1_a_killed_run_leaves_nothing_in_the_spool_folder(failing, call):
    """Also where the file system cannot make files without a name."""
    failing.env["APP_BACKUP_BLOCKS_IN_FLIGHT"] = "1"
    failing.hold("PutBlock")
    program = failing.start(FAILING_CALL=call, FAILING_FROM="1", FAILING_COUNT="100")
    folder = failing.folder / "spool"

    def modes() -> list[int]:
        """Of the files in the folder that the program has open."""
        found = []
        for path in Path(f"/proc/{program.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since
                if os.readlink(path).startswith(str(folder)):
                    found.append(path.stat().st_mode & 0o777)
        return found

    wait_until(modes, "a spool")
    assert modes() == [0o600] and list(folder.iterdir()) == []
    program.kill()
    assert list(folder.iterdir()) == []
