"""A key or a SAS that is rotated while a run is under way: what is stored is read again once."""

import re

import pytest

from sandbox import ACCOUNT_KEY
from test_authorization import put, use_sas
from test_folders import store_folder
from test_secrets import assert_no_secret_in
from world import TOKEN

DAY = 86_400
MOMENTS = ["PutBlock", "PutBlockList", "HeadBlob", "GetBlockList", "ListBlobs"]
NAMES = ["block", "commit", "head", "blocks", "listing"]


def refuse_once(world, operation: str, path: str | None, times: int = 1) -> None:
    """As the store refuses what it does not know any more."""
    world.fault(operation, "status", path=path, times=times, status=403, code="AuthenticationFailed")


def signature(sas: str) -> str:
    return re.search("sig=([^&]*)", sas).group(1)


@pytest.mark.parametrize("operation", MOMENTS, ids=NAMES)
def test_A33_a_sas_that_was_rotated_is_read_again_at_every_moment_of_a_run(world, operation):
    old = use_sas(world, "container", ends=30 * DAY)
    new = world.sandbox.sas("container", ends=60 * DAY)
    world.hold("ListBlobs", path="maxresults=1&")
    program = world.start(APP_LOGGER_LEVEL="trace")
    world.wait_for_held("ListBlobs")  # so the Secret has been read
    put(world, {"storage-account": world.sandbox.account, "sas-token": new})
    # From here on the store knows the new one only, as far as this operation goes.
    path, times = ("maxresults=1000", 1) if operation == "ListBlobs" else (signature(old), None)
    world.fault(operation, "status", path=path, times=times, status=403, code="AuthenticationFailed")
    run = program.wait()
    refused = [each["operation"] for each in world.requests() if each.get("status") == 403]
    world.assert_whole(world.assert_success(run))
    assert operation in refused and len(world.requests("GetSecret")) == 2, run
    assert_no_secret_in(run.log, [signature(old), signature(new), TOKEN])


def test_A33_what_is_stored_is_read_once_more_and_not_again(world):
    use_sas(world, "container", ends=30 * DAY)
    refuse_once(world, "PutBlock", None, times=100)
    run = world.run()
    assert len(world.requests("GetSecret")) == 2, run
    world.assert_nothing_happened(run, 78)


def test_A33_a_wrong_key_at_the_start_is_no_rotation(world):
    put(world, {"storage-account": world.sandbox.account, "storage-key": "d3Jvbmc=" * 4})
    run = world.run()
    assert len(world.requests("GetSecret")) == 1, run
    assert run.status == 78, run


def test_A33_a_folder_is_read_again_as_well(world, tmp_path):
    store_folder(world, tmp_path / "store")
    key = tmp_path / "store" / "..data" / "storage-key"
    key.write_text(world.sandbox.account_key)
    refuse_once(world, "PutBlock", None)
    run = world.run()
    # The same key is no other: the refusal is final.
    world.assert_nothing_happened(run, 78)
    assert ACCOUNT_KEY not in run.log
