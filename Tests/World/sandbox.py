"""Starts the sandbox (Azure Blob Storage and Kubernetes API stand-ins) for a test, and talks to its state."""

import base64
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import uuid
from email.utils import formatdate, parsedate_to_datetime

from certificates import Authority
from processes import AT_ONCE, PATIENCE, ROOT

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def binary():
    """The sandbox's program: SANDBOX_BINARY, or the release build in the repository."""
    default = ROOT / "Tests/Sandbox/.build/release/sandbox"
    return os.environ.get("SANDBOX_BINARY", str(default))


def _replace(path, text):
    """Writes a file so that the sandbox reads the old text or the new one."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".draft")
    draft.write_text(text)
    draft.rename(path)


class Sandbox:
    """One sandbox process with its state folder, both gone at the end of the `with` block; the process also with the
    one that started it.

    `state` keeps a given folder instead, which the next Sandbox may go on with.
    """

    def __init__(self, *, state=None, account=ACCOUNT, account_key=ACCOUNT_KEY, tls=False,
                 kubernetes=True, discard_data=False, arguments=()):
        self.account, self.account_key = account, account_key
        self._is_temporary = state is None
        self.state = pathlib.Path(state or tempfile.mkdtemp(prefix="sandbox-"))
        self._command = ["setpriv", "--pdeathsig", "KILL", "--", binary(), "--state", str(self.state),
                         "--account", account, *arguments]
        if tls:
            self._command += ["--blob-tls-port", "0"]
        if not kubernetes:
            self._command += ["--no-kubernetes"]
        if discard_data:
            self._command += ["--discard-data"]
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self._is_temporary:
            shutil.rmtree(self.state, ignore_errors=True)

    # The process.

    def start(self):
        """Starts the process and waits until every port listens."""
        self.pki.mkdir(parents=True, exist_ok=True)
        if not (self.pki / "server.crt").exists():
            self.authority = Authority("sandbox test CA")
            self.ca_file.write_text(self.authority.certificate)
            self.authority.server(client_auth=False, hosts=("*.blob.localhost",)).write(self.pki, "server")
        (self.state / "ready.json").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            self._command + ["--account-key", self.account_key, "--certificate", str(self.pki / "server.crt"),
                             "--key", str(self.pki / "server.key"), "--client-ca", str(self.ca_file)])
        self._wait_until(lambda ready: True)

    def stop(self, number=signal.SIGTERM):
        """Ends the process (with any signal) and waits for its end; the state stays."""
        if self._process:
            self._process.send_signal(number)
            self._process.wait(timeout=AT_ONCE)
            self._process = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def reload(self):
        """Makes the process take the blobs from disk again."""
        reloads = self.ready["reloads"]
        self._process.send_signal(signal.SIGHUP)
        self._wait_until(lambda ready: ready["reloads"] > reloads)

    def _wait_until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the sandbox ended with status {self._process.returncode}")
            try:
                self.ready = json.loads((self.state / "ready.json").read_text())
                if condition(self.ready):
                    return
            except FileNotFoundError:
                pass
            time.sleep(0.01)
        raise TimeoutError(f"the sandbox is not ready after {PATIENCE} s")

    @property
    def pid(self):
        return self.ready["pid"]

    # TLS.

    @property
    def pki(self):
        return self.state / "pki"

    @property
    def ca_file(self):
        return self.pki / "ca.crt"

    def ssl_context(self):
        """Trusts the sandbox and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    # Blobs.

    @property
    def blob_url(self):
        return self.ready["blob"]

    @property
    def blob_tls_url(self):
        return self.ready["blobTLS"]

    @property
    def host_style_url(self):
        """The same blob service at `ACCOUNT.blob.localhost`."""
        port = self.blob_url.split(":")[2].split("/")[0]
        return f"http://{self.account}.blob.localhost:{port}"

    def blob_service_client(self, url=None, **options):
        """Microsoft's own client."""
        from azure.storage.blob import BlobServiceClient

        credential = {"account_name": self.account, "account_key": self.account_key}
        if (url or self.blob_url).startswith("https"):
            options.setdefault("connection_verify", str(self.ca_file))
        options.setdefault("retry_total", 0)
        return BlobServiceClient(url or self.blob_url, credential=credential, **options)

    def sas(self, kind="container", container="etcd-backups", permission="rwdl", starts=None, ends=3600, **options):
        """A shared access signature, made by Microsoft's library; times are in seconds from now."""
        from azure.storage import blob

        now = datetime.datetime.now(datetime.UTC)
        options |= {"permission": permission, "expiry": now + datetime.timedelta(seconds=ends)}
        if starts is not None:
            options["start"] = now + datetime.timedelta(seconds=starts)
        match kind:
            case "account":
                types = blob.ResourceTypes.from_string(options.pop("resource_types", "co"))
                return blob.generate_account_sas(self.account, self.account_key, types, **options)
            case "container":
                return blob.generate_container_sas(self.account, container, self.account_key, **options)
            case "delegated":
                key = self.delegation_key(options.pop("key_ends", ends))
                return blob.generate_container_sas(self.account, container, user_delegation_key=key, **options)
            case "blob":
                return blob.generate_blob_sas(self.account, container, "one", account_key=self.account_key, **options)

    def delegation_key(self, ends):
        """As Get User Delegation Key returns it; the sandbox computes the key's value in the same way."""
        from azure.storage.blob import UserDelegationKey

        now = datetime.datetime.now(datetime.UTC)
        key = UserDelegationKey()
        key.signed_oid, key.signed_tid = str(uuid.uuid4()), str(uuid.uuid4())
        key.signed_start = (now - datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        key.signed_expiry = (now + datetime.timedelta(seconds=ends)).strftime("%Y-%m-%dT%H:%M:%SZ")
        key.signed_service, key.signed_version = "b", "2026-04-06"
        text = "\n".join([key.signed_oid, key.signed_tid, key.signed_start, key.signed_expiry, "b", "2026-04-06"])
        code = hmac.digest(base64.b64decode(self.account_key), text.encode(), "sha256")
        key.value = base64.b64encode(code).decode()
        return key

    def set_account_keys(self, *keys):
        """From now on the account has these keys and no other; the first one is ours."""
        self.account_key = keys[0]
        _replace(self.state / "account-keys.json", json.dumps(keys))

    # Identities.

    @property
    def identity_url(self):
        """In place of https://login.microsoftonline.com."""
        return self.ready["identity"]

    @property
    def imds_url(self):
        """In place of http://169.254.169.254."""
        return self.ready["imds"]

    def set_identities(self, **members):
        """Who may have tokens, and what they open; see Tests/Sandbox/README.md."""
        _replace(self.state / "identities.json", json.dumps(members))

    def create_container(self, name):
        return self.blob_service_client().create_container(name)

    def container_folder(self, container):
        return self.state / "blobs" / container

    def set_policy(self, container, **policy):
        """For instance `immutable=True`."""
        _replace(self.container_folder(container) / "policy.json", json.dumps(policy))

    def set_account(self, **traits):
        """For instance `kind="BlockBlobStorage"`, or `hierarchical=True`."""
        _replace(self.state / "blobs" / "account.json", json.dumps(traits))

    def plant_blobs(self, container, blobs):
        """Puts committed blobs without bytes into the state: (name, size, last modified in epoch seconds)."""
        lines = []
        for name, size, modified in blobs:
            when = formatdate(modified, usegmt=True)
            lines.append(json.dumps({"put": {
                "name": name, "etag": "0x8D" + hashlib.sha256(name.encode()).hexdigest()[:13].upper(),
                "created": when, "lastModified": when, "content": {"type": "application/octet-stream"},
                "metadata": [], "blocks": [{"id": "MDAwMDAwMDA=", "size": size}]}}) + "\n")
        self._append_to_journal(container, "".join(lines))

    def age_blob(self, container, name, seconds):
        """Makes a blob look `seconds` older."""
        lines = map(json.loads, (self.container_folder(container) / "committed.jsonl").read_text().splitlines())
        record = [line["put"] for line in lines if line.get("put", {}).get("name") == name][-1]
        modified = parsedate_to_datetime(record["lastModified"]).timestamp() - seconds
        record["lastModified"] = record["created"] = formatdate(modified, usegmt=True)
        self._append_to_journal(container, json.dumps({"put": record}) + "\n")

    def _append_to_journal(self, container, text):
        with open(self.container_folder(container) / "committed.jsonl", "a") as journal:
            journal.write(text)
        self.reload()

    # Kubernetes.

    @property
    def kubernetes_url(self):
        return self.ready["kubernetes"]

    def _object_file(self, resource, namespace, name):
        return self.state / "kubernetes" / namespace / resource / f"{name}.json"

    def create_namespace(self, namespace):
        (self.state / "kubernetes" / namespace).mkdir(parents=True, exist_ok=True)

    def put_secret(self, namespace, name, data):
        """`data` maps keys to str or bytes, not yet in base64."""
        encoded = {key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
                   for key, value in data.items()}
        _replace(self._object_file("secrets", namespace, name), json.dumps(
            {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
             "metadata": {"name": name, "namespace": namespace}, "data": encoded}))

    def secret(self, namespace, name):
        """The Secret's data, as text; None when there is no such Secret."""
        path = self._object_file("secrets", namespace, name)
        data = json.loads(path.read_text())["data"] if path.exists() else None
        return data and {key: base64.b64decode(value).decode() for key, value in data.items()}

    def put_configmap(self, namespace, name, data, **members):
        """Further members of the object, such as `immutable=True`, may follow."""
        _replace(self._object_file("configmaps", namespace, name), json.dumps(
            {"apiVersion": "v1", "kind": "ConfigMap",
             "metadata": {"name": name, "namespace": namespace}, "data": data, **members}))

    def configmap(self, namespace, name, field="data"):
        """The ConfigMap's data, or another field; None when there is no such ConfigMap."""
        path = self._object_file("configmaps", namespace, name)
        return json.loads(path.read_text()).get(field, {}) if path.exists() else None

    def remove_configmap(self, namespace, name):
        self._object_file("configmaps", namespace, name).unlink()

    def granted(self, token):
        """The user and the rules of whoever has that token; None when it was granted nothing."""
        path = self.state / "kubernetes" / "access.json"
        return json.loads(path.read_text()).get("tokens", {}).get(token) if path.exists() else None

    def grant(self, token, user, rules):
        """Lets whoever has `token` do what `rules` say, besides what was granted before."""
        self._change_access("tokens", token, user, rules)

    def grant_certificate(self, certificate, user, rules):
        """Lets whoever has the PEM file's certificate do what `rules` say."""
        der = ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate).read_text())
        self._change_access("certificates", hashlib.sha256(der).hexdigest(), user, rules)

    def revoke(self, token):
        path = self.state / "kubernetes" / "access.json"
        access = json.loads(path.read_text())
        del access["tokens"][token]
        _replace(path, json.dumps(access))

    def _change_access(self, kind, key, user, rules):
        path = self.state / "kubernetes" / "access.json"
        access = json.loads(path.read_text()) if path.exists() else {}
        access.setdefault(kind, {})[key] = {"user": user, "rules": rules}
        _replace(path, json.dumps(access))

    def kubeconfig(self, path, token, namespace):
        """Writes a kubeconfig (JSON is YAML) and returns its path."""
        _replace(path, json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "sandbox",
            "clusters": [{"name": "sandbox", "cluster": {
                "server": self.kubernetes_url, "certificate-authority": str(self.ca_file)}}],
            "users": [{"name": "sandbox", "user": {"token": token}}],
            "contexts": [{"name": "sandbox", "context": {
                "cluster": "sandbox", "user": "sandbox", "namespace": namespace}}]}, indent=1))
        return str(path)

    # Faults and the log of requests.

    def faults(self, rules):
        """Scripts faults from now on; see Tests/Sandbox/README.md. Counters start anew."""
        _replace(self.state / "faults.json", json.dumps(rules))

    def requests(self, operation=None):
        """All requests so far, oldest first, or those of one operation."""
        return self._entries("requests.jsonl", operation)

    def held(self, operation=None):
        """The same for those that the fault `hold` has kept waiting."""
        return self._entries("held.jsonl", operation)

    def _entries(self, name, operation):
        path = self.state / name
        lines = path.read_text().splitlines() if path.exists() else []
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if operation in (None, entry["operation"])]
