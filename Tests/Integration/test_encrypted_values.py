"""Values that Kubernetes encrypts at rest: a run says once that their keys are not in the backup."""

import json

import pytest

MESSAGE = "values are encrypted at rest by Kubernetes"


def lines_about_it(run) -> list[dict]:
    assert run.status == 0, run
    return [event for event in map(json.loads, run.log.splitlines()) if event["msg"] == MESSAGE]


@pytest.mark.parametrize("size", [64, 20_000], ids=["in one page", "over several pages"])
def test_a_run_that_meets_encrypted_values_says_once_what_a_restore_needs(world, etcd, size):
    etcd.put("/registry/secrets/default/plain", b"k8s\0 not k8s:enc:" + bytes(size))
    assert lines_about_it(world.run()) == []
    for number in range(3):
        etcd.put(f"/registry/secrets/default/{number}", b"k8s:enc:aescbc:v1:key1:" + bytes(size))
    [line] = lines_about_it(world.run())
    assert line["level"] == "info" and "Keep the keys" in line["hint"] and "PKI" in line["hint"]
