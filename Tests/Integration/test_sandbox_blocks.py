"""Blocks and block lists: what can be staged, what can be committed, and what is refused."""

import base64
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock

from blob_request import BlobRequest, commit, put_blob, put_block, put_block_list, refused
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


@pytest.mark.parametrize("block_id", ["", "%25%25%25", quote(base64.b64encode(bytes(65)).decode(), safe="")])
def test_a_block_id_against_the_rules_is_refused(service, blob, block_id):
    answer = BlobRequest(service, "PUT", f"{blob}?comp=block&blockid={block_id}", body=b"x")
    assert refused(answer, 400, "InvalidBlockId")


def test_a_block_without_an_id_is_refused(service, blob):
    answer = BlobRequest(service, "PUT", f"{blob}?comp=block", body=b"x")
    assert refused(answer, 400, "MissingRequiredQueryParameter")


def test_an_unencoded_plus_in_a_block_id_stays_a_plus(service, blob):
    assert BlobRequest(service, "PUT", f"{blob}?comp=block&blockid=%2B+8AAAAB", body=b"x").status == 201
    assert commit(service, blob, ("Latest", base64.b64decode("++8AAAAB"))).status == 201


def test_block_ids_of_one_blob_have_one_length(service, blob):
    assert put_block(service, blob, block_id=b"0001").status == 201
    assert refused(put_block(service, blob, block_id=b"1"), 400, "InvalidBlobOrBlock")
    assert commit(service, blob).status == 201
    assert refused(put_block(service, blob, block_id=b"1"), 400, "InvalidBlobOrBlock")


def test_a_condition_on_put_block_is_refused(service, blob):
    assert refused(put_block(service, blob, **{"If-None-Match": "*"}), 400, "ConditionHeadersNotSupported")


def test_the_three_kinds_of_entries_look_where_they_should(service, blob):
    put_block(service, blob, b"old", block_id=b"0001")
    assert refused(commit(service, blob, ("Committed", b"0001")), 400, "InvalidBlockList")
    assert commit(service, blob, ("Uncommitted", b"0001")).status == 201
    assert refused(commit(service, blob, ("Uncommitted", b"0001")), 400, "InvalidBlockList")
    put_block(service, blob, b"new", block_id=b"0001")
    assert commit(service, blob, ("Committed", b"0001"), ("Latest", b"0001")).status == 201
    assert BlobRequest(service, "GET", blob).content == b"oldnew"


def test_a_refused_commit_leaves_blob_and_staged_blocks_as_they_were(service, blob):
    put_blob(service, blob, b"old")
    put_block(service, blob, b"new", block_id=b"0001")
    assert refused(commit(service, blob, ("Latest", b"0001"), ("Latest", b"9999")), 400, "InvalidBlockList")
    assert BlobRequest(service, "GET", blob).content == b"old"
    assert commit(service, blob).status == 201


def test_a_commit_drops_the_blocks_it_does_not_name(service, blob):
    put_block(service, blob, block_id=b"0001")
    put_block(service, blob, block_id=b"0002")
    assert commit(service, blob).status == 201
    assert refused(commit(service, blob, ("Uncommitted", b"0002")), 400, "InvalidBlockList")


def test_an_empty_list_makes_an_empty_blob(service, blob):
    assert put_block_list(service, blob, b"<BlockList/>").status == 201
    assert BlobRequest(service, "HEAD", blob).answer_headers["Content-Length"] == "0"


@pytest.mark.parametrize("document", [
    b"", b"<BlockList>", b"<BlockList><Latest>MDAwMQ==</BlockList>", b"<BlockList><Other>MDAwMQ==</Other></BlockList>",
    b"<BlockList></BlockList>trailing", b"<blocklist></blocklist>", b"\xff<BlockList/>"])
def test_a_document_that_is_no_block_list_is_refused(service, blob, document):
    answer = put_block_list(service, blob, document)
    assert refused(answer, 400, "InvalidXmlDocument")


def test_a_list_of_50001_blocks_is_refused(service, blob):
    put_block(service, blob)
    answer = commit(service, blob, *[("Latest", b"0001")] * 50_001)
    assert refused(answer, 400, "BlockListTooLong")


def test_a_list_of_50000_blocks_is_taken(service, blob):
    put_block(service, blob, body=b"x")
    assert commit(service, blob, *[("Latest", b"0001")] * 50_000).status == 201
    assert BlobRequest(service, "HEAD", blob).answer_headers["Content-Length"] == "50000"
    assert BlobRequest(service, "GET", blob, headers={"x-ms-range": "bytes=49990-"}).content == b"x" * 10


def test_the_answer_to_a_commit_has_the_checksum_of_the_list_not_of_the_blob(service, blob):
    document = (b'<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>MDAwMDAwMDA=</Latest>'
                b"<Latest>MDAwMDAwMDE=</Latest></BlockList>")
    put_block(service, blob, block_id=b"00000000")
    put_block(service, blob, block_id=b"00000001")
    answer = put_block_list(service, blob, document, {"Content-MD5": "Cf39QatFJj1k5ubr9tqXNQ=="})
    assert (answer.status, answer.answer_headers["Content-MD5"]) == (201, "Cf39QatFJj1k5ubr9tqXNQ==")


def test_a_repeated_commit_says_that_the_blob_exists(service, blob):
    put_block(service, blob)
    assert commit(service, blob, headers={"If-None-Match": "*"}).status == 201
    answer = commit(service, blob, headers={"If-None-Match": "*"})
    assert refused(answer, 409, "BlobAlreadyExists")
    assert commit(service, blob).status == 201


def test_a_commit_of_a_wrong_md5_header_is_refused(service, blob):
    put_block(service, blob)
    answer = commit(service, blob, headers={"x-ms-blob-content-md5": "abc"})
    assert refused(answer, 400, "InvalidHeaderValue")


def test_the_client_sees_the_codes_too(service):
    client = service.blob_service_client().get_blob_client(CONTAINER, f"c1/{os.urandom(6).hex()}")
    client.stage_block("0001", b"x")
    with pytest.raises(HttpResponseError) as error:
        client.commit_block_list([BlobBlock("0002")])
    assert error.value.error_code == "InvalidBlockList"


def test_blocks_of_8_mib_take_little_memory():
    with Sandbox(kubernetes=False) as service:
        service.create_container(CONTAINER)
        for number in range(16):
            stored = put_block(service, f"/{CONTAINER}/b", bytes(8 << 20), block_id=b"%02d" % number)
            assert stored.status == 201
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{service.pid}/status").read_text())
        assert int(peak[1]) < 100_000
