"""README's chapter "Run one by hand", run as it stands there: its blocks, in bash, with the real kubectl."""

import json
import os
import re
import subprocess

import pytest

from installation import Installation
from job_controller import JobController
from processes import ROOT
from sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a pod its user and its root file system")

CHAPTER = re.search(r"^## Run one by hand\n(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1]
BACK_UP, CHECK, LAST_SUCCESS, LAST_RUNS = re.findall(r"^```bash\n(.*?)^```", CHAPTER, re.MULTILINE | re.DOTALL)


@pytest.fixture
def installation(helm4, etcd, tmp_path):
    with Sandbox(state=tmp_path / "sandbox") as sandbox:
        yield Installation(helm4, sandbox, etcd, tmp_path, release="etcd-backup")


@pytest.fixture
def cluster(installation):
    with JobController(installation) as cluster:
        yield cluster


# The stand-in of the API server has no schemas, and knows JSON only where kubectl would rather send protobuf.
KUBECTL = """#!/bin/sh
kubectl="{program} --server={server}"
case "$*" in
  *--dry-run*) exec $kubectl "$@" ;;
  "create job "*) $kubectl "$@" --dry-run=client --output=json | $kubectl create --validate=false --filename=- ;;
  "create --filename=-") exec $kubectl "$@" --validate=false ;;
  *) exec $kubectl "$@" ;;
esac
"""


@pytest.fixture
def shell(cluster, helm4, tmp_path):
    """Runs a block; gives back what it printed."""
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL.format(program=helm4.program.with_name("kubectl"), server=cluster.url))
    kubectl.chmod(0o755)
    environment = {"PATH": f"{kubectl.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    def run(block):
        done = subprocess.run(
            ["bash", "-ec", block], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def test_a_run_is_followed_to_its_end_and_is_one_of_the_cron_jobs(shell, cluster, installation):
    printed = shell(BACK_UP)
    assert "waiting to start: ContainerCreating" in printed
    assert installation.recorded_path in printed and '"msg":"run finished"' in printed, printed
    [job] = cluster.jobs
    [owner] = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("CronJob", "etcd-backup", True)
    assert job["spec"]["template"]["spec"] == installation.objects.pod


def test_a_run_that_fails_is_followed_to_its_end_as_well(shell, installation):
    installation.allow([])
    assert "is not allowed" in shell(BACK_UP)


def test_a_check_is_none_of_the_cron_jobs_jobs_and_takes_no_backup(shell, cluster, installation):
    printed = shell(CHECK)
    assert re.search("^pass  ", printed, re.MULTILINE) and not re.search("^fail  ", printed, re.MULTILINE), printed
    [job] = cluster.jobs
    assert "ownerReferences" not in job["metadata"]
    assert job["spec"]["ttlSecondsAfterFinished"] == installation.objects.job["ttlSecondsAfterFinished"]
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container.pop("args") == ["check"]
    assert job["spec"]["template"]["spec"] == installation.objects.pod
    assert installation.record is None


def test_the_last_success_and_the_ends_of_the_last_runs_are_shown(shell, installation):
    shell(BACK_UP)
    assert json.loads(shell(LAST_SUCCESS)) == installation.record
    assert json.loads(shell(LAST_RUNS))["path"] == installation.recorded_path


def test_the_notes_of_an_installation_say_the_same_as_the_readme(cluster, helm4, installation, tmp_path):
    values = tmp_path / "values.yaml"  # which the installation has rendered
    done = helm4.run(
        "install", "etcd-backup", ROOT / "chart", "--namespace", "kyma-system", "--values", values,
        "--kube-apiserver", cluster.url, "--dry-run=client",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    commands = re.findall("^  (.*)\n", done.stdout.partition("\nNOTES:\n")[2], re.MULTILINE)
    assert commands == (BACK_UP + LAST_SUCCESS).splitlines()
