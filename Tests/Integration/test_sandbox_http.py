"""The sandbox's HTTP/1.1: connections are kept, bodies end where they say, and what is not HTTP is refused."""

import contextlib
import socket
import ssl
from urllib.parse import urlsplit

import pytest

from blob_request import BlobRequest
from sandbox import Sandbox

PATCH = "PATCH /api/v1/namespaces/ns/configmaps/record HTTP/1.1"
HEADERS = ["Host: x", "Authorization: Bearer token", "Content-Type: application/merge-patch+json"]
BODY = b'{"data":{"path":"new"}}'


@pytest.fixture(scope="module")
def service():
    with Sandbox() as sandbox:
        sandbox.create_namespace("ns")
        sandbox.grant("token", "user", [{"namespace": "ns", "resources": ["configmaps"], "verbs": ["get", "patch"]}])
        yield sandbox


@contextlib.contextmanager
def connect(service, url):
    """A socket, with TLS where the URL says so."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as plain:
        if address.scheme == "http":
            yield plain
        else:
            with service.ssl_context().wrap_socket(plain, server_hostname="localhost") as secure:
                yield secure


def exchange(service, message, *, url=None, pieces=1):
    """Sends the bytes, in so many pieces, and returns everything that comes back until the connection ends."""
    size = -(-len(message) // pieces)
    with connect(service, url or service.blob_url) as connection:
        for start in range(0, len(message), size):
            connection.sendall(message[start:start + size])
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def head(*lines):
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def get(service, *headers):
    """A signed GET of the list of containers, as bytes."""
    request = BlobRequest(service, "GET", "/?comp=list")
    return head(f"GET {request.target} HTTP/1.1", "Host: x", *headers,
                *(f"{name}: {value}" for name, value in request.headers.items()))


@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_a_connection_serves_one_request_after_the_other_however_they_arrive(service, pieces):
    service.put_configmap("ns", "record", {"path": "old"})
    length = f"Content-Length: {len(BODY)}"
    message = (head(PATCH, *HEADERS, length) + BODY + head(PATCH.replace("PATCH", "GET"), *HEADERS)
               + head(PATCH, *HEADERS, length, "Connection: close") + BODY)
    answers = exchange(service, message, url=service.kubernetes_url, pieces=pieces)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answers.lower().count(b"connection: close") == 1


def test_a_client_of_http_1_0_gets_one_answer(service):
    answer = exchange(service, get(service).replace(b"HTTP/1.1", b"HTTP/1.0") * 2)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 1


@pytest.mark.parametrize("chunks", [
    b"17\r\n" + BODY + b"\r\n0\r\n\r\n",
    b"5\r\n" + BODY[:5] + b"\r\n012;name=value\r\n" + BODY[5:] + b"\r\n0\r\nTrailer: x\r\n\r\n"])
def test_a_body_in_chunks_is_put_together(service, chunks):
    service.put_configmap("ns", "record", {"path": "old"})
    answers = exchange(service, head(PATCH, *HEADERS, "Transfer-Encoding: chunked") + chunks
                       + head(PATCH.replace("PATCH", "GET"), *HEADERS, "Connection: close"),
                       url=service.kubernetes_url)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert service.configmap("ns", "record") == {"path": "new"}


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"-1\r\n", b"3\r\nabcdef\r\n"])
def test_chunks_that_lie_end_the_connection_and_change_nothing(service, chunks):
    service.put_configmap("ns", "record", {"path": "old"})
    answer = exchange(service, head(PATCH, *HEADERS, "Transfer-Encoding: chunked") + chunks, url=service.kubernetes_url)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert service.configmap("ns", "record") == {"path": "old"}


@pytest.mark.parametrize("message", [
    head("GET /"), head("GET / HTTP/2.0"), head("GET  / HTTP/1.1"), head("G(T / HTTP/1.1"), head("GET /\x01 HTTP/1.1"),
    head("GET / HTTP/1.1", "no colon"), head("GET / HTTP/1.1", "Name : blank"), head("GET / HTTP/1.1", "a: \x00"),
    head("GET / HTTP/1.1", " folded: line"),
    head("PUT / HTTP/1.1", "Content-Length: +1"), head("PUT / HTTP/1.1", "Content-Length: 1", "Content-Length: 2"),
    head("PUT / HTTP/1.1", "Content-Length: 99999999999999999999"),
    head("PUT / HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"),
    head("PUT / HTTP/1.1", "Transfer-Encoding: gzip, chunked"),
], ids=repr)
def test_what_is_not_a_request_is_refused_and_ends_the_connection(service, message):
    assert exchange(service, message + get(service)).split(b"\r\n")[0] == b"HTTP/1.1 400 Bad Request"


def test_a_head_without_end_ends_the_connection(service):
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        exchange(service, b"GET / HTTP/1.1\r\n" + b"name: value\r\n" * 100_000, pieces=100)


def test_a_client_that_speaks_no_tls_holds_nobody_up(service):
    with connect(service, service.kubernetes_url.replace("https", "http")) as silent:
        answer = exchange(service, head(PATCH.replace("PATCH", "GET"), *HEADERS, "Connection: close"),
                          url=service.kubernetes_url)
        assert answer.startswith(b"HTTP/1.1 ")
        silent.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while silent.recv(65536):
                pass


def test_http_1_1_is_chosen_from_what_a_client_offers(service):
    address = urlsplit(service.kubernetes_url)
    context = ssl.create_default_context(cafile=str(service.ca_file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection((address.hostname, address.port), timeout=10) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as secure:
        assert secure.selected_alpn_protocol() == "http/1.1"
