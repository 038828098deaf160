"""Dedup: every frame is kept or has its reason, and the reason is the right one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.dedup import count_reasons, decide, label_sets
from curate.table import DEDUP, FRAMES, KEY, REASONS, frame_id

SCOPE = {"clip": ["clip"], "subject": ["subject"], "all": []}
Table = Callable[..., pl.DataFrame]


@st.composite
def footage(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.Series]:
    """Draw frames of a few clips and subjects, some unusable or unlabelled, shuffled."""
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        for index in range(draw(st.integers(1, 8))):
            reason = draw(st.sampled_from([None, None, None, None, "unreadable", "no_face"]))
            label = draw(st.sampled_from(["00", "10", "1?", None]))
            rows.append(
                {
                    "id": frame_id(f"s{number % 2}-{number}", index),
                    "subject": f"s{number % 2}",
                    "clip": f"s{number % 2}-{number}",
                    "index": index,
                    "hash": None if reason else draw(st.integers(0, 31)),
                    "reason": reason,
                    "label": label,
                }
            )
    schema = KEY | {"hash": FRAMES["hash"], "reason": pl.String, "label": pl.String}
    table = pl.DataFrame(draw(st.permutations(rows)), schema=schema)
    return table.drop("label"), table["label"]


@given(
    footage(),
    st.integers(1, 3),
    st.integers(-1, 3),
    st.sampled_from(list(SCOPE)),
    st.booleans(),
)
def test_every_frame_is_accounted_for_and_no_two_kept_are_near(
    drawn: tuple[pl.DataFrame, pl.Series], stride: int, distance: int, scope: str, same: bool
) -> None:
    frames, labels = drawn
    rule: dict[str, Any] = {
        "stride": stride, "distance": distance, "scope": scope, "same_labels": same
    }  # fmt: skip
    decisions = decide(frames, labels, **rule)
    assert decisions["id"].to_list() == sorted(frames["id"])
    assert (decisions["keep"] == decisions["reason"].is_null()).all()
    counts = dict(count_reasons(decisions))
    assert counts["frames in"] == len(frames)
    assert sum(counts.values()) == 2 * len(frames)
    assert set(counts) <= {"frames in", "kept", *REASONS}

    known = frames.with_columns(labels.alias("label")).select("id", "hash", "label")
    kept = decisions.filter("keep").join(known, on="id")
    for one, other in combinations(kept.rows(named=True), 2):
        together = all(one[key] == other[key] for key in SCOPE[scope])
        if together and (not same or one["label"] == other["label"]):
            assert (one["hash"] ^ other["hash"]).bit_count() > distance

    by_id = {row["id"]: row for row in decisions.join(known, on="id").rows(named=True)}
    first_reason = dict(zip(frames["id"], frames["reason"], strict=True))
    for row in by_id.values():
        expected = "stride" if row["index"] % stride else None
        expected = first_reason[row["id"]] or ("unlabelled" if row["label"] is None else expected)
        assert (row["reason"] if row["reason"] != "near_duplicate" else None) == expected
        assert (row["reason"] == "near_duplicate") == (row["duplicate_of"] is not None)
        if row["duplicate_of"] is not None:
            first = by_id[row["duplicate_of"]]
            assert first["keep"]
            assert first["id"] < row["id"]
            assert not same or first["label"] == row["label"]
            assert row["distance"] == (first["hash"] ^ row["hash"]).bit_count() <= distance

    again = decide(frames.reverse(), labels.reverse(), **rule)
    assert again.equals(decisions)


def test_reasons_are_asked_in_order(frames_table: Table) -> None:
    frames = frames_table({"a": [0] * 6}).with_columns(
        pl.Series("reason", ["unreadable", None, None, None, None, "no_face"])
    )
    labels = pl.Series([None, None, "1", "1", "1", "1"], dtype=pl.String)
    decisions = decide(frames, labels, stride=2, distance=0)
    assert decisions["reason"].to_list() == [
        "unreadable", "unlabelled", None, "stride", "near_duplicate", "no_face"
    ]  # fmt: skip
    assert decisions["duplicate_of"].to_list()[4] == "a/000002"
    assert count_reasons(decisions) == [
        ("frames in", 6),
        ("unreadable", 1),
        ("no_face", 1),
        ("unlabelled", 1),
        ("stride", 1),
        ("near_duplicate", 1),
        ("kept", 1),
    ]


@pytest.mark.parametrize(
    ("same", "reason"), [(True, None), (False, "near_duplicate")], ids=["same labels", "any labels"]
)
def test_the_same_picture_with_other_labels(frames_table: Table, same: bool, reason: Any) -> None:
    frames, labels = frames_table({"a": [5, 5]}), pl.Series(["10", "11"])
    decisions = decide(frames, labels, stride=1, distance=4, same_labels=same)
    assert decisions["reason"].to_list() == [None, reason]


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        ("clip", ["s-1/000000", "s-2/000000", "t-1/000000"]),
        ("subject", ["s-1/000000", "t-1/000000"]),
        ("all", ["s-1/000000"]),
    ],
)
def test_scope_says_where_duplicates_are_looked_for(
    frames_table: Table, scope: str, kept: list[str]
) -> None:
    frames = frames_table({"t-1": [5, 5], "s-2": [5, 5], "s-1": [5, 5]})
    decisions = decide(frames, pl.Series([""] * 6), stride=1, distance=0, scope=scope)
    assert decisions.filter("keep")["id"].to_list() == kept


@pytest.mark.parametrize(("distance", "kept"), [(-1, 3), (0, 2), (1, 1)])
def test_distance_minus_one_looks_for_none(frames_table: Table, distance: int, kept: int) -> None:
    frames = frames_table({"a": [0, 0, 1]})
    decisions = decide(frames, pl.Series([""] * 3), stride=1, distance=distance)
    assert decisions["keep"].sum() == kept


def test_columns_are_those_of_the_table(frames_table: Table) -> None:
    decisions = decide(frames_table({"a": [0]}), pl.Series([""]), stride=1, distance=4)
    assert {name: decisions.schema[name] for name in DEDUP} == DEDUP


def test_label_sets_tell_absent_unknown_and_unlabelled_apart(
    frames_table: Table, labels_of: Table
) -> None:
    frames = frames_table({"a": [0] * 4})
    labels = labels_of(frames, AU2=[1, 0, None, None], AU10=[0, None, 1, None])
    assert label_sets(frames, labels.reverse()).to_list() == ["10", "0?", "?1", None]
    assert label_sets(frames, labels.clear()).to_list() == [None] * 4
    assert label_sets(frames, labels.select(list(KEY))).to_list() == [None] * 4
    assert label_sets(frames, None).to_list() == [""] * 4
