"""The state survives the process, whatever ends it, and stays quick when it is big."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import quote, urlsplit

import pytest
from azure.storage.blob import BlobBlock

from blob_request import BlobRequest, commit, put_block
from processes import ROOT, processor_seconds, wait_until
from sandbox import Sandbox

CONTAINER = "etcd-backups"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_everything_is_there_again_after_a_restart(tmp_path, number):
    data = os.urandom(100_000)
    with Sandbox(state=tmp_path, kubernetes=False) as service:
        service.create_container(CONTAINER)
        blob = service.blob_service_client().get_blob_client(CONTAINER, "c1/a b\u00fc.db")
        blob.stage_block("0001", data)
        made = blob.commit_block_list([BlobBlock("0001")], metadata={"RunId": "7"})
        blob.stage_block("0002", b"staged")
        put_block(service, f"/{CONTAINER}/half/" + "x" * 500, block_id=b"+/\xff\xfe")
        service.stop(number)
        service.start()
        blob = service.blob_service_client().get_blob_client(CONTAINER, "c1/a b\u00fc.db")
        found = blob.get_blob_properties()
        assert (found.etag, found.last_modified, found.metadata) == (
            made["etag"], made["last_modified"], {"RunId": "7"})
        assert blob.download_blob().readall() == data
        assert [block.id for block in blob.get_block_list("all")[1]] == ["0002"]
        answer = BlobRequest(service, "GET", f"/{CONTAINER}/half/{'x' * 500}?comp=blocklist&blocklisttype=uncommitted")
        assert base64.b64encode(b"+/\xff\xfe") in answer.content


def test_kills_at_any_moment_leave_whole_blobs_only(tmp_path):
    """Every blob that exists after a kill has the content its name promises, and nothing else is left."""
    size, folder = 200_000, tmp_path / "blobs" / CONTAINER
    with Sandbox(state=tmp_path, kubernetes=False) as service:
        service.create_container(CONTAINER)
        for attempt in range(6):
            committed: list[str] = []

            def write(attempt=attempt, committed=committed):
                for number in range(1000):
                    body = bytes([number % 256]) * size
                    blob = f"/{CONTAINER}/{attempt}/{number}"
                    try:
                        put_block(service, blob, body, block_id=b"0001")
                        put_block(service, blob, body, block_id=b"0002")
                        commit(service, blob, ("Latest", b"0001"), ("Latest", b"0002"))
                        committed.append(blob)
                    except OSError:
                        return

            writer = threading.Thread(target=write)
            writer.start()
            wait_until(lambda committed=committed: len(committed) > 1, "the second blob")
            time.sleep(0.013 * attempt)
            service.kill()
            writer.join()
            service.start()
        client = service.blob_service_client().get_container_client(CONTAINER)
        names = [item.name for item in client.list_blobs()]
        assert len(names) >= 12
        for name in names:
            expected = bytes([int(name.split("/")[1]) % 256]) * (2 * size)
            assert client.download_blob(name).readall() == expected
        assert len(os.listdir(folder / "data")) == len(names)
        assert os.listdir(folder / "incoming") == []


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path):
    with Sandbox(state=tmp_path, kubernetes=False) as service:
        service.create_container(CONTAINER)
        request = BlobRequest(service, "PUT", f"/{CONTAINER}/b?comp=block&blockid=MDAwMQ%3D%3D", body=bytes(100_000))
        address = urlsplit(service.blob_url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            lines = [f"PUT {request.target} HTTP/1.1", "Host: x",
                     *(f"{name}: {value}" for name, value in request.headers.items())]
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + bytes(50_000))
        wait_until(lambda: len(service.requests("PutBlock")) == 2, "the line of the request that broke off")
        entry = service.requests("PutBlock")[-1]
        assert (entry.get("status"), entry["bytesIn"]) == (None, 50_000)
        assert os.listdir(tmp_path / "blobs" / CONTAINER / "incoming") == []


def test_an_overwritten_blobs_bytes_go_with_it(tmp_path):
    with Sandbox(state=tmp_path, kubernetes=False) as service:
        client = service.create_container(CONTAINER)
        for _ in range(3):
            client.upload_blob("a", os.urandom(1000), overwrite=True)
        assert len(os.listdir(tmp_path / "blobs" / CONTAINER / "data")) == 1
        client.delete_blob("a")
        assert os.listdir(tmp_path / "blobs" / CONTAINER / "data") == []


def test_one_hundred_thousand_blobs_are_listed_in_pages_and_quickly():
    names = [f"c1/{number:06}" for number in range(100_000)]
    with Sandbox(kubernetes=False) as service:
        service.create_container(CONTAINER)
        service.plant_blobs(CONTAINER, [(name, 20_512, 1_700_000_000) for name in names])
        found, marker, before = [], "", processor_seconds(service.pid)
        while True:
            query = f"restype=container&comp=list&prefix=c1%2F&marker={quote(marker, safe='')}"
            answer = BlobRequest(service, "GET", f"/{CONTAINER}?{query}")
            assert answer.status == 200
            page = re.findall("<Name>(.*?)</Name>", answer.content.decode())
            assert len(page) == 5000
            found += page
            following = re.search("<NextMarker>(.*)</NextMarker>", answer.content.decode())
            if not following:
                break
            marker = following.group(1)
        assert found == names
        for name in names[:50]:
            assert BlobRequest(service, "DELETE", f"/{CONTAINER}/{name}").status == 202
        assert processor_seconds(service.pid) - before < 20, "each of 20 pages takes a tenth of a second or so"


def test_planted_and_aged_blobs_look_as_old_as_they_should():
    with Sandbox(kubernetes=False) as service:
        client = service.create_container(CONTAINER)
        client.upload_blob("new", b"x")
        service.plant_blobs(CONTAINER, [("old", 4096, 1_000_000_000)])
        service.age_blob(CONTAINER, "new", 3600)
        old, new = client.get_blob_client("old"), client.get_blob_client("new")
        assert old.get_blob_properties().last_modified.timestamp() == 1_000_000_000
        assert old.get_blob_properties().size == 4096
        assert 3590 < time.time() - new.get_blob_properties().last_modified.timestamp() < 3660
        assert new.download_blob().readall() == b"x"


@pytest.mark.long
def test_more_than_100000_staged_blocks_are_refused(tmp_path):
    with Sandbox(state=tmp_path, kubernetes=False) as service:
        service.create_container(CONTAINER)
        put_block(service, f"/{CONTAINER}/pile", b"x", block_id=b"000000")
        folder = tmp_path / "blobs" / CONTAINER / "staged" / "pile"
        for number in range(1, 100_000):
            (folder / base64.b64encode(b"%06d" % number).decode()).touch()
        service.reload()
        answer = put_block(service, f"/{CONTAINER}/pile", b"x", block_id=b"100000")
        assert (answer.status, answer.code) == (409, "BlockCountExceedsLimit")
        assert put_block(service, f"/{CONTAINER}/pile", b"y", block_id=b"099999").status == 201


def test_discarded_data_still_counts_but_cannot_be_read():
    with Sandbox(kubernetes=False, discard_data=True) as service:
        client = service.create_container(CONTAINER).get_blob_client("b")
        client.stage_block("0001", bytes(1000))
        client.commit_block_list([BlobBlock("0001")])
        assert client.get_blob_properties().size == 1000
        assert [block.size for block in client.get_block_list()[0]] == [1000]
        answer = BlobRequest(service, "GET", f"/{CONTAINER}/b")
        assert (answer.status, answer.code) == (500, "InternalError")
        assert b"--discard-data" in answer.content


def test_sigterm_ends_it_at_once_even_with_requests_under_way():
    with Sandbox(kubernetes=False) as service:
        service.faults([{"action": {"kind": "hold"}}])

        def ask():
            with pytest.raises(OSError):
                BlobRequest(service, "GET", "/?comp=list")

        waiting = threading.Thread(target=ask)
        waiting.start()
        wait_until(service.held, "a request under way")
        service.stop()
        assert not (service.state / "ready.json").exists()
        waiting.join()


def test_it_ends_with_the_process_that_started_it(tmp_path):
    script = f"""
import os, signal, sandbox
service = sandbox.Sandbox(state={str(tmp_path)!r}, kubernetes=False)
service.start()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "Tests" / "World", timeout=60)
    assert done.returncode == -signal.SIGKILL
    pid = json.loads((tmp_path / "ready.json").read_text())["pid"]
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), f"the end of {pid}")


def test_ports_other_than_the_loopback_are_not_open():
    with Sandbox(tls=True) as service:
        listening = subprocess.run(["cat", f"/proc/{service.pid}/net/tcp"], capture_output=True, text=True).stdout
        ports = {int(url.split(":")[2].split("/")[0]) for url in (
            service.blob_url, service.blob_tls_url, service.kubernetes_url)}
        local = [line.split()[1].split(":") for line in listening.splitlines()[1:] if line.split()[3] == "0A"]
        assert {int(port, 16) for address, port in local if address == "0100007F"} >= ports
        assert not ports & {int(port, 16) for address, port in local if address != "0100007F"}


def test_a_half_written_last_line_is_as_if_it_never_was(tmp_path):
    with Sandbox(state=tmp_path, kubernetes=False) as service:
        client = service.create_container(CONTAINER)
        client.upload_blob("a", b"x")
        client.upload_blob("b", b"x")
        service.kill()
        journal = service.container_folder(CONTAINER) / "committed.jsonl"
        journal.write_bytes(journal.read_bytes()[:-10])
        service.start()
        client = service.blob_service_client().get_container_client(CONTAINER)
        assert [item.name for item in client.list_blobs()] == ["a"]
        client.upload_blob("c", b"y")
        service.reload()
        assert [item.name for item in client.list_blobs()] == ["a", "c"]
