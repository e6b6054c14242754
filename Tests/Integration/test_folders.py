"""Where credentials and certificates come from: a Secret, a folder with files named like its keys, or Microsoft's variables."""

import contextlib
import os
from pathlib import Path

import pytest

from certificates import TLS
from identities import CLIENT, SECRET, Identities
from processes import wait_until
from sandbox import ACCOUNT_KEY
from test_authorization import check, connection_string
from test_secrets import assert_no_secret_in
from world import CONTAINER, CREDENTIALS_SECRET, NAMESPACE, STORE_SECRET, TLS_SECRET, TOKEN

TLS_SETS = {
    "ours": ("etcd-client.crt", "etcd-client.key", "etcd-client-ca.crt"),
    "cert-manager": ("tls.crt", "tls.key", "ca.crt"),
    "kubeadm client": ("healthcheck-client.crt", "healthcheck-client.key", "ca.crt"),
    "kubeadm server": ("server.crt", "server.key", "ca.crt"),
    "k3s": ("client.crt", "client.key", "server-ca.crt"),
}


def folder(path, values: dict[str, str]) -> str:
    """As kubelet mounts a Secret: links to a hidden folder, so that all values change at once."""
    hidden = path / "..2026_11_28"
    hidden.mkdir(parents=True)
    (path / "..data").symlink_to(hidden.name)
    for name, value in values.items():
        (hidden / name).write_text(value)
        (path / name).symlink_to(f"..data/{name}")
    return str(path)


def store_folder(world, path, **values: str) -> str:
    """From now on the account comes from a folder, and the Secret is gone."""
    known = {"storage-account": world.sandbox.account, "storage-key": world.sandbox.account_key}
    world.env["APP_ABS_SECRET_DIRECTORY"] = folder(path, {**known, **values})
    del world.env["APP_ABS_SECRET_NAME"]
    return world.env["APP_ABS_SECRET_DIRECTORY"]


def renamed(secret: dict[str, str], names: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(names, (secret[name] for name in TLS_SETS["ours"]), strict=True))


def test_A20_a_folder_is_as_good_as_a_secret_for_everything(empty_world, start_etcd, tmp_path):
    world, cluster = empty_world, start_etcd(tls=TLS.make(tmp_path / "pki", client_name=None))
    cluster.enable_authentication("pw-of-root")
    world.back_up(cluster)
    store_folder(world, tmp_path / "store")
    world.env["APP_BACKUP_CLIENT_TLS_DIRECTORY"] = folder(tmp_path / "tls", cluster.tls.secret()) + "/"
    world.env["APP_BACKUP_ETCD_CREDENTIALS_DIRECTORY"] = folder(
        tmp_path / "user", {"username": "root", "password": "pw-of-root\n"})
    del world.env["APP_BACKUP_CLIENT_TLS_SECRET"], world.env["APP_BACKUP_ETCD_CREDENTIALS_SECRET"]
    run = world.run(APP_LOGGER_LEVEL="trace")
    asked = {request["operation"] for request in world.requests() if request["service"] == "kubernetes"}
    world.assert_whole(world.assert_success(run))
    assert asked == {"GetConfigMap", "PatchConfigMap", "CreateConfigMap"}, "no Secret is read"
    checked, findings = check(world)
    assert checked.status == 0 and "folder pass" in findings, checked.text
    assert_no_secret_in(run.log + checked.text, [ACCOUNT_KEY, "pw-of-root", TOKEN])


@pytest.mark.parametrize("names", TLS_SETS.values(), ids=TLS_SETS)
@pytest.mark.parametrize("is_folder", [False, True], ids=["secret", "folder"])
def test_A21_certificates_may_have_the_names_of_those_who_issue_them(empty_world, start_etcd, tmp_path, names, is_folder):
    world, cluster = empty_world, start_etcd(tls=TLS.make(tmp_path / "pki"))
    world.back_up(cluster)
    values = renamed(cluster.tls.secret(), names)
    if is_folder:
        # What lies beside it, as in /etc/kubernetes/pki/etcd, does no harm.
        world.env["APP_BACKUP_CLIENT_TLS_DIRECTORY"] = folder(tmp_path / "tls", {"peer.crt": "", "ca.key": "", **values})
        del world.env["APP_BACKUP_CLIENT_TLS_SECRET"]
    else:
        world.sandbox.put_secret(NAMESPACE, TLS_SECRET, values)
    world.assert_success(world.run())


@pytest.mark.parametrize("missing", range(3))
def test_A21_a_name_that_is_missing_is_told_with_those_that_are_there(empty_world, start_etcd, tmp_path, missing):
    world, cluster = empty_world, start_etcd(tls=TLS.make(tmp_path / "pki"))
    world.back_up(cluster)
    values = renamed(cluster.tls.secret(), TLS_SETS["cert-manager"])
    [lost] = [name for number, name in enumerate(values) if number == missing]
    del values[lost]
    world.env["APP_BACKUP_CLIENT_TLS_DIRECTORY"] = folder(tmp_path / "tls", values)
    del world.env["APP_BACKUP_CLIENT_TLS_SECRET"]
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert f"has no file {lost}" in run.log and all(name in run.log for name in values), run


@pytest.mark.parametrize("secret, directory", [
    ("APP_ABS_SECRET_NAME", "APP_ABS_SECRET_DIRECTORY"),
    ("APP_BACKUP_CLIENT_TLS_SECRET", "APP_BACKUP_CLIENT_TLS_DIRECTORY"),
    ("APP_BACKUP_ETCD_CREDENTIALS_SECRET", "APP_BACKUP_ETCD_CREDENTIALS_DIRECTORY")])
def test_A22_a_secret_and_a_folder_for_the_same_thing_are_refused(world, tmp_path, secret, directory):
    run = world.run(**{secret: "some-secret", directory: str(tmp_path)})
    assert world.requests() == [], "something was contacted"
    world.assert_nothing_happened(run, 78)
    assert f"{directory}: " in run.log and f"beside {secret}" in run.log, run


@pytest.mark.parametrize("change, words", [
    (lambda path: (path / "storage-key").unlink(), ["has no file storage-key", "storage-account", "Name the file"]),
    (lambda path: (path / "..data" / "storage-key").write_text(" \n"), ["storage-key is empty"]),
    (lambda path: (path / "..data" / "storage-key").write_bytes(b"\xff\xfe\x00"), ["storage-key is not text"]),
    (lambda path: (path / "..data" / "storage-key").write_text("no base64!"), ["/storage-key is not base64"]),
    (lambda path: (path / "..data" / "storage-key").unlink(), ["there is no such file"]),
    (lambda path: path.rename(path.with_name("gone")), ["is missing or cannot be read", "Mount the folder"]),
], ids=["no file", "empty", "no text", "no key", "dangling link", "no folder"])
def test_A20_what_is_wrong_with_a_folder_is_told_with_its_path(world, tmp_path, change, words):
    path = store_folder(world, tmp_path / "store")
    change(tmp_path / "store")
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert path in run.log and all(word in run.log for word in words), run
    checked, _ = check(world)
    assert checked.status == 78 and path in checked.text, checked.text


# Microsoft's own variables


def variables(world, kind: str, tmp_path) -> dict[str, str]:
    account = {"APP_ABS_AUTHENTICATION": kind, "AZURE_STORAGE_ACCOUNT": world.sandbox.account}
    match kind:
        case "shared-key":
            return account | {"AZURE_STORAGE_KEY": world.sandbox.account_key}
        case "sas":
            return account | {"AZURE_STORAGE_SAS_TOKEN": "?" + world.sandbox.sas(ends=30 * 86_400)}
        case "connection-string":
            return {"APP_ABS_AUTHENTICATION": kind, "AZURE_STORAGE_CONNECTION_STRING": connection_string(world)}
        case _:
            identities = Identities(world.sandbox, tmp_path, CONTAINER)
            secret = {"AZURE_CLIENT_SECRET": SECRET} if kind == "service-principal" else {}
            return account | identities.environment(kind) | secret


KINDS = ["shared-key", "sas", "connection-string", "workload-identity", "managed-identity", "service-principal"]


@pytest.mark.parametrize("kind", KINDS)
def test_A23_where_neither_is_named_the_variables_of_microsofts_tools_serve(world, tmp_path, kind):
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {})
    env = {"APP_ABS_SECRET_NAME": None, **variables(world, kind, tmp_path)}
    run = world.run(APP_LOGGER_LEVEL="trace", **env)
    world.assert_whole(world.assert_success(run))
    checked = world.run("check", **env)
    assert checked.status == 0 and "AZURE_STORAGE_" not in run.log, checked.text
    secrets = [value for name, value in env.items() if value and name.endswith(("KEY", "TOKEN", "STRING", "SECRET"))]
    assert_no_secret_in(run.log + checked.text, [*secrets, TOKEN])


@pytest.mark.parametrize("kind, wanted", [
    ("shared-key", "AZURE_STORAGE_KEY"), ("sas", "AZURE_STORAGE_SAS_TOKEN"), ("service-principal", "AZURE_CLIENT_SECRET"),
    ("connection-string", "AZURE_STORAGE_CONNECTION_STRING")])
def test_A23_a_variable_that_the_kind_needs_is_asked_for(world, kind, wanted):
    run = world.run(
        APP_ABS_SECRET_NAME=None, APP_ABS_AUTHENTICATION=kind, AZURE_STORAGE_ACCOUNT="acct1", AZURE_CLIENT_ID=CLIENT,
        AZURE_TENANT_ID=CLIENT)
    assert world.requests() == [], "something was contacted"
    world.assert_nothing_happened(run, 78)
    assert f"{wanted} is required, but not set" in run.log, run


def test_A23_where_a_secret_is_named_microsofts_variables_are_not_looked_at(world):
    world.assert_success(world.run(AZURE_STORAGE_ACCOUNT="other", AZURE_STORAGE_KEY="bm9uZQ=="))
    assert CREDENTIALS_SECRET not in world.env


def test_A45_a_mounted_secret_that_is_replaced_while_it_is_read_is_read_as_it_was(world, tmp_path):
    mount = tmp_path / "store"
    store_folder(world, mount)
    # A pipe in place of the first value: the program waits there while all files are replaced.
    first = mount / (mount / "..data").readlink() / "storage-account"
    first.unlink()
    os.mkfifo(first)
    pipe = os.open(first, os.O_RDWR)
    program = world.start()
    wait_until(lambda: str(first) in opened(program.pid), "the first value to be read")
    new = mount / "..2026_11_29"
    new.mkdir()
    (new / "storage-account").write_text("other")
    (new / "storage-key").write_text("b3RoZXI=")
    (mount / "..data_tmp").symlink_to(new.name)
    (mount / "..data_tmp").rename(mount / "..data")
    os.write(pipe, world.sandbox.account.encode())
    os.close(pipe)
    world.assert_whole(world.assert_success(program.wait()))


def opened(pid: int) -> list[str]:
    """The files that a process has open."""
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(descriptor))
    return found


@pytest.mark.parametrize("around", ["{}", "\ufeff{}", "{}\r\n", " \t{}\n\n", "\r\n\ufeff{}"],
                         ids=["plain", "mark", "CRLF", "blanks", "all"])
def test_A44_what_editors_leave_around_a_value_does_no_harm(world, tmp_path, around):
    store_folder(world, tmp_path / "store", **{
        "storage-account": around.format(world.sandbox.account), "storage-key": around.format(world.sandbox.account_key)})
    world.assert_success(world.run())


@pytest.mark.parametrize("key, words", [
    (ACCOUNT_KEY.rstrip("="), "not base64"), (ACCOUNT_KEY[:40] + "\n" + ACCOUNT_KEY[40:], "not base64"),
    (f"'{ACCOUNT_KEY}'", "not base64"), (ACCOUNT_KEY.replace("+", "-").replace("/", "_"), "not base64"),
    (ACCOUNT_KEY[:-3] + "\u00e9==", "not base64"), ("\ufeff", "is empty"),
], ids=["no padding", "line break", "quotes", "base64url", "beyond ASCII", "mark alone"])
def test_A44_a_key_that_is_none_is_refused_and_not_shown(world, tmp_path, key, words):
    store_folder(world, tmp_path / "store", **{"storage-key": key})
    run = world.run(APP_LOGGER_LEVEL="trace")
    world.assert_nothing_happened(run, 78)
    assert words in run.log and ACCOUNT_KEY[:20] not in run.log, run


@pytest.mark.parametrize("kind, key, value", [
    ("service-principal", "client-id", 'id","iss":"other'), ("service-principal", "tenant-id", "../common"),
    ("service-principal", "tenant-id", "a/b?c")], ids=["quotes", "parent", "query"])
def test_A44_an_id_that_is_none_is_refused_before_anything_is_asked(world, tmp_path, kind, key, value):
    values = {"client-id": CLIENT, "tenant-id": "tenant", "client-secret": SECRET} | {key: value}
    store_folder(world, tmp_path / "store", **values)
    identities = Identities(world.sandbox, tmp_path, CONTAINER).environment(kind)
    del identities["AZURE_CLIENT_ID"], identities["AZURE_TENANT_ID"]
    world.env |= identities
    run = world.run()
    assert world.requests("IssueToken") == []
    world.assert_nothing_happened(run, 78)
    assert f"{key} is not an id" in run.log, run
