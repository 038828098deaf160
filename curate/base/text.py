"""Words for names, numbers and lists, as sentences and tables need them."""

from __future__ import annotations

from collections.abc import Sequence


def first_few(names: Sequence[str], most: int = 3) -> str:
    """Write out the first names of a list and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def bits(distance: int) -> str:
    """Write a distance in words: "0 bits", "1 bit"."""
    return "1 bit" if distance == 1 else f"{distance} bits"
