"""Words for names, numbers and lists, as sentences and tables need them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def first_few(names: Sequence[str], most: int = 3) -> str:
    """Write out the first names of a list and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def bits(distance: int) -> str:
    """Write a distance in words: "0 bits", "1 bit"."""
    return "1 bit" if distance == 1 else f"{distance} bits"


def as_text(name: str) -> str:
    r"""Write a file's name so that a table can hold it: bytes that are no UTF-8 as \udcxx."""
    return name.encode("utf-8", "backslashreplace").decode()


def on_one_line(name: str | Path) -> str:
    """Write a file's name for a sentence: line breaks and other control characters escaped."""
    text = as_text(str(name))
    return text if text.isprintable() else repr(text)[1:-1]
