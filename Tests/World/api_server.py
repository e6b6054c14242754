"""As much of a Kubernetes API server as helm and kubectl need to install, upgrade and uninstall a chart.

Objects of every kind lie in one dictionary. It answers discovery, create, get, list, replace, delete, and the patches
that helm and kubectl send, server-side apply among them; keeps every write for inspection, and runs nothing.
"""

import base64
import copy
import http.server
import itertools
import json
import pathlib
import ssl
import threading
import urllib.parse
import uuid

import yaml

import field_managers

KINDS = {
    "v1": {
        "ConfigMap": "configmaps", "Secret": "secrets", "ServiceAccount": "serviceaccounts",
        "Pod": "pods", "PersistentVolumeClaim": "persistentvolumeclaims", "Event": "events",
    },
    "apps/v1": {"StatefulSet": "statefulsets"},
    "batch/v1": {"CronJob": "cronjobs", "Job": "jobs"},
    "rbac.authorization.k8s.io/v1": {"Role": "roles", "RoleBinding": "rolebindings"},
}
APPLY_TYPES = ("application/apply-patch+yaml", "application/apply-patch+cbor")
VERBS = ["create", "delete", "get", "list", "patch", "update"]
SHORT_NAMES = {"ConfigMap": ["cm"]}
SUBRESOURCES = {
    "v1": [{"name": "namespaces", "singularName": "namespace", "namespaced": False, "kind": "Namespace", "verbs": ["get"]}],
    "apps/v1": [{
        "name": "statefulsets/scale", "singularName": "", "namespaced": True, "group": "autoscaling",
        "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"],
    }],
}  # fmt: skip


def resource_list(version):
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": [
            {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": VERBS,
             "shortNames": SHORT_NAMES.get(kind, [])}
            for kind, plural in KINDS[version].items()
        ] + SUBRESOURCES.get(version, []),
    }


def group_list():
    groups = []
    for version in KINDS:
        if "/" in version:
            entry = {"groupVersion": version, "version": version.split("/")[1]}
            groups.append({"name": version.split("/")[0], "versions": [entry], "preferredVersion": entry})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


DISCOVERY = {
    "/version": {"major": "1", "minor": "31", "gitVersion": "v1.31.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": group_list(),
    "/api/v1": resource_list("v1"),
    **{f"/apis/{version}": resource_list(version) for version in KINDS if "/" in version},
}


def merge(target, patch):
    """RFC 7386. For the objects of this chart a strategic merge differs in lists of containers only."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif not key.startswith("$"):
            result[key] = merge(result.get(key), value)
    return result


def fields(message):
    """The fields of a protobuf message, as (number, content); numbers are all that helm's objects need."""

    def number(position):
        value = shift = 0
        while True:
            byte = message[position]
            value |= (byte & 0x7F) << shift
            position, shift = position + 1, shift + 7
            if byte < 0x80:
                return value, position

    position = 0
    while position < len(message):
        tag, position = number(position)
        value, position = number(position)
        if tag & 7 == 2:
            value, position = message[position : position + value], position + value
        yield tag >> 3, value


def release_secret(body):
    """The Secret in which helm 3 keeps a release: the one object that it sends as protobuf."""
    [raw] = [value for number, value in fields(body.removeprefix(b"k8s\0")) if number == 2]
    secret: dict = {"apiVersion": "v1", "kind": "Secret", "metadata": {"labels": {}}, "data": {}}
    for number, value in fields(raw):
        if number == 1:
            for part, content in fields(value):
                if part == 1:
                    secret["metadata"]["name"] = content.decode()
                elif part == 11:
                    label = dict(fields(content))
                    secret["metadata"]["labels"][label[1].decode()] = label[2].decode()
        elif number == 2:
            entry = dict(fields(value))
            secret["data"][entry[1].decode()] = base64.b64encode(entry[2]).decode()
        elif number == 3:
            secret["type"] = value.decode()
    return secret


def parsed(body):
    if body.startswith(b"k8s\0"):
        return release_secret(body)
    return yaml.safe_load(body) if body else None


class Refusal(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code = code
        self.status = {
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": code, "reason": reason, "message": message,
        }  # fmt: skip


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    cluster: "Cluster"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one packet, or each answer waits for a delayed acknowledgement

    def log_message(self, *arguments):
        pass

    def answer(self, code, body):
        is_text = isinstance(body, str)
        content = body.encode() if is_text else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle_request(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = parsed(self.rfile.read(length))
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        try:
            self.answer(*self.server.cluster.respond(self.command, url.path, query, self.headers, body))
        except Refusal as refusal:
            self.answer(refusal.code, refusal.status)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request


class Cluster:
    """The server's address, its objects by (plural, namespace, name), and the writes it saw."""

    pki: pathlib.Path | None = None  # the folder of server.crt and server.key; kubectl sends its token over TLS alone

    def __enter__(self):
        self.objects = {}
        self.writes = []
        self.versions = itertools.count(1)
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.cluster = self
        if self.pki:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.pki / "server.crt", self.pki / "server.key")
            # The handshake is left to the connection's own thread.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self):
        return f"{'https' if self.pki else 'http'}://127.0.0.1:{self.server.server_address[1]}"

    def respond(self, method, path, query, headers, body):
        if path in DISCOVERY:
            return 200, DISCOVERY[path]
        version = path.split("/")[2] if path.startswith("/api/") else "/".join(path.split("/")[2:4])
        parts = path.split("/")[3 if path.startswith("/api/") else 4 :]
        if len(parts) < 3 or parts[0] != "namespaces" or parts[2] not in KINDS.get(version, {}).values():
            raise Refusal(404, "NotFound", f"the server has no {path}")
        _, namespace, plural, *name = parts
        with self.lock:
            if method != "GET":
                self.writes.append((method, plural, copy.deepcopy(body)))
            self.manager = query.get("fieldManager") or headers.get("User-Agent", "unknown").partition("/")[0]
            self.forced = query.get("force") == "true"
            if "dryRun" in query:
                raise Refusal(400, "BadRequest", "this stand-in knows no dry run")
            if name:
                return self.single(method, (plural, namespace, name[0]), headers, body)
            return self.collection(method, version, plural, namespace, query, body)

    def collection(self, method, version, plural, namespace, query, body):
        if method == "POST":
            key = (plural, namespace, body["metadata"]["name"])
            if key in self.objects:
                raise Refusal(409, "AlreadyExists", f'{plural} "{key[2]}" already exists')
            return 201, self.store(key, field_managers.updated({}, body, self.manager))
        wanted = dict(each.split("=", 1) for each in query.get("labelSelector", "").split(",") if "=" in each)
        found = [
            each
            for (kind, where, _), each in self.objects.items()
            if (kind, where) == (plural, namespace)
            and wanted.items() <= each["metadata"].get("labels", {}).items()
        ]
        [kind] = [kind for kind, name in KINDS[version].items() if name == plural]
        return 200, {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": found}

    def single(self, method, key, headers, body):
        kind = headers["Content-Type"].partition(";")[0] if method == "PATCH" else ""
        if key not in self.objects and kind not in APPLY_TYPES:
            raise Refusal(404, "NotFound", f'{key[0]} "{key[2]}" not found')
        if method == "GET":
            return 200, self.objects[key]
        if method == "DELETE":
            return 200, self.objects.pop(key)
        live = self.objects.get(key, {})
        if method == "PUT":
            return 200, self.replace(key, live, body)
        if kind in APPLY_TYPES:
            return (200 if live else 201), self.apply(key, live, body)
        if kind == "application/json-patch+json":
            return 200, self.replace(key, live, field_managers.json_patched(live, body))
        if kind in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
            return 200, self.replace(key, live, merge(live, body))
        raise Refusal(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {kind}")

    def replace(self, key, live, item):
        """`item` in place of `live`, whole: what it lacks is gone."""
        version = item["metadata"].get("resourceVersion")
        if version and version != live["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict", f'Operation cannot be fulfilled on {key[0]} "{key[2]}": it has been modified')
        kept = {field: live["metadata"][field] for field in ("uid", "creationTimestamp") if field in live["metadata"]}
        item = {**item, "metadata": {**item["metadata"], **kept}}
        return self.store(key, field_managers.updated(live, item, self.manager))

    def apply(self, key, live, body):
        """Server-side apply."""
        try:
            item = field_managers.applied(live, body, self.manager, self.forced)
        except field_managers.Conflict as conflict:
            raise Refusal(409, "Conflict", str(conflict)) from conflict
        return self.store(key, item)

    def store(self, key, body):
        metadata = {"uid": str(uuid.uuid4()), **body["metadata"], "namespace": key[1]}
        metadata["resourceVersion"] = str(next(self.versions))
        self.objects[key] = {**body, "metadata": metadata}
        return self.objects[key]
