"""Cap: no action unit over it, as many positives as can be, evenly over people and time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curate.cap import cap_stage, choose, decide, frames_per_label_set, spread
from curate.params import Parameters
from curate.table import CAP, KEY, SPLIT, frame_id, write_table

Table = Callable[..., pl.DataFrame]


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(0, 40), st.integers(1, 4))), st.integers(1, 12))
def test_no_action_unit_is_over_the_cap_and_no_frame_could_be_added(
    present: np.ndarray, cap: int
) -> None:
    subjects = np.array([f"s{row // 10}" for row in range(len(present))])
    chosen = choose(present, subjects, cap)
    positives = present[chosen].sum(axis=0)
    assert (positives <= cap).all()
    without = ~present.any(axis=1)
    assert (chosen & without).sum() == min(without.sum(), cap)
    for row in present[~chosen & ~without]:
        assert (positives + row > cap).any()


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 3))), st.integers(1, 3))
def test_positives_kept_are_the_optimum(present: np.ndarray, cap: int) -> None:
    subsets = np.array(list(product([False, True], repeat=len(present))))
    positives = subsets.astype(int) @ present
    best = positives[(positives <= cap).all(axis=1)].sum(axis=1).max()
    chosen = choose(present, np.zeros(len(present)), cap)
    assert present[chosen].sum() == best


def test_quota_of_each_label_set() -> None:
    # One frame with both units is worth two, yet ten with one each fill both caps as well.
    sets = np.array([[False, False], [False, True], [True, False], [True, True]])
    quota = frames_per_label_set(sets, np.array([50, 2, 8, 3]), 5)
    assert quota.tolist() == [5, 2, 2, 3]


def test_frames_without_action_unit_are_a_class_of_their_own() -> None:
    present = np.zeros((30, 2), bool)
    present[:3, 0] = True
    chosen = choose(present, np.zeros(30), 4)
    assert chosen[:3].all()
    assert chosen[3:].sum() == 4


@pytest.mark.parametrize(
    ("available", "quota", "shares"),
    [
        ({"a": 9, "b": 9, "c": 9}, 6, [2, 2, 2]),
        ({"a": 9, "b": 9, "c": 9}, 7, [3, 2, 2]),
        ({"a": 1, "b": 9, "c": 9}, 7, [1, 3, 3]),
        ({"a": 1, "b": 2, "c": 9}, 9, [1, 2, 6]),
        ({"a": 1, "b": 2}, 9, [1, 2]),
        ({"a": 5, "b": 5, "c": 5}, 2, [1, 1, 0]),
        ({"a": 5}, 0, [0]),
    ],
)
def test_subjects_give_equal_shares(
    available: dict[str, int], quota: int, shares: list[int]
) -> None:
    subjects = np.array([name for name, count in available.items() for _ in range(count)])
    rows = spread(subjects, quota)
    assert [int((subjects[rows] == name).sum()) for name in available] == shares
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(
    ("frames", "quota", "rows"), [(10, 2, [2, 7]), (9, 3, [1, 4, 7]), (4, 4, [0, 1, 2, 3])]
)
def test_frames_are_spread_over_time(frames: int, quota: int, rows: list[int]) -> None:
    assert spread(np.zeros(frames), quota).tolist() == rows


def split_table(frames: dict[str, dict[str, int]]) -> pl.DataFrame:
    """Make kept frames: so many of each subject in each split."""
    rows = [
        {
            "id": frame_id(f"{subject}-{split}", index),
            "subject": subject,
            "clip": f"{subject}-{split}",
            "index": index,
            "split": split,
            "keep": split != "margin",
            "reason": "margin" if split == "margin" else None,
        }
        for split, subjects in frames.items()
        for subject, count in subjects.items()
        for index in range(count)
    ]
    return pl.DataFrame(rows, schema=SPLIT)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 6), st.integers(0, 2**20))
def test_every_frame_is_accounted_for_in_any_order(cap: int, seed: int) -> None:
    split = split_table(
        {"train": {"a": 9, "b": 9}, "margin": {"a": 2}, "moments": {"a": 3}, "validation": {"c": 9}}
    )
    cells = np.random.default_rng(seed).integers(-1, 2, (len(split), 2))
    columns = [
        pl.Series(name, [None if c < 0 else int(c) for c in cells[:, n]], pl.Int8)
        for n, name in enumerate(("AU1", "AU2"))
    ]
    labels = split.select(list(KEY)).with_columns(columns)
    table = decide(split, labels, cap=cap)
    assert table["id"].to_list() == sorted(split["id"])
    assert (table["keep"] == table["reason"].is_null()).all()
    over = table.filter(pl.col("reason") == "over_cap")
    assert set(over["split"]) <= {"train"}
    rest = table.filter(pl.col("reason").is_null() | (pl.col("reason") != "over_cap"))
    assert rest.select(list(SPLIT)).equals(split.join(over, on="id", how="anti").sort("id"))
    assert set(table.filter("balanced")["split"]) <= {"validation"}
    kept = table.filter(pl.col("keep") & (pl.col("split") == "train")).join(labels, on="id")
    if cap:
        assert all((kept[name] == 1).sum() <= cap for name in ("AU1", "AU2"))

    again = decide(split.sample(fraction=1, shuffle=True, seed=seed), labels.reverse(), cap=cap)
    assert again.equals(table)


def test_cap_zero_keeps_all_and_balances_all() -> None:
    split = split_table({"train": {"a": 30}, "validation": {"b": 10}})
    labels = split.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    table = decide(split, labels, cap=0)
    assert table["keep"].all()
    assert table["balanced"].to_list() == [False] * 30 + [True] * 10


def test_validation_is_balanced_at_the_cap_of_its_size_and_stays_whole() -> None:
    split = split_table({"train": {"a": 40}, "validation": {"b": 10}})
    labels = split.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    table = decide(split, labels, cap=8)
    assert table.filter(pl.col("split") == "train")["keep"].sum() == 8
    assert table.filter(pl.col("split") == "validation")["keep"].all()
    assert table["balanced"].sum() == 2


@pytest.mark.parametrize("split", [split_table({}), split_table({"margin": {"a": 3}})])
def test_nothing_kept_stays_nothing(split: pl.DataFrame) -> None:
    labels = split.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    table = decide(split, labels, cap=3)
    assert table["reason"].to_list() == split["reason"].to_list()
    assert not table["balanced"].any()


def test_a_table_without_action_units(tmp_path: Path) -> None:
    split = split_table({"margin": {"a": 3}})
    write_table(split, tmp_path / "split.parquet", SPLIT)
    split.select(list(KEY)).write_parquet(tmp_path / "labels.parquet")
    before, labels, after = (tmp_path / f"{name}.parquet" for name in ("split", "labels", "cap"))
    assert cap_stage(before, labels, after, Parameters()).data["frames"]["train after"] == 0


def test_stage_counts_positives_before_and_after(tmp_path: Path) -> None:
    split = split_table({"train": {"a": 10, "b": 2}, "validation": {"c": 6}})
    on = pl.Series("AU1", [1] * 10 + [None, 0] + [1, 1, 0, 0, 0, 0], pl.Int8)
    two = pl.Series("AU2", [0] * 10 + [0, 1] + [0, 1, 0, 0, 0, 0], pl.Int8)
    write_table(split, tmp_path / "split.parquet", SPLIT)
    split.select(list(KEY)).with_columns(on, two).write_parquet(tmp_path / "labels.parquet")
    before, labels, after = (tmp_path / f"{name}.parquet" for name in ("split", "labels", "cap"))
    data = cap_stage(before, labels, after, Parameters(cap=4)).data
    assert dict(pl.read_parquet_schema(after)) == CAP
    assert data["AU1"] == {"train before": 10, "train after": 4, "validation": 2, "balanced": 2}
    assert data["AU2"] == {"train before": 1, "train after": 1, "validation": 1, "balanced": 1}
    assert data["no action unit"]["train before"] == 1
    assert data["frames"] == {
        "train before": 12, "train after": 6, "validation": 6, "balanced": 4
    }  # fmt: skip
    assert data["most / least"]["train before"] == "10.0"
