"""The project's documents, taken apart: chapters, code blocks, tables, links and code spans."""

import re
import textwrap
from pathlib import Path

from processes import ROOT

# Those that people read; the notes of the tests and of the sandbox are beside their code.
NAMES = ["README.md", "CHANGELOG.md", "chart/README.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]


class Document:
    """`name` is the path from the repository's root."""

    def __init__(self, name: str):
        self.name = name
        self.path: Path = ROOT / name
        self.text = self.path.read_text()

    def chapter(self, heading: str) -> str:
        """What stands below a heading, such as `## Alerts`, up to the next one of its level or above."""
        level = len(heading.split()[0])
        pattern = rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)"
        # A comment in a code block is no heading.
        [found] = re.findall(pattern, without_blocks_headings(self.text), re.MULTILINE | re.DOTALL)
        return found.replace("\0", "#")

    def blocks(self, heading: str | None = None) -> list[str]:
        """The bash blocks of the document, or of one of its chapters."""
        return bash_blocks(self.chapter(heading) if heading else self.text)

    def names(self, heading: str) -> list[str]:
        """The first cells of the chapter's first table; a cell may hold several names in code spans."""
        names = []
        for cell in self.cells(heading):
            names += re.findall("`(.+?)`", cell[0]) or [cell[0]]
        return names

    def cells(self, heading: str) -> list[list[str]]:
        """The rows of the chapter's first table, without its head."""
        rows = re.search(r"^\| --- .*\n((?:\| .*\n)*)", self.chapter(heading), re.MULTILINE)[1]
        return [[cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split(" | ")]
                for row in rows.splitlines()]

    @property
    def prose(self) -> str:
        """Without code blocks and code spans."""
        text = re.sub(r"^ *```.*?^ *```", "", self.text, flags=re.MULTILINE | re.DOTALL)
        return re.sub(r"`+[^`]*`+", "", text)

    @property
    def links(self) -> list[str]:
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    @property
    def anchors(self) -> set[str]:
        """As GitHub makes them of the headings."""
        headings = re.findall(r"^#+ (.+)$", re.sub(r"^ *```.*?^ *```", "", self.text, flags=re.M | re.S), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_blocks_headings(text: str) -> str:
    return re.sub(
        r"^ *```.*?^ *```", lambda block: re.sub("^#", "\0", block[0], flags=re.MULTILINE), text,
        flags=re.MULTILINE | re.DOTALL)


def bash_blocks(text: str) -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(r"^ *```bash\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)]
