"""X4: whatever a server sends, a run stays below 64 MiB, ends by itself, and ends with an error."""

import contextlib
import json
import socket
import threading

import pytest

from world import MEBIBYTE, NAMESPACE, assert_no_success_in

PIECE = 1 << 16
LARGE = 15 << 20


def forever(head: bytes, piece: bytes):
    yield head
    while True:
        yield piece


def whole(status: str, body: bytes, kind: str = "application/json"):
    yield f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for at in range(0, len(body), PIECE):
        yield body[at:at + PIECE]


def secret() -> bytes:
    return json.dumps({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"},
                       "data": {f"key-{n}": "QUFB" * 250 for n in range(14_000)}}).encode()


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LINES = b"".join(b"X-Line-%d: %s\r\n" % (n, b"a" * 100) for n in range(500))
ANSWERS = {
    "header fields without end": lambda: forever(OK, LINES),
    "one header field without end": lambda: forever(OK + b"X-Long: ", b"a" * PIECE),
    "a status line without end": lambda: forever(b"HTTP/1.1 200 ", b"a" * PIECE),
    "interim answers without end": lambda: forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 1000),
    "a body without end": lambda: forever(OK + b"\r\n", b" " * PIECE),
    "an error without end": lambda: forever(b"HTTP/1.1 403 Forbidden\r\n\r\n", b"a" * PIECE),
    "a failure without end": lambda: forever(b"HTTP/1.1 500 Oh\r\n\r\n", b"a" * PIECE),
    "chunks without end": lambda: forever(CHUNKED, b"8000\r\n" + b"{" * 0x8000 + b"\r\n"),
    "a chunk's extension without end": lambda: forever(CHUNKED + b"1;", b"a" * PIECE),
    "trailers without end": lambda: forever(CHUNKED + b"2\r\n{}\r\n0\r\n", LINES),
    "no HTTP without end": lambda: forever(b"", b"\0" * PIECE),
    "lists in lists": lambda: whole("200 OK", b"[" * LARGE),
    "objects in objects": lambda: whole("200 OK", b'{"data":' * (LARGE // 8)),
    "a list of many": lambda: whole("200 OK", b"[" + b"1," * (LARGE // 2) + b"1]"),
    "a large Secret": lambda: whole("200 OK", secret()),
    "an escaped text": lambda: whole("200 OK", b'{"message":"' + b"\\u0041" * (LARGE // 6) + b'"}'),
    "many elements": lambda: whole("200 OK", b"<a>" + b"<b/>" * (LARGE // 4) + b"</a>", "application/xml"),
    "elements in elements": lambda: whole("200 OK", b"<a>" * (LARGE // 3), "application/xml"),
    "many attributes": lambda: whole(
        "200 OK", b"<a " + b" ".join(b"a%d=''" % n for n in range(LARGE // 12)) + b"/>", "application/xml"),
    "a long attribute": lambda: whole("200 OK", b"<a b='" + b"c" * LARGE + b"'/>", "application/xml"),
    "entities": lambda: whole(
        "200 OK", b"<!DOCTYPE a [<!ENTITY b0 'bbbbbbbbbb'>" + b"".join(
            b"<!ENTITY b%d '%s'>" % (n, b"&b%d;" % (n - 1) * 10) for n in range(1, 10)) + b"]><a>&b9;</a>",
        "application/xml"),
}


class HostileServer:
    """Answers every connection in one way, as fast as it can."""

    def __init__(self, answer):
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._open = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection):
        try:
            while connection.recv(65536):
                for piece in self._answer():
                    connection.sendall(piece)
        except OSError:
            pass  # the client hung up, as it should

    def stop(self):
        """Ends its threads before any descriptor is closed: one that is closed under a thread may be another's next."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._open):
            each.close()


@pytest.mark.parametrize("role", ["etcd", "etcd in gRPC", "store", "API server"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_X4_no_answer_fills_the_memory(empty_world, tmp_path, role, answer):
    server = HostileServer(ANSWERS[answer])
    world = empty_world
    world.env |= {"APP_BACKUP_TIMEOUT": "3s", "APP_BACKUP_ETCD_ENDPOINTS": "http://127.0.0.1:1"}
    if role.startswith("etcd"):
        world.env["APP_BACKUP_ETCD_ENDPOINTS"] = server.url
        world.env["APP_BACKUP_ETCD_TRANSPORT"] = "grpc" if "gRPC" in role else "gateway"
    elif role == "store":
        world.env["APP_ABS_ENDPOINT"] = server.url
    else:
        path = tmp_path / "hostile.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "namespace": NAMESPACE}}],
            "clusters": [{"name": "a", "cluster": {"server": server.url}}]}))
        world.env["APP_KUBECONFIG_PATH"] = str(path)
    try:
        run = world.start().wait()
    finally:
        server.stop()
    assert server.connections > 0, f"the server was never asked\n{run}"
    assert run.status in (1, 78), run
    assert run.peak_bytes < 64 * MEBIBYTE, f"{run.peak_bytes / MEBIBYTE:.1f} MiB\n{run}"
    assert len(run.log) < 65536, "the log grows with what is sent"
    assert_no_success_in(run)
