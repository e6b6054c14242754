"""Exec plugins of a kubeconfig: the program that it names prints the credential for the API server."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from processes import wait_until
from test_secrets import assert_no_secret_in
from world import NAMESPACE, TOKEN

VERSION = "client.authentication.k8s.io/v1"
ANSWER = f"""echo '{{"kind":"ExecCredential","apiVersion":"{VERSION}","status":{{STATUS}}}}'"""
RIGHTS = [{"namespace": NAMESPACE, "resources": ["secrets"], "verbs": ["get"]},
          {"namespace": NAMESPACE, "resources": ["configmaps"], "verbs": ["get", "patch", "create"]}]


class Plugin:
    """A script in place of kubelogin or aws, and the kubeconfig that names it."""

    def __init__(self, world, folder: Path):
        self.world = world
        self.folder = folder
        self.script = folder / "plugin"
        self.runs = folder / "runs"
        self.answer = folder / "answer.json"
        self.print({"token": TOKEN})
        self.write(f"cat {self.answer}")

    def write(self, script: str, **fields) -> None:
        """From now on this is what it does; every run leaves its process id and one of its variables."""
        self.script.write_text(f'#!/bin/sh\necho "$$ $MARK" >> {self.runs}\n{script}\n')
        self.script.chmod(0o755)
        path = Path(self.world.env["APP_KUBECONFIG_PATH"])
        config = json.loads(path.read_text())
        config["users"][0]["user"] = {"exec": {
            "apiVersion": VERSION, "command": str(self.script), "interactiveMode": "IfAvailable"} | fields}
        path.write_text(json.dumps(config))

    def print(self, status: dict, **members) -> None:
        """From now on this is its answer."""
        self.answer.write_text(json.dumps({"kind": "ExecCredential", "apiVersion": VERSION, "status": status} | members))

    @property
    def starts(self) -> list[str]:
        return self.runs.read_text().splitlines() if self.runs.exists() else []

    def is_gone(self) -> bool:
        return all(not os.path.exists(f"/proc/{line.split()[0]}") for line in self.starts)


@pytest.fixture
def plugin(world, tmp_path):
    return Plugin(world, tmp_path)


def test_A34_a_plugin_serves_every_command_and_gets_our_environment(world, plugin, tmp_path):
    world.env["MARK"] = "ours"
    run = world.run(APP_LOGGER_LEVEL="trace")
    path = world.assert_success(run)
    commands = [["list"], ["verify", "latest"], ["check"], ["download", "latest", "--file", str(tmp_path / "backup.db")]]
    for number, command in enumerate(commands):
        done = world.run(*command, APP_LOGGER_LEVEL="trace")
        assert done.status == 0, f"{command} {done}\n{done.text}"
        assert len(plugin.starts) == number + 2, "once for each command"
        assert_no_secret_in(done.log + done.text, [TOKEN])
    assert (tmp_path / "backup.db").read_bytes() == world.assert_whole(path)
    assert all(line.endswith(" ours") for line in plugin.starts), plugin.starts
    assert_no_secret_in(run.log, [TOKEN])


def test_A34_a_token_that_is_revoked_during_the_run_is_fetched_anew_once(world, plugin):
    world.hold("PutBlockList")
    program = world.start()
    world.wait_for_held("PutBlockList")
    world.sandbox.revoke(TOKEN)
    world.sandbox.grant("token-of-afterwards", "system:serviceaccount:kyma-system:etcd-backup", RIGHTS)
    plugin.print({"token": "token-of-afterwards"})
    world.release()
    run = program.wait()
    refused = [each for each in world.requests() if each.get("status") == 401]
    world.assert_success(run)
    assert len(plugin.starts) == 2 and len(refused) == 1, run
    assert_no_secret_in(run.log, [TOKEN, "token-of-afterwards"])


def test_A34_a_token_that_the_server_does_not_take_is_fetched_anew_once_and_then_told(world, plugin):
    plugin.print({"token": "unknown-to-the-server"})
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert len(plugin.starts) == 2 and "401" in run.log, run
    assert_no_secret_in(run.log, ["unknown-to-the-server"])


def test_A34_a_client_certificate_is_as_good_as_a_token(world, plugin):
    client = world.sandbox.authority.client("plugin-user")
    client.write(plugin.folder, "client")
    world.sandbox.grant_certificate(plugin.folder / "client.crt", "plugin-user", RIGHTS)
    plugin.print({"clientCertificateData": client.certificate, "clientKeyData": client.key})
    run = world.run(APP_LOGGER_LEVEL="trace")
    world.assert_success(run)
    assert_no_secret_in(run.log, [line for line in client.key.splitlines() if "-----" not in line])


def test_A34_what_it_says_stands_in_the_log_without_secrets(world, plugin):
    plugin.write(f"echo 'signing in' >&2; echo 'got {TOKEN}' >&2; cat {plugin.answer}")
    run = world.run()
    world.assert_success(run)
    told = [event["message"] for event in run.events if event["msg"] == "a program says"]
    assert told == ["signing in", "got <redacted>"], run


@pytest.mark.parametrize("script, fields, status, words", [
    ("echo 'not signed in' >&2; exit 7", {}, 1, ["exited with status 7: not signed in", "kubectl"]),
    ("kill -9 $$", {}, 1, ["ended by signal 9"]),
    ("echo rubbish", {}, 78, ["not the JSON of an ExecCredential", "exec.command"]),
    ("true", {"apiVersion": "client.authentication.k8s.io/v1beta1"}, 78, ["not the JSON"]),
    ("cat FILE", {"apiVersion": "client.authentication.k8s.io/v1beta1"}, 78, ["v1beta1, which the kubeconfig names"]),
    ("true", {"command": "no-such-plugin", "installHint": "get it at example.org"}, 78,
     ["is in no folder of PATH", "get it at example.org"]),
    ("true", {"command": "./kubeconfig"}, 78, ["Permission denied", "Allow this user"]),
    ("true", {"apiVersion": "client.authentication.k8s.io/v1alpha1"}, 78, ["exec.apiVersion is not", "write the kubeconfig"]),
    ("true", {"interactiveMode": "Always"}, 78, ["needs a terminal", "IfAvailable"]),
    (ANSWER.replace("STATUS", '"clientCertificateData":"x"'), {}, 78, ["without a key"]),
    (ANSWER.replace("STATUS", '"token":"t0ken1","expirationTimestamp":"2020-01-01T00:00:00Z"'), {}, 78,
     ["expired at 2020-01-01T00:00:00Z", "clock"]),
], ids=["status", "signal", "rubbish", "nothing", "other version", "missing", "denied", "old version", "terminal", "half",
        "expired"])
def test_A35_a_plugin_that_gives_nothing_ends_the_run_with_cause_and_remedy(world, plugin, script, fields, status, words):
    plugin.write(script.replace("FILE", str(plugin.answer)), **fields)
    run = world.run()
    world.assert_nothing_happened(run, status)
    assert all(word in run.log for word in words) and run.events[-1].get("hint"), run
    assert len(plugin.starts) <= 1 and "t0ken1" not in run.log, run


def test_A35_a_plugin_that_never_ends_ends_with_the_run(world, plugin):
    plugin.write("sleep 1000 & wait")
    run = world.run(APP_BACKUP_TIMEOUT="2s")
    world.assert_nothing_happened(run, 1)
    assert "deadline" in run.log and plugin.starts and plugin.is_gone(), run


def test_A35_a_signal_ends_the_plugin_as_well(world, plugin):
    plugin.write("sleep 1000 & wait")
    program = world.start()
    wait_until(lambda: bool(plugin.starts), "the plugin's start")
    run = program.ended_by(signal.SIGTERM)
    assert run.status == 143 and plugin.is_gone(), run


@pytest.mark.long
def test_A35_a_plugin_has_a_minute(world, plugin):
    plugin.write("sleep 1000 & wait")
    run = world.run()
    world.assert_nothing_happened(run, 1)
    assert "did not end within 60 s" in run.log and plugin.is_gone(), run


def test_A36_plugins_can_be_forbidden(world, plugin):
    run = world.run(APP_KUBECONFIG_EXEC="off")
    world.assert_nothing_happened(run, 78)
    assert "APP_KUBECONFIG_EXEC=on" in run.log and plugin.starts == [], run
    checked = world.run("check", "--output", "json", APP_KUBECONFIG_EXEC="off")
    assert checked.status == 78 and "switched off" in checked.text and plugin.starts == [], checked.text


def test_A36_what_the_kubeconfig_itself_holds_comes_first(world, plugin):
    path = Path(world.env["APP_KUBECONFIG_PATH"])
    config = json.loads(path.read_text())
    config["users"][0]["user"]["token"] = TOKEN
    path.write_text(json.dumps(config))
    world.assert_success(world.run())
    assert plugin.starts == []


def test_A36_a_credential_that_ends_is_fetched_anew_also_where_that_fails_for_a_moment(world, plugin):
    """The second start fails; the record is written all the same."""
    soon = "$(date -u -d '+11 seconds' +%Y-%m-%dT%H:%M:%SZ)"
    plugin.write(f'[ "$(wc -l < {plugin.runs})" = 2 ] && exit 1\n'
                 f'echo "{{\\"kind\\":\\"ExecCredential\\",\\"apiVersion\\":\\"{VERSION}\\",'
                 f'\\"status\\":{{\\"token\\":\\"{TOKEN}\\",\\"expirationTimestamp\\":\\"{soon}\\"}}}}"')
    world.hold("PutBlockList")
    program = world.start()
    world.wait_for_held("PutBlockList")
    wait_until(lambda: time.time() - plugin.runs.stat().st_mtime > 2, "the end of the credential")
    world.release()
    run = program.wait()
    world.assert_success(run)
    assert len(plugin.starts) >= 3 and "tried again" in run.log, run
