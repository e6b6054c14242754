"""Shared Key: the sandbox accepts exactly what the service accepts. Vectors from Microsoft's own signing policy."""

import base64
import http.client
import re
import time
from email.utils import formatdate
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError

from blob_request import BlobRequest, signature, string_to_sign
from sandbox import ACCOUNT_KEY, Sandbox

KEY = base64.b64encode(bytes(range(64))).decode()
COMMON = {"x-ms-date": "Sat, 01 Mar 2025 02:03:04 GMT", "x-ms-version": "2021-12-02"}
EMULATOR = "devstoreaccount1"

# name: (account, method, target, further headers, signature)
VECTORS = {
    "V1 create container": (
        "acct1", "PUT", "/etcd-backups?restype=container", {"Content-Length": "0"},
        "bpaEHyhTZ3J+Vb5yb9W+T2YdyJL80/c7rH3FgmDStPE="),
    "V2 put block": (
        "acct1", "PUT",
        "/etcd-backups/shoot--p1--c1/2025-03-01T02%3A03%3A04Z.db?comp=block&blockid=%2B%2F8AAAAB",
        {"Content-Length": "4194304", "x-ms-content-crc64": "iJh5CoYUi64="},
        "4vqJh5oQGBOPwd2niTsrddTD/IH78Y5PIIjnNUZ7lsY="),
    "V3 put block list": (
        "acct1", "PUT", "/etcd-backups/c1/a.db?comp=blocklist",
        {"Content-Length": "127", "Content-Type": "application/xml", "If-None-Match": "*",
         "x-ms-blob-content-md5": "JfnnlDI7RTiF9RgfG2JNCw==",
         "x-ms-blob-content-type": "application/octet-stream",
         "x-ms-client-request-id": "11111111-2222-3333-4444-555555555555",
         "x-ms-meta-revision": "61", "x-ms-meta-sha_256": "x", "x-ms-meta-sha256": "00ff"},
        "wBwmhVmhILl5DB+4UOVObC9Qqo+ckgVDVx03zYcO7hQ="),
    "V4 list blobs": (
        "acct1", "GET",
        "/etcd-backups?restype=container&comp=list&prefix=c1%2F2025-03%20x"
        "&include=metadata%2Cuncommittedblobs&maxresults=5000", {},
        "jvviHemO8S+mBIXf68ujQSywrCqwyNb+3cciNuClFVQ="),
    "V5 get blob range": (
        "acct1", "GET", "/etcd-backups/c1/a.db", {"x-ms-range": "bytes=0-4194303"},
        "XCJm9H/k36KmQHFBkNC43vu3BoaF2+N2gU86ycWnEeg="),
    "V6 delete blob": (
        "acct1", "DELETE", "/etcd-backups/c1/a.db",
        {"If-Match": '"0x8DD5A3B2C1D0E0F"', "x-ms-delete-snapshots": "include"},
        "C0rcranaIX4wKNbw/9SYCBaEKsoxWZISPNRFg9xcRqY="),
    "V7 account root": (
        "acct1", "GET", "/?comp=list", {}, "QFCpVg6tMYjHeYz+7v5AK1so3IA2VnRYYnZNfgfqJSc="),
    "V8 create container at the emulator": (
        EMULATOR, "PUT", "/devstoreaccount1/etcd-backups?restype=container", {"Content-Length": "0"},
        "Wv/RoAFXYcYynTkEypWFZ4F40FJBEQdmkfz3LC/UhnY="),
    "V9 put block at the emulator": (
        EMULATOR, "PUT", "/devstoreaccount1/etcd-backups/a.db?comp=block&blockid=MDAwMDAwMDA%3D",
        {"Content-Length": "9"}, "/kZgnLwyVLXm3eTq/kwOEAozPVHT5O8SuTz56Dh2ODM="),
}

# V3 shows the service's own order of header names, which plain sorting gets wrong.
V3_STRING = (
    "PUT\n\n\n127\n\napplication/xml\n\n\n\n*\n\n\nx-ms-blob-content-md5:JfnnlDI7RTiF9RgfG2JNCw==\n"
    "x-ms-blob-content-type:application/octet-stream\n"
    "x-ms-client-request-id:11111111-2222-3333-4444-555555555555\n"
    "x-ms-date:Sat, 01 Mar 2025 02:03:04 GMT\nx-ms-meta-revision:61\nx-ms-meta-sha_256:x\n"
    "x-ms-meta-sha256:00ff\nx-ms-version:2021-12-02\n/acct1/etcd-backups/c1/a.db\ncomp:blocklist")


@pytest.fixture(scope="module")
def services():
    """One sandbox for each account of the vectors."""
    with Sandbox(account="acct1", account_key=KEY, kubernetes=False) as acct1, \
            Sandbox(kubernetes=False) as emulator:
        yield {"acct1": acct1, EMULATOR: emulator}


def detail(content):
    text = content.decode()
    return re.search("<AuthenticationErrorDetail>(.*)</AuthenticationErrorDetail>", text, re.S).group(1)


def send(services, name, authorization):
    """Sends a vector byte for byte, with a body of the announced length."""
    account, method, target, headers, _ = VECTORS[name]
    address = urlsplit(services[account].blob_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    host = "acct1.blob.localhost" if account == "acct1" else "127.0.0.1:10000"
    for header, value in {"Host": host, **headers, **COMMON, "Authorization": authorization}.items():
        connection.putheader(header, value)
    connection.endheaders(bytes(int(headers.get("Content-Length", 0))))
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


@pytest.mark.parametrize("name", VECTORS)
def test_the_published_vector_is_what_its_string_to_sign_gives(name):
    account, method, target, headers, expected = VECTORS[name]
    text = V3_STRING if name.startswith("V3") else string_to_sign(account, method, target, {**headers, **COMMON})
    assert signature(KEY if account == "acct1" else ACCOUNT_KEY, text) == expected


@pytest.mark.parametrize("name", VECTORS)
def test_the_vector_passes_the_signature_check_and_fails_only_by_its_age(services, name):
    account, expected = VECTORS[name][0], VECTORS[name][4]
    response, content = send(services, name, f"SharedKey {account}:{expected}")
    assert (response.status, response.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")
    assert detail(content) == "Request date header too old: &apos;Sat, 01 Mar 2025 02:03:04 GMT&apos;"


@pytest.mark.parametrize("name", VECTORS)
def test_the_vector_with_another_signature_is_refused_with_the_string_to_sign(services, name):
    account, method, target, headers, expected = VECTORS[name]
    wrong = ("A" if expected[0] != "A" else "B") + expected[1:]
    response, content = send(services, name, f"SharedKey {account}:{wrong}")
    text = V3_STRING if name.startswith("V3") else string_to_sign(account, method, target, {**headers, **COMMON})
    assert response.status == 403
    assert wrong in detail(content)
    assert text in detail(content).replace("&quot;", '"').replace("&amp;", "&")


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_less_than_fifteen_minutes_off_is_accepted(services, minutes):
    date = formatdate(time.time() + minutes * 60, usegmt=True)
    answer = BlobRequest(services[EMULATOR], "GET", "/?comp=list", headers={"x-ms-date": date})
    assert answer.status == 200


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_more_than_fifteen_minutes_off_is_refused(services, minutes):
    date = formatdate(time.time() + minutes * 60, usegmt=True)
    answer = BlobRequest(services[EMULATOR], "GET", "/?comp=list", headers={"x-ms-date": date})
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")
    assert date in detail(answer.content)


def test_the_Date_header_serves_where_there_is_no_x_ms_date(services):
    headers = {"x-ms-date": None, "Date": formatdate(usegmt=True)}
    assert BlobRequest(services[EMULATOR], "GET", "/?comp=list", headers=headers).status == 200


def test_a_request_without_any_date_is_refused(services):
    answer = BlobRequest(services[EMULATOR], "GET", "/?comp=list", headers={"x-ms-date": None})
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")


def test_a_request_without_a_signature_is_asked_to_authenticate(services):
    answer = BlobRequest(services[EMULATOR], "GET", "/?comp=list", signed=False)
    assert (answer.status, answer.code) == (401, "NoAuthenticationInformation")
    assert answer.answer_headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


@pytest.mark.parametrize("authorization", ["SharedKey", "SharedKey a", "Basic YTpi", "SharedKey devstoreaccount1:%%"])
def test_an_authorization_of_another_form_is_refused(services, authorization):
    answer = BlobRequest(services[EMULATOR], "GET", "/?comp=list", headers={"Authorization": authorization})
    assert (answer.status, answer.code) == (400, "InvalidAuthenticationInfo")


def test_a_signed_header_that_comes_twice_is_refused(services):
    answer = BlobRequest(
        services[EMULATOR], "GET", "/?comp=list",
        headers={"x-ms-client-request-id": ["one", "two"], "Authorization": "SharedKey devstoreaccount1:AAAA"})
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")


def test_a_repeated_query_parameter_is_signed_with_its_values_sorted(services):
    answer = BlobRequest(services[EMULATOR], "GET", "/?comp=list&prefix=b&prefix=a")
    assert answer.status == 200


def test_an_account_has_the_keys_that_it_is_given_and_no_other(tmp_path):
    with Sandbox(state=tmp_path / "sandbox", kubernetes=False) as sandbox:
        before = sandbox.blob_service_client()
        sandbox.set_account_keys(KEY, ACCOUNT_KEY)
        both = [before, sandbox.blob_service_client()]
        assert [client.get_container_client(name).create_container() is not None
                for name, client in zip(("one", "two"), both, strict=True)] == [True, True]
        sandbox.set_account_keys(KEY)
        assert sandbox.blob_service_client().get_container_client("one").exists()
        with pytest.raises(ClientAuthenticationError):
            before.get_container_client("one").get_container_properties()
