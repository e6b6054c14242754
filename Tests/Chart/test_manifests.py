"""What is rendered is valid, hardened Kubernetes, for every values file the chart ships."""

import json
import pathlib
import subprocess

import pytest
import yaml

import schemas
import values_table
from helm import CHART, Helm, Objects
from processes import ROOT

EXAMPLES = [*sorted((CHART / "ci").glob("*-values.yaml")), *sorted((CHART / "examples").glob("*.yaml"))]
RENDERING = [file for file in EXAMPLES if file.stem != "disabled-values"]
example = pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)


MANIFESTS: dict[pathlib.Path, str] = {}


def manifest_of(helm4, file):
    """Rendered once, by whichever test comes first."""
    if file not in MANIFESTS:
        MANIFESTS[file] = helm4.template(yaml.safe_load(file.read_text()))
    return MANIFESTS[file]


def rendered(helm4, file):
    return Objects(each for each in yaml.safe_load_all(manifest_of(helm4, file)) if each)


@example
def test_lint_is_strictly_clean(helm4, file):
    assert_clean(helm4, file)


def test_lint_is_strictly_clean_with_helm_3(helm_programs, tmp_path):
    assert_clean(Helm("3", tmp_path), CHART / "ci" / "everything-values.yaml")


def assert_clean(helm, file):
    result = helm.run("lint", "--strict", CHART, "--values", file)
    assert result.returncode == 0, result.stdout
    assert "[WARNING]" not in result.stdout


@pytest.mark.parametrize("file", RENDERING, ids=lambda file: file.stem)
def test_every_object_fits_the_schemas_of_kubernetes_strictly(helm4, file):
    objects = [each for each in rendered(helm4, file) if each["kind"] != "PrometheusRule"]  # which promtool checks
    assert objects
    for each in objects:
        for release in schemas.RELEASES:
            schemas.validate(each, release)


def test_a_field_that_kubernetes_does_not_know_does_not_fit(helm4):
    cron_job = helm4.render().one("CronJob")
    cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["contianers"] = []
    for release in schemas.RELEASES:
        with pytest.raises(schemas.Misfit, match="contianers"):
            schemas.validate(cron_job, release)


@example
def test_the_manifest_is_clean_yaml(helm4, file, tmp_path):
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(manifest_of(helm4, file))
    # helm itself writes sequences without indentation; the dashboard and the alerts have long lines.
    rules = {"line-length": "disable", "indentation": {"indent-sequences": "whatever"}}
    ours = json.dumps({"extends": str(ROOT / ".yamllint.yaml"), "rules": rules})
    result = subprocess.run(
        ["yamllint", "--strict", "--config-data", ours, manifest], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("file", [file for file in RENDERING if file.parent.name == "ci"], ids=lambda file: file.stem)
def test_the_pod_is_restricted_by_the_pod_security_standard_and_more(helm4, file):
    objects = rendered(helm4, file)
    pod, container = objects.pod, objects.container
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"].items() >= {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }.items()
    assert pod["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]


def test_h2_the_security_contexts_are_by_default_what_they_always_were(helm4):
    objects = helm4.render()
    assert objects.pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert set(objects.container["securityContext"]) == {
        "allowPrivilegeEscalation", "privileged", "readOnlyRootFilesystem", "capabilities",
    }  # fmt: skip


def test_the_pod_has_no_volume_by_default(helm4):
    objects = helm4.render()
    assert "volumes" not in objects.pod and "volumeMounts" not in objects.container


def test_a_name_is_short_enough_for_a_cron_job_in_every_release(helm4):
    objects = helm4.render(release="r" * 53)
    assert len(objects.one("CronJob")["metadata"]["name"]) <= 52


VALUES = list(values_table.rows())


@pytest.mark.parametrize("name, what", [(name, what) for name, _, what in VALUES])
def test_every_value_is_documented_where_it_stands(name, what):
    assert what.endswith("."), f"{name} has no sentence above it in values.yaml"


def test_the_readme_has_the_table_of_all_values():
    assert values_table.table() in (CHART / "README.md").read_text(), "put in what Tests/World/values_table.py prints"


@pytest.mark.parametrize("name", [name for name, _, _ in VALUES])
def test_every_value_has_a_place_in_the_schema(name):
    schema = place = json.loads((CHART / "values.schema.json").read_text())
    for key in name.split("."):
        assert key in place.get("properties", {})
        place = place["properties"][key]
        if "$ref" in place:
            place = schema["definitions"][place["$ref"].rpartition("/")[2]]


def test_the_dashboard_is_json_that_names_this_cron_job(helm4):
    objects = helm4.render({"grafanaDashboard": {"enabled": True}, "prometheusRule": {"maxAge": "3h"}})
    [text] = next(each for each in objects if each["metadata"]["name"].endswith("-dashboard"))["data"].values()
    dashboard = json.loads(text)
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(dashboard["panels"]) == len({panel["id"] for panel in dashboard["panels"]}) == 5
    assert all('namespace="kyma-system"' in each and '"backup-etcd-backup"' in each for each in expressions)
    assert dashboard["panels"][0]["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"] == 10800


def test_the_files_of_the_chart_are_those_it_needs():
    tracked = subprocess.run(["git", "ls-files", "chart"], cwd=ROOT, capture_output=True, text=True).stdout
    folders = {str(pathlib.PurePath(each).parent) for each in tracked.split()}
    assert folders <= {"chart", "chart/templates", "chart/ci", "chart/dashboards", "chart/examples"}
