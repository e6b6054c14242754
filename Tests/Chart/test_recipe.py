"""The Dockerfile, and that the versions named in different places agree."""

import re
import subprocess

import pytest
import yaml

from helm import CHART, PROJECT, Objects

DOCKERFILE = (PROJECT / "Dockerfile").read_text()
FINAL_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def test_hadolint_has_nothing_to_say():
    hadolint = PROJECT / ".build" / "venv" / "bin" / "hadolint"
    result = subprocess.run([hadolint, PROJECT / "Dockerfile"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_chart_installs_the_version_that_the_program_prints():
    version = re.search(r'current = "(.+)"', (PROJECT / "Sources/Backup/Version.swift").read_text())[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == version
    assert f"version: {chart['version']}" in (CHART / "README.md").read_text()


def test_every_variable_of_the_program_has_its_value_in_the_chart(helm4):
    """Those that a pod has no use for are left out on purpose."""
    known = set(re.findall(r'"(APP_\w+)"', (PROJECT / "Sources/Backup/Variable.swift").read_text()))
    everything = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
    objects = Objects(yaml.safe_load_all(helm4.template(everything)))
    rendered = {name for name in objects.environment if name.startswith("APP_")}
    assert rendered == known - {"APP_KUBECONFIG_PATH", "APP_TERMINATION_MESSAGE_PATH"}


def test_the_image_is_built_with_the_toolchain_of_the_project():
    toolchain = (PROJECT / ".swift-version").read_text().strip()
    assert f"ARG SWIFT={toolchain}-bookworm\n" in DOCKERFILE


def test_the_image_runs_as_the_user_of_the_pod(helm4):
    assert f"\nUSER {helm4.render().pod['securityContext']['runAsUser']}:" in FINAL_STAGE


def test_the_image_installs_nothing_but_the_libraries_and_certificates():
    installed = re.search(r"install --yes --no-install-recommends (.+?) \\\n", FINAL_STAGE)[1]
    assert installed.split() == ["ca-certificates", "libcurl4", "libexpat1", "libssl3"]
    assert FINAL_STAGE.count("COPY") == 1


@pytest.mark.parametrize("tracked", ["README.md", "chart/values.yaml", ".git/config", "Tests/Sandbox/Package.swift"])
def test_the_build_context_leaves_out_what_the_build_does_not_read(tracked):
    rules = (PROJECT / ".dockerignore").read_text().splitlines()
    kept = [rule[1:].replace("*", "[^/]*") for rule in rules if rule.startswith("!")]
    assert "*" in rules and not any(re.match(rf"{rule}(/|$)", tracked) for rule in kept)
