"""What a person types: the name alone, names that do not exist, `version`, completion."""

import os
import pty
import re
import subprocess

import pytest
import yaml

from processes import CLEAN_ENVIRONMENT, PATIENCE, ROOT
from program import BINARY

# The program alone


def typed(*arguments: str, terminals: set[str], **environment: str) -> subprocess.CompletedProcess:
    """Runs the program with a terminal as these of `stdin`, `stdout` and `stderr`; gives back all that it printed."""
    controller, terminal = pty.openpty()
    stdin, stdout, stderr = (
        terminal if name in terminals else subprocess.DEVNULL for name in ("stdin", "stdout", "stderr"))
    program = subprocess.Popen(
        [str(BINARY), *arguments], env={**CLEAN_ENVIRONMENT, **environment}, stdin=stdin, stdout=stdout, stderr=stderr)
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:  # the program has closed its last end
            piece = b""
        if not piece:
            break
        shown += piece
    os.close(controller)
    return subprocess.CompletedProcess(program.args, program.wait(20), shown.decode().replace("\r\n", "\n"), "")


def test_the_name_alone_on_a_terminal_shows_the_help_and_is_64():
    done = typed(terminals={"stdin", "stdout", "stderr"})
    assert (done.returncode, done.stdout) == (64, subprocess.run([BINARY, "--help"], capture_output=True, text=True).stdout)


@pytest.mark.parametrize("terminals, environment, arguments", [
    ({"stdout", "stderr"}, {}, []),
    ({"stdin", "stderr"}, {}, []),
    ({"stdin", "stdout", "stderr"}, {"APP_BLOB_PREFIX": "a"}, []),
    ({"stdin", "stdout", "stderr"}, {"APP_": ""}, []),
    ({"stdin", "stdout", "stderr"}, {}, ["backup"]),
], ids=["no input", "output elsewhere", "configured", "a variable of ours", "backup"])  # fmt: skip
def test_everywhere_else_it_takes_a_backup(terminals, environment, arguments):
    """Which fails, since next to nothing is configured."""
    done = typed(*arguments, terminals=terminals, **environment)
    assert done.returncode == 78 and "APP_ABS_CONTAINER_NAME" in done.stdout and "USAGE" not in done.stdout, done.stdout


def test_a_job_without_any_variable_is_told_what_it_lacks():
    done = subprocess.run([BINARY], env=CLEAN_ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 78 and "APP_ABS_CONTAINER_NAME" in done.stderr and done.stdout == "", done


# Names that do not exist


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, *arguments], env=CLEAN_ENVIRONMENT, capture_output=True, text=True)


@pytest.mark.parametrize("arguments, nearest", [
    (["lst"], "list"), (["chekc"], "check"), (["verfy", "--all"], "verify"), (["help", "retension"], "retention"),
    (["donwload", "--file", "x"], "download"), (["Version"], "version")], ids=" ".join)  # fmt: skip
def test_an_unknown_command_is_64_and_suggests_the_nearest(arguments, nearest):
    done = run(*arguments)
    word = arguments[1] if arguments[0] == "help" else arguments[0]
    assert done.returncode == 64 and done.stdout == "", done
    assert f"Unknown command '{word}'. Did you mean '{nearest}'?" in done.stderr, done.stderr


@pytest.mark.parametrize("arguments, nearest", [
    (["list", "--limt", "3"], "--limit"), (["list", "--ouput", "json"], "--output"), (["verify", "--al"], "--all"),
    (["download", "--files", "x"], "--file"), (["--hlep"], "--help")], ids=" ".join)  # fmt: skip
def test_an_unknown_option_is_64_and_suggests_the_nearest(arguments, nearest):
    done = run(*arguments)
    assert done.returncode == 64 and f"Did you mean '{nearest}'?" in done.stderr, done.stderr


@pytest.mark.parametrize("arguments", [["nonsense-of-every-kind"], ["--nonsense-of-every-kind"]], ids=" ".join)
def test_what_is_near_nothing_is_64_without_a_suggestion(arguments):
    done = run(*arguments)
    assert done.returncode == 64 and arguments[0] in done.stderr and "Did you mean" not in done.stderr, done.stderr


# version


def library(package: str) -> str:
    """The version that pkg-config knows."""
    return subprocess.run(["pkg-config", "--modversion", package], capture_output=True, text=True, check=True).stdout.strip()


def test_version_shows_the_release_the_commit_and_the_libraries():
    in_json, in_yaml, shown = (run("version", *form) for form in (["-o", "json"], ["-o", "yaml"], []))
    told = yaml.safe_load(in_json.stdout)
    assert told == yaml.safe_load(in_yaml.stdout)
    assert told["version"] == run("--version").stdout.strip()
    assert told["libraries"] == {
        "expat": library("expat"), "libcurl": library("libcurl"), "libyaml": library("yaml-0.1"),
        "openssl": library("libcrypto"), "zstd": library("libzstd")}
    lines = dict(re.split(" {2,}", line) for line in shown.stdout.splitlines())
    assert lines == {
        "etcd-backup": told["version"], "commit": told.get("commit", "unknown"), **told["libraries"]}  # fmt: skip


def test_the_builds_of_make_and_of_the_image_name_the_commit():
    """What they set reaches the program; the manifest takes nothing but hexadecimal digits from there."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    for given, defined in {commit: commit, 'a"\\b c;': "abc", "": ""}.items():
        dumped = subprocess.run(
            ["swift", "package", "--scratch-path", ".build/manifest", "dump-package"], cwd=ROOT, capture_output=True,
            text=True, env={**os.environ, "ETCD_BACKUP_COMMIT": given}, check=True).stdout  # fmt: skip
        assert f'ETCD_BACKUP_COMMIT=\\"{defined}\\"' in dumped, dumped
    made = subprocess.run(["make", "--dry-run", "build"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert f"ETCD_BACKUP_COMMIT={head} swift build" in made, made
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r'ARG REVISION\nRUN ETCD_BACKUP_COMMIT="\$\{REVISION\}" \\\n +swift build', dockerfile)


# Completion


@pytest.mark.parametrize("words, offered", [
    (["etcd-backup", "ver"], {"verify", "version"}),
    (["etcd-backup", "download", "--out"], {"--output"}),
    (["etcd-backup", "list", "--output", ""], {"table", "json", "yaml", "name"}),
    (["etcd-backup", "verify", "lat"], {"latest"}),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_bash_completes_commands_options_formats_and_words_for_backups(words, offered):
    script = """
    source <("$0" --generate-completion-script bash)
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
    handler=$(complete -p etcd-backup | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    "$handler" etcd-backup "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", script, BINARY, *words], capture_output=True, text=True, env={
        **CLEAN_ENVIRONMENT, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"})  # fmt: skip
    assert {word.strip() for word in done.stdout.splitlines()} == offered, done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hide /proc")
def test_where_the_command_line_cannot_be_read_nothing_is_taken_for_a_backup():
    """Swift reads it from /proc, which a chroot may lack."""
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" list',
         str(BINARY)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 64 and "/proc is not mounted" in done.stderr, done
