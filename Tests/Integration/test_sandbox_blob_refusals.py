"""What must be refused: requests the real service turns away, each with its status and code."""

import base64
import os
import socket
from urllib.parse import quote, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import BlobServiceClient

from blob_request import BlobRequest, commit, put_blob, put_block, refused
from sandbox import Sandbox

CONTAINER = "etcd-backups"


@pytest.fixture(scope="module")
def service():
    with Sandbox(kubernetes=False) as sandbox:
        sandbox.create_container(CONTAINER)
        yield sandbox


@pytest.fixture
def blob():
    """A name nobody else uses."""
    return f"/{CONTAINER}/c1/{os.urandom(6).hex()}"


# Who asks.


def test_a_wrong_key_is_refused(service):
    credential = {"account_name": service.account, "account_key": base64.b64encode(b"not the key").decode()}
    client = BlobServiceClient(service.blob_url, credential=credential, retry_total=0)
    with pytest.raises(ClientAuthenticationError) as error:
        client.get_container_client(CONTAINER).get_container_properties()
    assert error.value.status_code == 403


def test_another_account_is_not_found(service):
    answer = BlobRequest(service, "GET", "/?comp=list", host="other.blob.localhost")
    assert refused(answer, 404, "ResourceNotFound")


# Heads.


@pytest.mark.parametrize(("version", "code"), [
    (None, "MissingRequiredHeader"), ("tomorrow", "InvalidHeaderValue"), ("2021-12-03", "InvalidHeaderValue")])
def test_a_missing_or_unknown_version_is_refused(service, version, code):
    assert refused(BlobRequest(service, "GET", "/?comp=list", headers={"x-ms-version": version}), 400, code)


def test_a_put_without_a_length_is_refused(service, blob):
    answer = BlobRequest(service, "PUT", "/new?restype=container", headers={"Content-Length": None})
    assert refused(answer, 411, "MissingContentLengthHeader")


def test_a_chunked_body_is_refused(service, blob):
    address = urlsplit(service.blob_url)
    request = BlobRequest(service, "PUT", f"{blob}?comp=block&blockid=MDAwMQ%3D%3D",
                          headers={"Content-Length": None})  # for its signed headers
    lines = [f"PUT {request.target} HTTP/1.1", "Host: 127.0.0.1", "Transfer-Encoding: chunked",
             *(f"{name}: {value}" for name, value in request.headers.items())]
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n4\r\ndata\r\n0\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"MissingContentLengthHeader" in answer


@pytest.mark.parametrize(("header", "status", "code"), [
    ("x-ms-encryption-key", 400, "UnsupportedHeader"),
    ("x-ms-tags", 400, "UnsupportedHeader"),
    ("x-ms-lease-id", 412, "LeaseNotPresentWithBlobOperation")])
def test_a_header_the_sandbox_does_not_serve_is_refused_not_ignored(service, blob, header, status, code):
    assert refused(put_blob(service, blob, **{header: "x"}), status, code)


@pytest.mark.parametrize("query", ["comp=snapshot", "comp=lease", "comp=metadata", "comp=page"])
def test_an_operation_the_sandbox_does_not_serve_is_refused(service, blob, query):
    assert refused(BlobRequest(service, "PUT", f"{blob}?{query}"), 400, "InvalidQueryParameterValue")


def test_a_parameter_the_sandbox_does_not_serve_is_refused(service, blob):
    assert refused(BlobRequest(service, "GET", f"{blob}?snapshot=x"), 400, "UnsupportedQueryParameter")


def test_a_verb_without_a_meaning_is_refused(service, blob):
    assert refused(BlobRequest(service, "POST", blob), 405, "UnsupportedHttpVerb")


# Names and metadata.


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Upper", "a--b", "-ab", "ab-", "a_b", "a.b"])
def test_a_container_name_against_the_rules_is_refused(service, name):
    assert refused(BlobRequest(service, "PUT", f"/{name}?restype=container"), 400, "InvalidResourceName")


@pytest.mark.parametrize("name", ["a" * 1025, "/".join("a" * 255), "a%0Ab"])
def test_a_blob_name_against_the_rules_is_refused(service, name):
    assert refused(put_blob(service, f"/{CONTAINER}/{name}"), 400, "InvalidResourceName")


@pytest.mark.parametrize("name", ["a" * 1024, "/".join("a" * 254), "~!'()*;:@&=+$,[]"])
def test_a_blob_name_just_within_the_rules_is_taken(service, name):
    assert put_blob(service, f"/{CONTAINER}/{quote(name)}").status == 201
    assert BlobRequest(service, "HEAD", f"/{CONTAINER}/{quote(name)}").status == 200


@pytest.mark.parametrize(("metadata", "code"), [
    ({"x-ms-meta-run-id": "1"}, "InvalidMetadata"), ({"x-ms-meta-1st": "1"}, "InvalidMetadata"),
    ({"x-ms-meta-": "1"}, "EmptyMetadataKey"), ({"x-ms-meta-a": "x" * 8192}, "MetadataTooLarge")])
def test_metadata_against_the_rules_are_refused(service, blob, metadata, code):
    assert refused(put_blob(service, blob, **metadata), 400, code)


def test_metadata_keep_the_case_of_their_names(service, blob):
    put_blob(service, blob, **{"x-ms-meta-RunId": "1"})
    headers = BlobRequest(service, "HEAD", blob).answer_headers
    assert "x-ms-meta-RunId" in [*headers]


# Bodies and checksums. `123456789` and its digests are published check values.


def test_the_right_checksum_is_answered(service, blob):
    answer = put_block(service, blob, body=b"123456789")
    assert (answer.status, answer.answer_headers["x-ms-content-crc64"]) == (201, "iJh5CoYUi64=")
    answer = put_block(service, blob, body=b"123456789", **{"x-ms-content-crc64": "iJh5CoYUi64="})
    assert (answer.status, answer.answer_headers["x-ms-content-crc64"]) == (201, "iJh5CoYUi64=")
    answer = put_block(service, blob, body=b"123456789", **{"Content-MD5": "JfnnlDI7RTiF9RgfG2JNCw=="})
    assert (answer.status, answer.answer_headers["Content-MD5"]) == (201, "JfnnlDI7RTiF9RgfG2JNCw==")
    assert answer.answer_headers["x-ms-content-crc64"] is None


@pytest.mark.parametrize(("body", "crc64"), [
    (b"a", "PPzLtEWEL4w="), (b"hello world", "vo7q9sPVKY0="), (bytes(32), "O89OTUNzNM8="),
    (b"\xff" * 32, "xGNNw3RpoKA="), (bytes(range(256)), "bpbZeRLicf8="), (bytes(4096), "TrYi62fTgmQ="),
    (bytes(index % 251 for index in range(1 << 20)), "/Mn+UPHZIYg=")])
def test_the_crc64_is_the_published_one(service, blob, body, crc64):
    assert put_block(service, blob, body=body).answer_headers["x-ms-content-crc64"] == crc64


@pytest.mark.parametrize(("header", "value", "code"), [
    ("Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw==", "Md5Mismatch"),
    ("Content-MD5", "short", "InvalidHeaderValue"),
    ("x-ms-content-crc64", "iJh5CoYUi64=", "Crc64Mismatch"),
    ("x-ms-content-crc64", "AAAA", "InvalidHeaderValue")])
def test_a_wrong_checksum_is_refused_and_nothing_is_staged(service, blob, header, value, code):
    assert refused(put_block(service, blob, **{header: value}), 400, code)
    assert refused(commit(service, blob), 400, "InvalidBlockList")


def test_two_checksums_are_one_too_many(service, blob):
    answer = put_block(service, blob, body=b"123456789", **{
        "Content-MD5": "JfnnlDI7RTiF9RgfG2JNCw==", "x-ms-content-crc64": "iJh5CoYUi64="})
    assert refused(answer, 400, "BothCrc64AndMd5HeaderPresent")


def test_a_body_above_the_versions_limit_is_refused(service, blob):
    answer = BlobRequest(service, "PUT", f"{blob}?comp=block&blockid=MDAwMQ%3D%3D", headers={
        "Content-Length": str((100 << 20) + 1), "Expect": "100-continue", "x-ms-version": "2019-07-07"})
    assert refused(answer, 413, "RequestBodyTooLarge")


# Reading.


def test_a_read_of_nothing_says_what_is_missing(service):
    assert refused(BlobRequest(service, "GET", f"/{CONTAINER}/none"), 404, "BlobNotFound")
    assert refused(BlobRequest(service, "GET", "/no-such/none"), 404, "ContainerNotFound")
    assert refused(put_block(service, "/no-such/none"), 404, "ContainerNotFound")


def test_a_head_has_its_error_in_a_header_and_no_body(service):
    answer = BlobRequest(service, "HEAD", f"/{CONTAINER}/none")
    assert (answer.status, answer.code, answer.content) == (404, "BlobNotFound", b"")


@pytest.mark.parametrize(("range_header", "expected"), [
    ("bytes=0-3", b"0123"), ("bytes=7-", b"789"), ("bytes=9-9", b"9"), ("bytes=5-100", b"56789")])
def test_a_range_is_inclusive_and_cut_to_the_blob(service, blob, range_header, expected):
    put_blob(service, blob, b"0123456789")
    answer = BlobRequest(service, "GET", blob, headers={"x-ms-range": range_header})
    assert (answer.status, answer.content) == (206, expected)
    first = int(range_header[6:].split("-")[0])
    assert answer.answer_headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/10"


def test_the_services_own_range_header_wins(service, blob):
    put_blob(service, blob, b"0123456789")
    answer = BlobRequest(service, "GET", blob, headers={"x-ms-range": "bytes=0-1", "Range": "bytes=5-6"})
    assert answer.content == b"01"


def test_a_range_behind_the_end_is_refused(service, blob):
    put_blob(service, blob, b"0123456789")
    answer = BlobRequest(service, "GET", blob, headers={"x-ms-range": "bytes=10-"})
    assert refused(answer, 416, "InvalidRange")


def test_a_range_may_ask_for_its_own_checksum_up_to_4_mib(service, blob):
    put_blob(service, blob, b"0123456789")
    answer = BlobRequest(service, "GET", blob, headers={
        "x-ms-range": "bytes=1-9", "x-ms-range-get-content-crc64": "true"})
    assert answer.content == b"123456789"
    assert answer.answer_headers["x-ms-content-crc64"] == "iJh5CoYUi64="
    answer = BlobRequest(service, "GET", blob, headers={
        "x-ms-range": "bytes=1-9", "x-ms-range-get-content-md5": "true"})
    assert answer.answer_headers["Content-MD5"] == "JfnnlDI7RTiF9RgfG2JNCw=="
    put_blob(service, blob, bytes((4 << 20) + 1))
    answer = BlobRequest(service, "GET", blob, headers={
        "x-ms-range": "bytes=0-4194304", "x-ms-range-get-content-crc64": "true"})
    assert refused(answer, 400, "OutOfRangeInput")


def test_a_read_of_what_is_known_already_is_not_modified(service, blob):
    etag = put_blob(service, blob).answer_headers["ETag"]
    answer = BlobRequest(service, "GET", blob, headers={"If-None-Match": etag})
    assert (answer.status, answer.content) == (304, b"")


@pytest.mark.parametrize(("query", "code"), [
    ("maxresults=0", "OutOfRangeQueryParameterValue"), ("maxresults=x", "InvalidQueryParameterValue"),
    ("marker=c1/a", "InvalidQueryParameterValue"), ("include=tags", "InvalidQueryParameterValue")])
def test_a_listing_with_a_bad_parameter_is_refused(service, query, code):
    assert refused(BlobRequest(service, "GET", f"/{CONTAINER}?restype=container&comp=list&{query}"), 400, code)


# Protection.


def test_an_immutable_container_takes_new_blobs_but_keeps_old_ones(service):
    service.create_container("worm")
    assert put_blob(service, "/worm/old", b"old").status == 201
    service.set_policy("worm", immutable=True)
    assert put_blob(service, "/worm/new").status == 201
    assert refused(put_blob(service, "/worm/old", b"other"), 409, "BlobImmutableDueToPolicy")
    assert refused(BlobRequest(service, "DELETE", "/worm/old"), 409, "BlobImmutableDueToPolicy")
    put_block(service, "/worm/old")
    assert refused(commit(service, "/worm/old"), 409, "BlobImmutableDueToPolicy")
    assert BlobRequest(service, "GET", "/worm/old").content == b"old"
    answer = BlobRequest(service, "HEAD", "/worm?restype=container")
    assert answer.answer_headers["x-ms-has-immutability-policy"] == "true"
    service.set_policy("worm", immutable=False)
    assert BlobRequest(service, "DELETE", "/worm/old").status == 202
