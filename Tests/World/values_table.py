"""The table of values in chart/README.md, made of the comments in chart/values.yaml: `python3 values_table.py`."""

import json
import pathlib

import yaml

VALUES = pathlib.Path(__file__).resolve().parents[2] / "chart" / "values.yaml"
FILLED_IN_AS_A_WHOLE = {"resources", "grafanaDashboard.labels", "podSecurityContext", "securityContext"}


def rows():
    """(dotted name, default as JSON, description) of every value, in the file's order."""
    text = VALUES.read_text()
    return leaves(yaml.compose(text), text.splitlines())


def leaves(node, lines, path=""):
    for key, value in node.value:
        name = f"{path}.{key.value}".lstrip(".")
        if isinstance(value, yaml.MappingNode) and value.value and name not in FILLED_IN_AS_A_WHOLE:
            yield from leaves(value, lines, name)
        else:
            default = yaml.safe_load(yaml.serialize(value))
            yield name, json.dumps(default), description(lines, key.start_mark.line)


def description(lines, line):
    """The comment right above a line, from its `# -- ` on."""
    comment: list[str] = []
    while lines[line - 1].lstrip().startswith("#"):
        line -= 1
        comment.insert(0, lines[line].lstrip("# ").strip())
        if comment[0].startswith("-- "):
            return " ".join(comment).removeprefix("-- ")
    return ""


def table():
    body = [f"| `{name}` | `{default}` | {what} |" for name, default, what in rows()]
    return "\n".join(["| value | default | what it does |", "| --- | --- | --- |", *body])


if __name__ == "__main__":
    print(table())
