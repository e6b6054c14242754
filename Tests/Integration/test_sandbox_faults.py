"""Scripted faults do what they say, as often as they say, and to nobody else."""

import base64
import http.client
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from blob_request import BlobRequest, commit, put_blob, put_block, signature, string_to_sign
from processes import AT_ONCE, wait_until
from sandbox import Sandbox

CONTAINER = "etcd-backups"
BLOCK = "comp=block&blockid=MDAwMQ%3D%3D"


@pytest.fixture(scope="module")
def running():
    with Sandbox(tls=True) as sandbox:
        sandbox.create_container(CONTAINER)
        sandbox.create_namespace("ns")
        sandbox.grant("token", "user", [{"namespace": "ns", "resources": ["configmaps"], "verbs": ["get", "patch"]}])
        sandbox.put_configmap("ns", "record", {"path": "old"})
        yield sandbox


@pytest.fixture
def service(running):
    running.faults([])
    yield running
    running.faults([])


@pytest.fixture
def blob():
    return f"/{CONTAINER}/c1/{os.urandom(6).hex()}"


def signed_get(service, blob):
    """A connection on which the blob was asked for, and nothing of the answer read."""
    request = BlobRequest(service, "HEAD", blob)  # for its target and headers only
    text = string_to_sign(service.account, "GET", request.target, request.headers)
    headers = {**request.headers, "Connection": "close",
               "Authorization": f"SharedKey {service.account}:{signature(service.account_key, text)}"}
    address = urlsplit(service.blob_url)
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    lines = [f"GET {request.target} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
    return connection


def kubernetes(service, method="GET", body=None):
    address = urlsplit(service.kubernetes_url)
    connection = http.client.HTTPSConnection(
        address.hostname, address.port, context=service.ssl_context(), timeout=20)
    connection.request(method, "/api/v1/namespaces/ns/configmaps/record", body,
                       {"Authorization": "Bearer token", "Content-Type": "application/merge-patch+json"})
    response = connection.getresponse()
    try:
        return response, json.loads(response.read() or b"null")
    finally:
        connection.close()


def test_a_status_comes_as_often_as_the_rule_says_and_to_its_operation_only(service, blob):
    service.faults([{"match": {"service": "blob", "operation": "PutBlock"}, "skip": 1, "times": 2,
                     "action": {"kind": "status", "status": 503, "code": "ServerBusy", "message": "Slow down.",
                                "retryAfter": "3"}}])
    answers = []
    for _ in range(4):
        answers.append(put_block(service, blob))
        assert BlobRequest(service, "GET", "/?comp=list").status == 200
    assert [answer.status for answer in answers] == [201, 503, 503, 201]
    assert answers[1].code == "ServerBusy"
    assert answers[1].answer_headers["Retry-After"] == "3"
    assert b"<Code>ServerBusy</Code><Message>Slow down." in answers[1].content


def test_a_rule_for_a_path_spares_other_paths(service, blob):
    service.faults([{"match": {"path": blob}, "action": {"kind": "status", "status": 500}}])
    assert put_block(service, blob + "x").status == 500
    assert put_block(service, f"/{CONTAINER}/other").status == 201


def test_the_first_matching_rule_decides_and_a_spent_one_makes_room(service, blob):
    service.faults([{"times": 1, "action": {"kind": "status", "status": 500}},
                    {"times": 1, "action": {"kind": "status", "status": 429}}])
    assert [put_block(service, blob).status for _ in range(3)] == [500, 429, 201]


def test_a_changed_file_starts_all_counters_anew(service, blob):
    rule = {"times": 1, "action": {"kind": "status", "status": 500}}
    for _ in range(2):
        service.faults([rule])
        assert [put_block(service, blob).status for _ in range(2)] == [500, 201]


def test_a_proxys_body_can_stand_in_for_the_services(service, blob):
    service.faults([{"action": {"kind": "status", "status": 502, "body": "<html>Bad Gateway</html>"}}])
    answer = put_block(service, blob)
    assert (answer.status, answer.content, answer.code) == (502, b"<html>Bad Gateway</html>", None)


def test_a_file_that_cannot_be_read_fails_every_request_loudly(service, blob):
    service.faults([{"action": {"kind": "explode"}}])
    answer = put_block(service, blob)
    assert answer.status == 500
    assert b"faults.json" in answer.content and b"explode" in answer.content


@pytest.mark.parametrize("after", [None, 100_000])
def test_a_reset_is_a_reset_and_stages_nothing(service, blob, after):
    service.faults([{"match": {"operation": "PutBlock"}, "times": 1,
                     "action": {"kind": "reset", **({"afterBytes": after} if after else {})}}])
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        put_block(service, blob, bytes(8 << 20))
    entry = service.requests("PutBlock")[-1]
    assert (entry["fault"], entry.get("status")) == ("reset", None)
    assert entry["bytesIn"] >= (after or 0)
    assert commit(service, blob).code == "InvalidBlockList"


def test_a_reset_under_tls_is_a_reset_too(service):
    service.faults([{"match": {"service": "kubernetes"}, "times": 1, "action": {"kind": "reset"}}])
    with pytest.raises(ConnectionResetError):
        kubernetes(service)
    assert kubernetes(service)[0].status == 200


def test_a_stalled_request_is_answered_after_all_and_not_before(service, blob):
    service.faults([{"match": {"operation": "PutBlock"}, "action": {"kind": "stall", "seconds": 1}}])
    start = time.monotonic()
    assert put_block(service, blob).status == 201
    assert time.monotonic() - start >= 1


def test_a_stall_does_not_hold_up_others(service, blob):
    service.faults([{"match": {"operation": "PutBlock"}, "action": {"kind": "stall", "seconds": 60}}])
    address, before = urlsplit(service.blob_url), len(service.requests("PutBlock"))
    with socket.create_connection((address.hostname, address.port)) as waiting:
        waiting.sendall(f"PUT /{service.account}{blob}?{BLOCK} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert BlobRequest(service, "GET", "/?comp=list").status == 200
        assert service.requests("PutBlock")[before:] == []


def test_a_held_request_waits_until_its_rule_is_gone_whatever_other_rules_come(service, blob):
    hold = {"match": {"operation": "PutBlock"}, "times": 1, "action": {"kind": "hold"}}
    service.faults([hold])
    before = len(service.held())
    with ThreadPoolExecutor() as pool:
        held = pool.submit(put_block, service, blob)
        wait_until(lambda: service.held()[before:], "a request that waits")
        assert [entry["operation"] for entry in service.held()[before:]] == ["PutBlock"]
        assert put_block(service, blob + "x").status == 201  # a second one is none of that rule's
        service.faults([{"match": {"path": "elsewhere"}, "action": {"kind": "status", "status": 500}}, hold])
        assert BlobRequest(service, "GET", "/?comp=list").status == 200
        assert not held.done()
        service.faults([])
        assert held.result().status == 201


def test_a_delay_is_a_delay(service, blob):
    service.faults([{"action": {"kind": "delay", "milliseconds": 300}}])
    start = time.monotonic()
    assert put_block(service, blob).status == 201
    assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize("after", [0, 1, 300_000])
def test_a_cut_answer_ends_exactly_where_the_rule_says(service, blob, after):
    data = os.urandom(1_000_000)
    put_blob(service, blob, data)
    service.faults([{"match": {"operation": "GetBlob"}, "action": {"kind": "cut", "afterBytes": after}}])
    with pytest.raises(http.client.IncompleteRead) as error:
        BlobRequest(service, "GET", blob)
    assert error.value.partial == data[:after]
    assert service.requests("GetBlob")[-1]["bytesOut"] == after


def test_an_answer_can_stall_in_its_middle(service, blob):
    data = os.urandom(1_000_000)
    put_blob(service, blob, data)
    service.faults([{"match": {"operation": "GetBlob"},
                     "action": {"kind": "stall", "afterBytes": 300_000, "seconds": 3}}])
    with signed_get(service, blob) as connection:
        start, received = time.monotonic(), b""
        while len(received) < 300_000:
            received += connection.recv(65536)
        assert time.monotonic() - start < 2.9
        while piece := connection.recv(65536):
            received += piece
    assert time.monotonic() - start >= 2.9
    assert received.endswith(data)


def test_an_answer_can_be_reset_in_its_middle(service, blob):
    put_blob(service, blob, bytes(8 << 20))
    service.faults([{"match": {"operation": "GetBlob"}, "action": {"kind": "reset", "afterBytes": 300_000}}])
    with pytest.raises(ConnectionResetError):
        BlobRequest(service, "GET", blob)


def test_a_lost_answer_leaves_the_work_done(service, blob):
    put_block(service, blob)
    service.faults([{"match": {"operation": "PutBlockList"}, "times": 1, "action": {"kind": "lost-answer"}}])
    with pytest.raises(ConnectionResetError):
        commit(service, blob)
    assert BlobRequest(service, "GET", blob).content == b"data"


def test_a_damaged_block_differs_by_one_bit_and_its_answer_does_not_tell(service, blob):
    service.faults([{"match": {"operation": "PutBlock"}, "action": {"kind": "damage"}}])
    answer = put_block(service, blob, b"123456789")
    assert (answer.status, answer.answer_headers["x-ms-content-crc64"]) == (201, "iJh5CoYUi64=")
    commit(service, blob)
    assert BlobRequest(service, "GET", blob).content == b"023456789"


def test_a_damaged_answer_differs_by_one_bit_but_not_the_blob(service, blob):
    put_blob(service, blob, b"123456789")
    service.faults([{"match": {"operation": "GetBlob"}, "times": 1, "action": {"kind": "damage"}}])
    assert BlobRequest(service, "GET", blob).content == b"023456789"
    assert BlobRequest(service, "GET", blob).content == b"123456789"


def test_a_wrong_checksum_is_only_the_answers(service, blob):
    service.faults([{"match": {"operation": "PutBlock"}, "times": 1, "action": {"kind": "wrong-checksum"}}])
    answer = put_block(service, blob, b"123456789")
    assert answer.status == 201
    assert len(base64.b64decode(answer.answer_headers["x-ms-content-crc64"])) == 8
    assert answer.answer_headers["x-ms-content-crc64"] != "iJh5CoYUi64="
    commit(service, blob)
    assert BlobRequest(service, "GET", blob).content == b"123456789"


def test_a_shortened_commit_lacks_its_last_block(service, blob):
    put_block(service, blob)
    service.faults([{"match": {"operation": "PutBlockList"}, "action": {"kind": "shorten"}}])
    assert commit(service, blob).status == 201
    assert BlobRequest(service, "HEAD", blob).answer_headers["Content-Length"] == "0"


def test_an_empty_page_still_has_a_marker_and_hides_nothing(service):
    service.create_container("pages")
    for name in ("a", "b", "c"):
        put_blob(service, f"/pages/{name}", b"x")
    service.faults([{"match": {"operation": "ListBlobs"}, "skip": 1, "times": 1, "action": {"kind": "empty-page"}}])
    pages = service.blob_service_client().get_container_client("pages").list_blobs(results_per_page=2).by_page()
    assert [[item.name for item in page] for page in pages] == [["a", "b"], [], ["c"]]


@pytest.mark.parametrize("operation", ["PutBlock", "GetBlob"])
def test_a_throttle_sets_the_pace_of_a_body(service, blob, operation):
    data = bytes(2_000_000)
    put_blob(service, blob, data)
    service.faults([{"match": {"operation": operation}, "action": {"kind": "throttle", "bytesPerSecond": 2_000_000}}])
    start = time.monotonic()
    if operation == "PutBlock":
        assert put_block(service, blob, data).status == 201
    else:
        assert BlobRequest(service, "GET", blob).content == data
    assert 0.9 <= time.monotonic() - start < 1 + AT_ONCE


def test_the_answers_clock_can_be_wrong(service):
    service.faults([{"action": {"kind": "date", "seconds": -3600}}])
    date = BlobRequest(service, "GET", "/?comp=list").answer_headers["Date"]
    assert abs(parsedate_to_datetime(date).timestamp() - (time.time() - 3600)) < 5
    assert date == formatdate(parsedate_to_datetime(date).timestamp(), usegmt=True)


def test_a_status_of_the_kubernetes_api_is_a_status_object(service):
    service.faults([{"match": {"service": "kubernetes", "operation": "PatchConfigMap"}, "times": 1,
                     "action": {"kind": "status", "status": 429, "code": "TooManyRequests", "retryAfter": "1"}}])
    response, status = kubernetes(service, "PATCH", '{"data":{"path":"new"}}')
    assert (response.status, response.headers["Retry-After"]) == (429, "1")
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "TooManyRequests", 429)
    assert service.configmap("ns", "record") == {"path": "old"}


def test_a_client_that_asks_first_is_refused_before_it_sends(service, blob):
    service.faults([{"match": {"operation": "PutBlock"}, "times": 1, "action": {"kind": "status", "status": 503}}])
    address = urlsplit(service.blob_url)
    head = (f"PUT /{service.account}{blob}?{BLOCK} HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n"
            "Expect: 100-continue\r\n\r\n").encode()
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in answer.lower()


def test_a_client_that_asks_first_is_told_to_go_on(service, blob):
    request = BlobRequest(service, "PUT", f"{blob}?{BLOCK}", body=b"data")  # for its signed headers
    address = urlsplit(service.blob_url)
    lines = [f"PUT {request.target} HTTP/1.1", "Host: x", "Expect: 100-continue", "Connection: close",
             *(f"{name}: {value}" for name, value in request.headers.items())]
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"data")
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 ")


def test_the_log_tells_each_request_and_no_secret(service, blob):
    before = len(service.requests())
    put_block(service, blob)
    kubernetes(service)
    entries = service.requests()[before:]
    keys = ("service", "operation", "method", "status", "bytesIn")
    assert [tuple(entry[key] for key in keys) for entry in entries] == [
        ("blob", "PutBlock", "PUT", 201, 4), ("kubernetes", "GetConfigMap", "GET", 200, 0)]
    text = (service.state / "requests.jsonl").read_text()
    assert "SharedKey" not in text and "Bearer" not in text and '"token"' not in text
