"""The documents of the project: their fenced blocks, inline code, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
)
LANGUAGES = {"bash", "python", "yaml", "csv", "diff", "text"}

_FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?$')
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, the file it is to be, its text."""

    document: str
    line: int
    section: str
    language: str
    title: str | None
    text: str

    @property
    def place(self) -> str:
        """Return where the block stands."""
        return f"{self.document}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """List a bash block's commands, continued lines as one, without comments."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def read(document: str) -> str:
    """Read a document by its path below the root."""
    return (ROOT / document).read_text()


def blocks(document: str) -> list[Block]:
    """List a document's fenced blocks in order.

    Raises:
        ValueError: a fence is not closed, or of a language that no test knows what to do with.
    """
    found: list[Block] = []
    held: list[str] = []
    section, opened = "", None
    for number, line in enumerate(read(document).splitlines(), start=1):
        if opened is None and line.startswith("## "):
            section = line[3:]
        if opened is None and line.startswith("```"):
            fence = _FENCE.match(line)
            if not fence or fence.group(1) not in LANGUAGES:
                raise ValueError(f"{document}:{number}: {line} is of none of {sorted(LANGUAGES)}")
            opened, held = (number, fence), []
        elif opened is not None and line == "```":
            start, fence = opened
            text = "\n".join(held) + "\n"
            found.append(Block(document, start, section, fence.group(1), fence.group(2), text))
            opened = None
        elif opened is not None:
            held.append(line)
    if opened is not None:
        raise ValueError(f"{document}:{opened[0]}: the block is not closed")
    return found


def prose(document: str) -> str:
    """Read a document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)


def inline_code(text: str) -> list[str]:
    """List the spans in backticks, each on one line."""
    return [" ".join(span.split()) for span in _INLINE.findall(text)]


def links(document: str) -> list[str]:
    """List the targets of a document's links and pictures."""
    return _LINK.findall(_INLINE.sub("", prose(document)))


def anchors(document: str) -> set[str]:
    """Make the anchors of a document's headings, as GitHub does."""
    headings = re.findall(r"^#+ (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
