"""A small client of etcd's JSON gateway, for filling clusters and reading all of what they hold."""

import base64
import hashlib
import http.client
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from certificates import TLS

ALL_KEYS = {"key": "AA==", "range_end": "AA=="}  # from the zero byte to the zero byte: everything


class GatewayError(Exception):
    """etcd answered, but not with success."""


@dataclass(frozen=True)
class Key:
    """One key as etcd stores it; the value as its SHA-256."""

    create_revision: int
    mod_revision: int
    version: int
    lease: int
    value: str


@dataclass(frozen=True)
class Contents:
    """Everything a client can see in a cluster: all keys now, and every change that led there."""

    revision: int
    keys: dict[str, Key]
    history: list[tuple[int, str, str, Key]]

    def differences(self, other: "Contents") -> list[str]:
        """What is not the same in `other`; empty when nothing differs."""
        found = []
        if self.revision != other.revision:
            found.append(f"revision {self.revision} became {other.revision}")
        for name in sorted(self.keys.keys() | other.keys.keys()):
            before, after = self.keys.get(name), other.keys.get(name)
            if before != after:
                found.append(f"{name}: {before} became {after}")
        if self.history != other.history:
            found.append(f"history: {len(self.history)} changes became {len(other.history)}, or differ")
        return found


def encode(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.b64encode(raw).decode()


class Gateway:
    """One connection to one member. Not for sharing between threads."""

    def __init__(self, url: str, prefix: str, tls: TLS | None = None, user: tuple[str, str] | None = None,
                 timeout: float = 60):
        self._prefix = prefix
        self._user = user
        self._token: str | None = None
        address = urlsplit(url).netloc
        if tls:
            context = ssl.create_default_context(cadata=tls.signer.certificate)
            context.load_cert_chain(tls.folder / "client.crt", tls.folder / "client.key")
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(address, timeout=timeout, context=context)
        else:
            self._connection = http.client.HTTPConnection(address, timeout=timeout)

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()

    def call(self, path: str, body: dict | None = None) -> dict:
        """POST, as every call of the gateway is: `call("kv/range", {...})`."""
        response = self._send(path, body)
        return json.loads(response.read())

    def health(self) -> bool:
        """Whether the member serves requests, so also whether it has a quorum."""
        try:
            self._connection.request("GET", "/health")
            return json.loads(self._connection.getresponse().read()).get("health") == "true"
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return False

    def contents(self) -> Contents:
        """All keys at one revision, and all changes up to it (which needs an uncompacted cluster)."""
        revision = self.revision()
        keys = self.keys(revision)
        return Contents(revision, keys, self._history(revision))

    def revision(self) -> int:
        return int(self.call("kv/range", ALL_KEYS | {"count_only": True})["header"]["revision"])

    def keys(self, revision: int, at_a_time: int = 500) -> dict[str, Key]:
        """All keys as they were at that revision. What comes at a time must fit into a message of 4 MiB."""
        keys: dict[str, Key] = {}
        start = "AA=="
        while True:
            page = self.call("kv/range", ALL_KEYS | {"key": start, "limit": at_a_time, "revision": revision})
            for pair in page.get("kvs", []):
                keys[base64.b64decode(pair["key"]).decode()] = _key(pair)
            if not page.get("more"):
                return keys
            start = encode(base64.b64decode(page["kvs"][-1]["key"]) + b"\0")

    def _history(self, revision: int) -> list[tuple[int, str, str, Key]]:
        if revision == 1:
            return []
        changes = []
        response = self._send("watch", {"create_request": ALL_KEYS | {"start_revision": 1}})
        for line in response:
            for event in json.loads(line)["result"].get("events", []):
                pair = event["kv"]
                changed = _key(pair)
                changes.append(
                    (changed.mod_revision, base64.b64decode(pair["key"]).decode(),
                     event.get("type", "PUT"), changed))
            if changes and changes[-1][0] >= revision:
                break
        self._connection.close()  # a watch never ends by itself
        return sorted(changes, key=lambda change: change[:2])

    def _send(self, path: str, body: dict | None) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json"}
        if self._user and path != "auth/authenticate":
            if self._token is None:
                name, password = self._user
                answer = self.call("auth/authenticate", {"name": name, "password": password})
                self._token = answer["token"]
            headers["Authorization"] = self._token
        self._connection.request("POST", f"{self._prefix}/{path}", json.dumps(body or {}), headers)
        response = self._connection.getresponse()
        if response.status != 200:
            text = response.read().decode(errors="replace")
            raise GatewayError(f"{path}: {response.status} {text}")
        return response


def _key(pair: dict) -> Key:
    return Key(
        create_revision=int(pair.get("create_revision", 0)),
        mod_revision=int(pair["mod_revision"]),
        version=int(pair.get("version", 0)),
        lease=int(pair.get("lease", 0)),
        value=hashlib.sha256(base64.b64decode(pair.get("value", ""))).hexdigest(),
    )
