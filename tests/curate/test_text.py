"""Words for counts, intervals and cells."""

from __future__ import annotations

import pytest

from curate.base.text import format_cell, format_interval, plural


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 frames"),
        (1, "1 frame"),
        (1_200, "1,200 frames"),
        (1.0, "1 frame"),
        (0.5, "0.5 frames"),
        (2.0, "2 frames"),
    ],
)
def test_one_alone_is_singular(count: float, words: str) -> None:
    assert plural(count, "frame") == words


def test_an_irregular_noun_is_given() -> None:
    assert [plural(count, "person", "people") for count in (1, 2)] == ["1 person", "2 people"]


def test_an_interval_without_an_end_is_nothing() -> None:
    assert format_interval(0.12, 0.2104) == "0.120 to 0.210"
    assert format_interval(0.125, 0.5, digits=2, to="–") == "0.12–0.50"
    assert format_interval(None, 0.5) == format_interval(0.5, None) == ""


@pytest.mark.parametrize(
    ("value", "cell"), [(0.5, "0.500"), (12_345, "12,345"), ("a", "a"), (None, "–"), ("", "–")]
)
def test_a_cell_is_text(value: object, cell: str) -> None:
    assert format_cell(value, "–") == cell
