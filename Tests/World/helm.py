"""The real helm 3 and helm 4, rendering the chart into objects."""

import json
import os
import re
import subprocess

import pytest
import yaml

from processes import ROOT, SHORT_LIVED

CHART = ROOT / "chart"
HELM = ROOT / ".build" / "helm"

# The least that switches backups on; tests add to it.
ENABLED = {
    "global": {"etcdBackup": {"enabled": True, "containerName": "etcd-backups"}},
    "etcd-operator": {"backupOperator": {"abs": {"storageAccount": "store", "storageKey": "a2V5"}}},
}

# The same with the names of today, for an etcd that has none of the predecessor's.
NEUTRAL = {
    "enabled": True,
    "abs": {"account": "store", "accountKey": "a2V5", "container": "etcd-backups", "prefix": "production"},
    "etcd": {"endpoints": ["https://etcd:2379"], "tlsSecretName": "etcd-client"},
}


def merged(base, changes):
    """`base` with `changes` laid over it, key by key, as helm lays one values file over another."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return {**base, **{key: merged(base.get(key), value) for key, value in changes.items()}}


def nested(path, value):
    """`value` beneath the dotted `path`, so that a test names a value as its documentation does."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def parent(folder):
    """A chart with two instances of ours under aliases, `orders` and `customers`."""
    dependency = f"repository: file://{CHART}\n    version: 1.0.0\n"
    (folder / "charts").mkdir(parents=True)
    (folder / "charts" / "etcd-backup").symlink_to(CHART)
    (folder / "Chart.yaml").write_text(
        "apiVersion: v2\nname: core\nversion: 1.0.0\ndependencies:\n"
        + "".join(f"  - name: etcd-backup\n    alias: {alias}\n    {dependency}" for alias in ("orders", "customers")))
    return folder


def instance(prefix):
    """Values of one of them."""
    return {"enabled": True, "etcd": {"endpoints": [f"https://{prefix}:2379"], "tlsSecretName": f"{prefix}-tls"},
            "abs": {"account": "store", "accountKey": "a2V5", "container": "etcd-backups", "prefix": prefix}}


class Failure(Exception):
    """helm refused; the message is what the operator sees."""


class Objects(list):
    """The rendered objects, found by kind."""

    def one(self, kind):
        found = [each for each in self if each["kind"] == kind]
        assert len(found) == 1, f"{len(found)} objects of kind {kind}"
        return found[0]

    def kinds(self):
        return sorted(each["kind"] for each in self)

    @property
    def job(self):
        return self.one("CronJob")["spec"]["jobTemplate"]["spec"]

    @property
    def pod(self):
        return self.job["template"]["spec"]

    @property
    def container(self):
        [container] = self.pod["containers"]
        return container

    @property
    def environment(self):
        return {each["name"]: each.get("value", each.get("valueFrom")) for each in self.container["env"]}


class Helm:
    """One version of helm, kept away from the configuration of whoever runs the tests."""

    def __init__(self, major, home):
        self.major = major
        self.program = HELM / major / "helm"
        self.home = home

    def run(self, *arguments, **environment):
        """The finished command; the caller judges its status."""
        return self._run(self.program, *arguments, **environment)

    def kubectl(self, *arguments, **environment):
        """The same for the kubectl that came with this helm."""
        return self._run(self.program.with_name("kubectl"), *arguments, **environment)

    def _run(self, program, *arguments, **environment):
        settings = {"PATH": os.environ["PATH"], "HOME": str(self.home), **SHORT_LIVED, **environment}
        command = [str(program), *map(str, arguments)]
        return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300)

    def template(self, values, chart=CHART, namespace="kyma-system", release="backup", arguments=()):
        """The manifest as text, or `Failure` with helm's message."""
        file = self.home / "values.yaml"
        # In JSON a string is quoted, whatever it looks like. YAML wants these escaped, and none in two halves.
        text = json.dumps(values, ensure_ascii=False)
        file.write_text(re.sub("[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text))
        result = self.run(
            "template", release, chart, "--namespace", namespace, "--values", file, *arguments
        )
        if result.returncode != 0:
            raise Failure(result.stderr)
        return result.stdout

    def render(self, changes=None, base=ENABLED, **options):
        """The objects of an enabled chart with `changes` to its values."""
        manifest = self.template(merged(base, changes or {}), **options)
        return Objects(each for each in yaml.safe_load_all(manifest) if each)

    def refusal(self, values, **options):
        """The message with which helm refuses `values`; rendering them is a failure of the test."""
        with pytest.raises(Failure) as caught:
            self.template(values, **options)
        return str(caught.value)
