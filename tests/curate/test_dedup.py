"""Dedup: every frame is kept or has its reason, and the reason is the right one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.dedup.rule import count_reasons, decide, label_sets, peaks
from curate.dedup.stage import decide_on_tables, run
from curate.tables import DEDUP, FRAMES, KEY, REASONS, frame_id

SCOPE = {"clip": ["clip"], "subject": ["subject"], "all": []}
Table = Callable[..., pl.DataFrame]


@st.composite
def footage(draw: st.DrawFn) -> pl.DataFrame:
    """Draw frames of a few clips and subjects, some unusable or unlabelled, shuffled."""
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        for index in range(draw(st.integers(1, 8))):
            reason = draw(st.sampled_from([None, None, None, None, "unreadable", "no_face"]))
            rows.append(
                {
                    "id": frame_id(f"s{number % 2}-{number}", index),
                    "subject": f"s{number % 2}",
                    "clip": f"s{number % 2}-{number}",
                    "index": index,
                    "hash": None if reason else draw(st.integers(0, 31)),
                    "sharpness": draw(st.sampled_from([None, float("nan"), 0.5, 1.0, 2.0])),
                    "reason": reason,
                    "label": draw(st.sampled_from(["00", "10", "1?", None])),
                    "peak": draw(st.sampled_from([None, 0.0, 2.0, 5.0])),
                }
            )
    columns = {"label": pl.String, "peak": pl.Float64}
    schema = KEY | {name: FRAMES[name] for name in ("hash", "sharpness", "reason")} | columns
    return pl.DataFrame(draw(st.permutations(rows)), schema=schema)


def preferred(row: dict[str, Any], keep: str) -> tuple[Any, ...]:
    """Return where a frame comes in the order of `keep`, in plain Python."""
    value = {"first": None, "sharpest": row["sharpness"], "peak": row["peak"]}[keep]
    unknown = value is None or value != value
    return (unknown, 0 if unknown else -value, row["clip"], row["index"])


def nearest(value: int, others: list[tuple[str, int]], distance: int) -> tuple[str, int] | None:
    """Return id and distance of the nearest within `distance`, the first of several."""
    bits = [((value ^ other).bit_count(), number) for number, (_, other) in enumerate(others)]
    best = min(bits, default=(65, -1))
    return (others[best[1]][0], best[0]) if best[0] <= distance else None


@settings(deadline=None)
@given(
    footage(),
    st.integers(1, 3),
    st.integers(-1, 3),
    st.sampled_from(list(SCOPE)),
    st.booleans(),
    st.sampled_from(["first", "sharpest", "peak"]),
    st.none() | st.lists(st.integers(0, 63), max_size=3),
)
def test_every_frame_is_accounted_for_by_the_greedy_rule(
    frames: pl.DataFrame,
    stride: int,
    distance: int,
    scope: str,
    same: bool,
    keep: str,
    others: list[int] | None,
) -> None:
    """Compare with the rule in plain Python, in every order of the rows."""
    against = [(f"old/{row}", value) for row, value in enumerate(others or [])]
    table = pl.DataFrame(against, {"id": pl.String, "hash": pl.UInt64}, orient="row")

    def decided(frames: pl.DataFrame) -> pl.DataFrame:
        return decide(
            frames.drop("label", "peak"),
            frames["label"],
            stride=stride,
            distance=distance,
            scope=scope,
            same_labels=same,
            keep=keep,
            peak=frames["peak"],
            against=None if others is None else table,
        ).select(list(DEDUP))

    decisions = decided(frames)
    assert decisions["id"].to_list() == sorted(frames["id"])
    assert (decisions["keep"] == decisions["reason"].is_null()).all()
    counts = dict(count_reasons(decisions))
    assert counts["frames in"] == len(frames)
    assert sum(counts.values()) == 2 * len(frames)
    assert set(counts) <= {"frames in", "kept", *REASONS}
    for order in (frames.reverse(), frames.sort("hash"), frames.sort("id")):
        assert decided(order).equals(decisions)

    kept: list[dict[str, Any]] = []
    expected: dict[str, tuple[Any, ...]] = {}
    for row in sorted(frames.rows(named=True), key=lambda row: preferred(row, keep)):
        reason = row["reason"] or ("unlabelled" if row["label"] is None else None)
        reason = reason or ("stride" if row["index"] % stride else None)
        of = None
        if reason is None:
            of = nearest(row["hash"], against, distance)
            reason = of and "repeats_against"
        if reason is None:
            keys = SCOPE[scope] + (["label"] if same else [])
            near = [k for k in kept if all(k[key] == row[key] for key in keys)]
            of = nearest(row["hash"], [(k["id"], k["hash"]) for k in near], distance)
            reason = of and "near_duplicate"
        if reason is None:
            kept.append(row)
        expected[row["id"]] = (reason, *(of or (None, None)))
    found = decisions.select("id", "reason", "duplicate_of", "distance").rows()
    assert {name: tuple(rest) for name, *rest in found} == expected

    for one, other in combinations(kept, 2):
        together = all(one[key] == other[key] for key in SCOPE[scope])
        if together and (not same or one["label"] == other["label"]):
            assert (one["hash"] ^ other["hash"]).bit_count() > distance


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


KEEPS = [("first", "a/000000"), ("sharpest", "a/000001"), ("peak", "a/000002")]


@pytest.mark.parametrize(("keep", "kept"), KEEPS)
def test_keep_says_which_of_a_group_is_kept(frames_table: Table, keep: str, kept: str) -> None:
    frames = frames_table({"a": [0, 1, 2, 3]}).with_columns(
        pl.Series("sharpness", [None, 9.0, 3.0, 9.0], pl.Float32)
    )
    peak = pl.Series([1.0, None, 4.0, 4.0])
    decisions = decide(frames, pl.Series([""] * 4), stride=1, distance=2, keep=keep, peak=peak)
    assert decisions.filter("keep")["id"].to_list() == [kept]
    assert decisions.filter(~pl.col("keep"))["duplicate_of"].to_list() == [kept] * 3


def test_a_preferred_frame_is_kept_though_its_neighbours_were(frames_table: Table) -> None:
    """Of a chain whose middle is sharpest the middle stays alone; keep-first keeps both ends."""
    frames = frames_table({"a": [0b000, 0b001, 0b011]}).with_columns(
        pl.Series("sharpness", [1.0, 2.0, 1.0], pl.Float32)
    )
    kept = {
        keep: decide(frames, pl.Series([""] * 3), stride=1, distance=1, keep=keep)["keep"].to_list()
        for keep in ("first", "sharpest")
    }
    assert kept == {"first": [True, False, True], "sharpest": [False, True, False]}


@pytest.mark.parametrize("keep", ["first", "sharpest", "peak"])
def test_labels_unlike_never_stand_for_one_another(frames_table: Table, keep: str) -> None:
    frames = frames_table({"a": [5, 5]}).with_columns(pl.lit(1.0).alias("sharpness"))
    rule: dict[str, Any] = {"stride": 1, "distance": 4, "keep": keep, "peak": pl.Series([1.0, 2.0])}
    labels = pl.Series(["10", "11"])
    assert decide(frames, labels, **rule)["keep"].to_list() == [True, True]
    assert decide(frames, labels, same_labels=False, **rule)["keep"].sum() == 1


def against_of(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, {"id": pl.String, "hash": pl.UInt64}, orient="row")


def test_a_frame_that_repeats_another_set_names_the_nearest_and_first(frames_table: Table) -> None:
    frames = frames_table({"a": [0b0111, 0b1111_0000, 0, 0]}, None)
    against = against_of(("old/1", 0b0001), ("old/2", 0b0011), ("old/3", 0b0110))
    decisions = decide(
        frames, pl.Series(["1", "1", "1", None]), stride=1, distance=2, against=against
    )
    assert decisions.select("reason", "duplicate_of", "distance").rows() == [
        ("repeats_against", "old/2", 1),
        (None, None, None),
        ("repeats_against", "old/1", 1),
        ("unlabelled", None, None),
    ]


def test_what_repeats_another_set_drops_no_frame_of_this_one(frames_table: Table) -> None:
    """Only kept frames make near-duplicates: frame 1 is near frame 0, which is not kept."""
    frames = frames_table({"a": [0b000, 0b001]})
    labels = pl.Series([""] * 2)
    decisions = decide(frames, labels, stride=1, distance=1, against=against_of(("old", 0b110)))
    assert decisions["reason"].to_list() == [None, "near_duplicate"]
    decisions = decide(frames, labels, stride=1, distance=1, against=against_of(("old", 1 << 9)))
    assert decisions["reason"].to_list() == ["repeats_against", None]


def test_peaks_are_the_highest_intensities(frames_table: Table, labels_of: Table) -> None:
    frames = frames_table({"a": [0] * 4})
    labels = labels_of(frames, AU1=[1, 1, 0, 1], AU2=[0, 0, 0, 0]).with_columns(
        pl.Series("AU1_intensity", [3, None, None, 5], pl.Int8),
        pl.Series("AU2_intensity", [4, 1, None, 0], pl.Int8),
    )
    assert peaks(frames, labels.reverse().head(3)).to_list() == [None, 1.0, None, 5.0]
    assert peaks(frames, labels.reverse()).to_list() == [4.0, 1.0, None, 5.0]


def test_keep_peak_needs_intensities(frames_table: Table, labels_of: Table) -> None:
    frames = frames_table({"a": [0]})
    none = pl.Series("AU1_intensity", [None], pl.Int8)
    for labels in (labels_of(frames, AU1=[1]), labels_of(frames, AU1=[1]).with_columns(none)):
        with pytest.raises(UserError, match="keep: peak needs intensities; the labels hold none"):
            peaks(frames, labels)
    with pytest.raises(UserError, match="no labels are given; choose first or sharpest"):
        peaks(frames, None)
    with pytest.raises(UserError, match="no labels are given; choose first or sharpest"):
        decide(frames, pl.Series([""]), stride=1, distance=0, keep="peak")


def test_the_stage_keeps_the_peak_and_writes_what_it_counts(
    frames_table: Table, labels_of: Table, tmp_path: Path
) -> None:
    frames = frames_table({"a": [0] * 3}).with_columns(
        pl.lit(None, FRAMES[name]).alias(name)
        for name in ("time", "jpeg", "sharpness", "brightness")
    )
    labels = labels_of(frames, AU1=[1, 1, 1]).with_columns(
        pl.Series("AU1_intensity", [2, 4, 3], pl.Int8)
    )
    frames.write_parquet(tmp_path / "frames.parquet")
    labels.write_parquet(tmp_path / "labels.parquet")
    paths = tmp_path / "frames.parquet", tmp_path / "labels.parquet"
    parameters = Parameters(stride=1, keep="peak")
    summary = run(*paths, tmp_path / "dedup.parquet", parameters)
    decisions = pl.read_parquet(tmp_path / "dedup.parquet")
    assert decisions.schema == DEDUP
    assert decisions["keep"].to_list() == [False, True, False]
    assert summary.data == {"frames in": 3, "near_duplicate": 2, "kept": 1}
    assert summary.rows[1:] == [("near_duplicate", 2, "66.7%"), ("kept", 1, "33.3%")]
    assert summary.notes == []
    repeated, _ = decide_on_tables(*paths, parameters, against_of(("b", 0)))
    assert repeated["duplicate_of"].to_list() == ["b"] * 3
