"""-o, --output: the format of a result is the same option everywhere, and YAML holds the values that JSON holds."""

import json

import pytest
import yaml

from stored import OLD, put

# What a reader of YAML could take for something else, or that could end a line or a quotation.
TRICKY = [
    "plain", "a/b.c-d_e", "yes", "No", "ON", "y", "null", "Null", "true", "1", "1e5", "0x1f", "012", "12:30:00", "2026-11-22",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV", ".5", ".inf", "- a", "a: b", "a #b", "#a", "&a", "*a", "!a", "?", "|", ">", "'a'", '"a"', "{a}",
    "[a]", "a,b", "%a", "@a", "`a`", "~", "=", "<<", " a", "a ", "a\\b", "a\nb", "a\r\nb", "a\tb", "é 日本 🎉", "\u202ea",
    "\ufeffa",
    "\U000e0041", "\uffff", "\x1b[2J", "\x85", "\u2028", "---", "...",
]  # fmt: skip


@pytest.fixture
def stored(world):
    world.path = world.assert_success(world.run())
    world.file = world.folder / "backup"
    world.file.write_bytes(world.download(world.path))
    put(world, b"damaged", OLD)
    return world


@pytest.mark.parametrize("arguments", [
    ["list"], ["check"], ["retention"], ["verify"], ["verify", "--all"], ["inspect", "FILE"], ["inspect", "/dev/null"],
    ["download", "--file", "TARGET", "--force"]], ids=" ".join)  # fmt: skip
def test_yaml_has_the_values_that_json_has(stored, arguments):
    places = {"FILE": str(stored.file), "TARGET": str(stored.folder / "target")}
    arguments = [places.get(argument, argument) for argument in arguments]
    as_json, as_yaml = (stored.run(*arguments, "--output", form) for form in ("json", "yaml"))
    assert as_json.status == as_yaml.status and as_json.json, as_yaml
    assert same(yaml.safe_load(as_yaml.text), as_json.json), as_yaml.text
    assert stored.run(*arguments, "-o", "json").status == as_json.status


def same(one, other) -> bool:
    """Of every type, so that 1 is not "1"; how long something took and how old it is differ from run to run."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key]) or key in ("seconds", "ageSeconds", "detail") for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_yaml_quotes_every_string_that_could_be_read_as_something_else(stored):
    stored.env["APP_BACKUP_PAGE_CHECK"] = "off"
    for name in TRICKY:
        file = [f"--file={name}"] if name.startswith("-") else ["--file", name]
        run = stored.run("download", *file, "-o", "yaml", "--force")
        if run.status == 0:
            assert yaml.safe_load(run.text)["file"] == name, run.text
        else:  # a folder that is not there
            assert "/" in name, run


def test_an_empty_list_is_one_in_yaml_too(world):
    run = world.run("list", "-o", "yaml")
    assert yaml.safe_load(run.text)["backups"] == [] and run.status == 0, run
    run = world.run("verify", "--all", "-o", "yaml")
    assert yaml.safe_load(run.text) == {"backups": [], "total": 0, "whole": 0, "undecrypted": 0} and run.status == 1, run


def test_names_are_paths_one_a_line(stored):
    assert stored.run("list", "-o", "name").text.splitlines() == [stored.path, put(stored, b"damaged", OLD)]
    whole = stored.run("verify", "--all", "-o", "name")
    assert (whole.status, whole.text) == (1, f"{stored.path}\n"), whole
    download = stored.run("download", "--file", str(stored.folder / "target"), "-o", "name")
    assert (download.status, download.text) == (0, f"{stored.path}\n"), download


@pytest.mark.parametrize("command", ["list", "check", "retention", "verify", "inspect"])
def test_a_format_that_does_not_exist_is_64_and_the_message_names_those_that_do(world, command):
    run = world.run(command, *(["file"] if command == "inspect" else []), "-o", "xml")
    assert run.status == 64 and world.requests() == [], run
    assert all(form in run.log for form in ("table", "json", "yaml")), run
    assert ("'name'" in run.log) == (command in ("list", "verify")), run


# --output of download, which once took the file


@pytest.mark.parametrize("arguments, typed", [
    (["--output", "backup.db"], "etcd-backup download --file backup.db"),
    (["-o", "-"], "etcd-backup download --file -"),
    ([OLD, "-o", "a b", "--force"], f"etcd-backup download {OLD} --file 'a b' --force"),
    (["-o", "it's"], r"etcd-backup download --file 'it'\''s'"),
])
def test_a_path_given_to_output_is_64_with_the_command_to_type(world, arguments, typed):
    run = world.run("download", *arguments)
    assert run.status == 64 and world.requests() == [], run
    assert f"type: {typed}\n" in run.log, run


def test_a_format_without_a_file_is_64_and_asks_for_the_file(world):
    run = world.run("download", "-o", "json")
    assert run.status == 64 and "--file FILE" in run.log and json.dumps(world.requests()) == "[]", run
