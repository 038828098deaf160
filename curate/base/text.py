"""Words for names, numbers and lists, as sentences and tables need them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def first_few(names: Sequence[str], most: int = 3) -> str:
    """Write out the first names of a list and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def plural(count: float, noun: str, nouns: str | None = None) -> str:
    """Write a count with its noun: "1 frame", "1,200 frames", "0.5 epochs"."""
    number = f"{count:g}" if isinstance(count, float) else f"{count:,}"
    return f"{number} {noun if count == 1 else nouns or noun + 's'}"


def format_interval(
    low: float | None, high: float | None, *, digits: int = 3, to: str = " to "
) -> str:
    """Write the ends of an interval: "0.120 to 0.210"; nothing where one of them is not known."""
    return "" if low is None or high is None else f"{low:.{digits}f}{to}{high:.{digits}f}"


def format_cell(value: object, unknown: str = "") -> str:
    """Write a cell of a table: floats with three digits, integers with commas, else the text.

    `unknown` stands for None and for an empty text.
    """
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return unknown if value in (None, "") else str(value)


def as_text(name: str) -> str:
    r"""Write a file's name so that a table can hold it: bytes that are no UTF-8 as \udcxx."""
    return name.encode("utf-8", "backslashreplace").decode()


def on_one_line(name: str | Path) -> str:
    """Write a file's name for a sentence: line breaks and other control characters escaped."""
    text = as_text(str(name))
    return text if text.isprintable() else repr(text)[1:-1]
