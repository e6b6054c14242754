"""The Dockerfile and where its packages come from, and that the versions named in different places agree."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from helm import CHART, Objects
from processes import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
FINAL_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def test_hadolint_has_nothing_to_say():
    hadolint = ROOT / ".build" / "venv" / "bin" / "hadolint"
    result = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_chart_installs_the_version_that_the_program_prints():
    version = re.search(r'current = "(.+)"', (ROOT / "Sources/Backup/Version.swift").read_text())[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == version
    assert f"version: {chart['version']}" in (CHART / "README.md").read_text()


def test_every_variable_of_the_program_has_its_value_in_the_chart(helm4):
    """Those that a pod has no use for are left out on purpose."""
    known = set(re.findall(r'"(APP_\w+)"', (ROOT / "Sources/Backup/Configuration/Variable.swift").read_text()))
    rendered = set()
    for file in ("everything", "folders"):
        values = yaml.safe_load((CHART / "ci" / f"{file}-values.yaml").read_text())
        environment = Objects(yaml.safe_load_all(helm4.template(values))).environment
        rendered |= {name for name in environment if name.startswith("APP_")}
    of_no_use = {"APP_KUBERNETES", "APP_KUBECONFIG_PATH", "APP_KUBECONFIG_EXEC", "APP_TERMINATION_MESSAGE_PATH",
                 "APP_BACKUP_IDENTITY_SECRET", "APP_BACKUP_IDENTITY_DIRECTORY", "APP_BACKUP_ENCRYPTION_RECIPIENTS_FILE"}
    assert rendered == known - of_no_use


def test_the_image_is_built_with_the_toolchain_of_the_project():
    toolchain = (ROOT / ".swift-version").read_text().strip()
    assert f"ARG SWIFT={toolchain}-bookworm\n" in DOCKERFILE


def test_the_image_runs_as_the_user_of_the_pod(helm4):
    assert f"\nUSER {helm4.render().pod['securityContext']['runAsUser']}:" in FINAL_STAGE


def test_the_image_installs_nothing_but_the_libraries_and_certificates():
    installed = re.search(r"install --yes --no-install-recommends (.+?) \\\n", FINAL_STAGE)[1]
    assert installed.split() == ["ca-certificates", "libcurl4", "libexpat1", "libssl3", "libzstd1"]
    assert FINAL_STAGE.count("COPY") == 1


def test_the_build_context_has_every_swift_file_of_the_package_and_little_else():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    everything, included, excluded = rules()
    assert everything == "*"
    context = [file for file in tracked if within(file, included) and not within(file, excluded)]
    swift = [file for file in tracked if file.endswith(".swift") and not file.startswith("Tests/Sandbox/")]
    assert set(swift) <= set(context)
    assert not [file for file in context if file.endswith((".py", ".md", ".sh"))]


def rules():
    """.dockerignore: what leaves out everything, what is taken back in, and what of that is left out again."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    included = [line.removeprefix("!") for line in lines if line.startswith("!")]
    return lines[0], included, [line for line in lines[1:] if not line.startswith("!")]


def within(file, folders):
    return any(file == folder or file.startswith(f"{folder}/") for folder in folders)


ONE_LINE = """deb http://deb.example.com/debian/ {release} main contrib
# deb http://old.example.com/debian {release} main
deb [arch=amd64] http://security.example.com/debian-security {release}-security main
deb http://elsewhere.example.com/tools stable main
"""
DEB822 = """Types: deb
URIs: http://deb.example.com/debian/
Suites: {release}
Components: main contrib

Types: deb
URIs: http://security.example.com/debian-security
Suites: {release}-security
Components: main
"""


@pytest.mark.parametrize("name, text", [("sources.list", ONE_LINE), ("debian.sources", DEB822)])
def test_the_machines_debian_mirrors_are_found_however_apt_is_told(tmp_path, name, text):
    release = re.search("^VERSION_CODENAME=(.*)$", Path("/etc/os-release").read_text(), re.MULTILINE)[1]
    (tmp_path / name).write_text(text.format(release=release))
    configuration = tmp_path / "apt.conf"
    configuration.write_text(f'Dir::Etc::SourceList "{tmp_path / "sources.list"}"; Dir::Etc::SourceParts "{tmp_path}";')
    done = subprocess.run(
        [ROOT / ".ci" / "debian-sources"], env={**os.environ, "APT_CONFIG": str(configuration)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert set(re.findall(r"^deb \[signed-by=.*\] (\S+) (\S+) main$", done.stdout, re.MULTILINE)) == {
        ("http://deb.example.com/debian", release),
        ("http://security.example.com/debian-security", f"{release}-security"),
    }, done.stderr
