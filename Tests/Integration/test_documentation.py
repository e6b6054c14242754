"""The documents against the code: what they list exists and is listed once, their links lead somewhere, their commands run."""

import json
import re
import subprocess

import pytest
import yaml

import values_table
from documentation import NAMES, Document
from helm import ENABLED, Helm, merged
from processes import ROOT
from program import BINARY

DOCUMENTS = {name: Document(name) for name in NAMES}
OPERATIONS = DOCUMENTS["docs/operations.md"]

# Each bash block is run by the test file named here, which takes it from the document.
RUN_BY = {
    ("README.md", "## Install"): "Tests/Chart/test_by_hand.py",
    ("README.md", "## Restore"): "Tests/Integration/test_restore_statefulset.py",
    ("README.md", "## For developers"): "Tests/Integration/test_documentation.py",
    ("chart/README.md", "## Install"): "Tests/Chart/test_by_hand.py",
    ("chart/README.md", "## What it installs"): "Tests/Chart/test_record.py",
    ("docs/operations.md", "## Run one by hand"): "Tests/Chart/test_by_hand.py",
    ("docs/operations.md", "## check, list and verify in the cluster"): "Tests/Chart/test_by_hand.py",
    ("docs/operations.md", "## Commands"): "Tests/Integration/test_documentation.py",
    ("docs/operations.md", "## Rotate keys and certificates"): "Tests/Chart/test_by_hand.py",
    ("docs/upgrade-from-kyma.md", "## With the chart"): "Tests/Chart/test_by_hand.py",
    ("docs/restore.md", "## Control planes"): "Tests/Integration/test_restore_control_plane.py",
    ("docs/restore-by-hand.md", None): "Tests/Integration/test_restore_by_hand.py",
}


def test_every_bash_block_is_taken_by_a_test():
    for name, document in DOCUMENTS.items():
        chapters = [heading for where, heading in RUN_BY if where == name]
        taken = [block for heading in chapters for block in document.blocks(heading)]
        assert sorted(taken) == sorted(document.blocks()), f"{name} has a bash block outside the chapters of RUN_BY"
    for (name, heading), test in RUN_BY.items():
        text = (ROOT / test).read_text()
        assert name in text and (heading is None or heading in text), f"{test} does not read {heading} of {name}"


@pytest.mark.parametrize("name", NAMES)
def test_code_that_is_no_bash_block_is_marked_as_something_else(name):
    """So no command escapes the tests as an unmarked block; indented blocks are not used at all."""
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", DOCUMENTS[name].text, re.MULTILINE | re.DOTALL):
        assert language in ("bash", "yaml", "text") or re.search("[│─╱]", block), f"no picture, and unmarked:\n{block}"


def test_the_readme_is_short():
    assert len(DOCUMENTS["README.md"].text.splitlines()) <= 200


# Links


@pytest.mark.parametrize("name", [*NAMES, "Tests/Integration/README.md", "Tests/World/README.md", "Tests/Sandbox/README.md"])
def test_relative_links_and_their_anchors_lead_somewhere(name):
    document = Document(name)
    for link in document.links:
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.path.parent / path).resolve() if path else document.path
        assert target.exists(), f"{name}: {link}"
        if anchor:
            assert anchor in Document(str(target.relative_to(ROOT))).anchors, f"{name}: {link}"


@pytest.mark.parametrize("name", NAMES)
def test_every_document_is_linked_from_the_readme(name):
    assert name == "README.md" or name in DOCUMENTS["README.md"].links


# Names that must exist


def spans(document: Document) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", document.text, flags=re.M | re.S))


def matching(pattern: str) -> list[tuple[str, str]]:
    """(document, match) anywhere in the documents, blocks among them. There is one at least, or the test shows nothing."""
    found = [(name, match) for name, document in DOCUMENTS.items() for match in re.findall(pattern, document.text)]
    assert found, f"no document has {pattern}"
    return found


def test_every_variable_that_a_document_names_exists():
    known = set(DOCUMENTS["docs/configuration.md"].names("## Variables"))  # held against the code by the unit tests
    for name, found in matching(r"\bAPP_[A-Z_]+\b"):
        assert found in known, f"{name}: {found}"


def test_every_key_of_the_record_that_a_document_names_exists():
    known = set(OPERATIONS.names("### The record"))  # likewise
    for name, found in matching(r"(?<![\w-])(?:abs-)?backup-[a-z]+-[a-z-]+[a-z]\b"):
        assert found in known, f"{name}: {found}"


LOG_FIELDS_AND_FILES = r"etcd\.(endpoint|member|revision|version|transport|backup|sha256)"


def test_every_value_of_the_chart_that_a_document_names_exists():
    known = {value for value, _, _ in values_table.rows()}
    parents = {value.rsplit(".", depth)[0] for value in known for depth in (1, 2, 3)}
    tops = "abs|serviceAccount|rbac|global|etcd-operator|etcd|backupApp|prometheusRule|networkPolicy|grafanaDashboard"
    pattern = rf"(?<![\w.-])((?:{tops})(?:\.[a-zA-Z0-9]+)+)"
    for name, found in matching(pattern):
        if not re.fullmatch(LOG_FIELDS_AND_FILES, found):
            assert found in known | parents, f"{name}: {found}"


def test_every_exit_status_that_a_document_names_exists():
    known = set(OPERATIONS.names("## Exit statuses"))
    for name, found in matching(r"(?:[Ee]xit status|status|statuses) (\d+)"):
        assert found in known, f"{name}: exit status {found}"


def test_every_alert_is_listed_with_what_to_do_and_no_other(tmp_path):
    values = merged(ENABLED, {"prometheusRule": {"enabled": True}})
    rule = Helm("4", tmp_path).template(values)
    [rules] = [each for each in yaml.safe_load_all(rule) if each and each["kind"] == "PrometheusRule"]
    alerts = [each["alert"] for each in rules["spec"]["groups"][0]["rules"]]
    assert OPERATIONS.names("## Alerts") == alerts == DOCUMENTS["chart/README.md"].names("## Alerts")
    for name, found in matching(r"\bEtcdBackup[A-Z][a-zA-Z]+"):
        assert found in alerts, f"{name}: {found}"


def printed(*arguments: str) -> str:
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=True).stdout


def test_every_command_is_listed_with_options_that_it_has():
    listed = [command.split()[0] for command in OPERATIONS.names("## Commands") if not command.startswith("--")]
    subcommands = printed("--help").partition("SUBCOMMANDS:")[2]
    assert sorted(listed) == sorted(re.findall(r"^  ([a-z]+)", subcommands, re.MULTILINE))
    for name, command, options in [
        (name, *found.groups()) for name, document in DOCUMENTS.items() for span in spans(document)
        if (found := re.match(rf"(?:etcd-backup )?({'|'.join(listed)})\b(.*)", span))]:  # fmt: skip
        known = printed(command, "--help")
        for option in re.findall(r"--[a-z-]+", options):
            assert option in known, f"{name}: {command} {option}"


def test_the_completion_script_completes_commands():
    [block] = OPERATIONS.blocks("## Commands")
    done = subprocess.run(
        ["bash", "-ec", f'PATH="{BINARY.parent}:$PATH"\n{block}\ncomplete -p etcd-backup'],
        capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("complete "), done.stdout + done.stderr
    for shell in ("zsh", "fish"):
        assert "retention" in printed("--generate-completion-script", shell)


def test_every_option_of_restore_sh_that_a_document_names_exists():
    known = set(re.findall(r"--[a-z-]+", (ROOT / "restore" / "options.sh").read_text()))
    for name, options in matching(r"restore\.sh((?: +(?:-[^\s`|]+|[A-Z]+))*)"):
        for option in re.findall(r"--[a-z-]+", options):
            assert option in known, f"{name}: restore.sh {option}"
    on_nodes = set(re.findall(r"--[a-z-]+", (ROOT / "restore" / "node-options.sh").read_text()))
    for name, options in matching(r"control-plane\.sh((?: +(?:-[^\s`|]+|[A-Z/\"$][^\s`|]*))*)"):
        for option in re.findall(r"--[a-z-]+", options):
            assert option in on_nodes, f"{name}: control-plane.sh {option}"
    of_others = {"--encryption-provider-config"}
    for span in spans(DOCUMENTS["docs/restore.md"]):
        if span.startswith("--"):
            assert span.split()[0] in known | on_nodes | of_others, span


def test_every_message_of_a_failed_restore_that_is_explained_is_one_of_ours_or_of_kubernetes():
    paths = [*ROOT.glob("restore/*.sh"), *ROOT.glob("Sources/**/*.swift")]
    ours = "\n".join(path.read_text() for path in paths)
    kubernetes = {"ErrImagePull", "ImagePullBackOff", "pods ", " is forbidden", "violates PodSecurity"}
    for message, _ in DOCUMENTS["docs/restore.md"].cells("## When a step fails"):
        for span in re.findall("`(.+?)`", message):
            for part in re.split("…|: ", span):
                assert not part.strip() or part in ours or part in kubernetes, f"{span}: no program says {part!r}"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}


def test_every_target_of_make_is_listed_once_and_no_other():
    listed = [name.removeprefix("make ") for name in DOCUMENTS["docs/development.md"].names("# Development")]
    assert sorted(listed) == sorted(make_targets())
    for name, found in matching(r"\bmake ([a-z-]+)\b(?=`|\n)"):
        assert found in make_targets(), f"{name}: make {found}"


def test_the_commands_for_developers_are_targets_of_make():
    [block] = DOCUMENTS["README.md"].blocks("## For developers")
    assert [line.removeprefix("make ") for line in block.splitlines()] == ["demo", "test"]
    assert {"demo", "test"} <= make_targets()


# The modules


def test_the_table_of_modules_is_that_of_the_package():
    manifest = json.loads(subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True).stdout)
    targets = {
        target["name"]: {next(iter(each.values()))[0] for each in target["dependencies"]}
        for target in manifest["targets"]
        if target["type"] in ("regular", "executable") and not (target.get("path") or "").startswith("Tests")}
    rows = DOCUMENTS["docs/design.md"].cells("## Modules")
    assert sorted(row[0].strip("`") for row in rows) == sorted(targets)
    for module, _, imports in rows:
        module = module.strip("`")
        wanted = targets[module] - {"ArgumentParser"}
        if imports == "all of the above":
            above = {row[0].strip("`") for row in rows[: [row[0] for row in rows].index(f"`{module}`")]}
            assert wanted <= above, module
        else:
            assert set(re.findall("`(.+?)`", imports)) == wanted, module


# What a run leaves


def test_every_id_of_a_test_of_authorisation_is_listed_once_and_no_other():
    tests = "\n".join(path.read_text() for pattern in ("*/*.py", "*/*.swift") for path in (ROOT / "Tests").glob(pattern))
    carried = set(re.findall(r"(?:def test_|func `)(A\d+)[_:]", tests))
    listed = Document("Tests/Integration/README.md").names("# Tests of authorisation")
    assert listed == [f"A{number}" for number in range(1, len(carried) + 1)] and set(listed) == carried


def test_a_run_leaves_what_the_documents_list_and_prints_what_the_readme_shows(world):
    run = world.run(APP_LOGGER_FORMAT="text")
    path = world.assert_success(run)
    assert world.run("verify", "--record").status == 0
    assert sorted(OPERATIONS.names("### The record")) == sorted(world.record)
    assert sorted(OPERATIONS.names("### The metadata of the blob")) == sorted(world.properties(path).metadata)

    [shown] = re.findall(r"```text\n(.*?)```", DOCUMENTS["README.md"].chapter("## What a run prints"), re.DOTALL)
    without_ids = re.sub(r" run\.id=\w+", "", run.log)
    assert fields(shown) == fields(without_ids)


def fields(log: str) -> list[list[str]]:
    """Message and names of the fields of each line, without their values."""
    return [[re.match(r"\S+Z [A-Z]+ +(.+?)(?:  |$)", line)[1], *re.findall(r" ([\w.]+)=", line)] for line in log.splitlines()]


def test_the_termination_message_has_the_keys_that_are_listed(world, tmp_path):
    listed = set(OPERATIONS.names("### The termination message"))
    message = tmp_path / "termination-log"
    seen = set()
    for changes in ({}, {"APP_BACKUP_SKIP_UNCHANGED": "on"}, {"APP_ABS_CONTAINER_NAME": "missing"}):
        message.write_text("")
        world.run(APP_TERMINATION_MESSAGE_PATH=str(message), **changes)
        seen |= set(json.loads(message.read_text()))
    assert seen == listed


# The language


SHUNNED = r"\b(nobody|somebody|whoever|whence|wherever|patience|prov(?:e|es|ed|en|ing))\b"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "docs/benchmark.md"])
def test_documents_keep_to_the_words_of_the_glossary(name):
    text = DOCUMENTS[name].prose
    if name == "docs/design.md":  # names that the code still has, and the words to avoid
        text = re.sub(r"\[[^\]]*\]\([^)]*\)", "", text.partition("\n## Glossary\n")[0])
    assert re.findall(SHUNNED, text, re.IGNORECASE) == []
