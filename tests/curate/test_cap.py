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

from curate.base.params import Parameters
from curate.cap.rule import Cap, apply, choose_frames, resolve, spread
from curate.cap.stage import run
from curate.cap.summary import format_cap
from curate.tables import CAP, KEY, SPLIT, frame_id, write_table

Table = Callable[..., pl.DataFrame]


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(0, 40), st.integers(1, 4))), st.integers(1, 12))
def test_no_action_unit_is_over_the_cap_and_no_frame_could_be_added(
    present: np.ndarray, cap: int
) -> None:
    subjects = np.array([f"s{row // 10}" for row in range(len(present))])
    chosen, _ = choose_frames(present, subjects, cap)
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
    chosen, _ = choose_frames(present, np.zeros(len(present)), cap)
    assert present[chosen].sum() == best


def test_frames_without_action_unit_are_a_class_of_their_own() -> None:
    present = np.zeros((30, 2), bool)
    present[:3, 0] = True
    chosen, _ = choose_frames(present, np.zeros(30), 4)
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
@given(st.one_of(st.integers(0, 6), st.just("auto")), st.integers(0, 2**20))
def test_every_frame_is_accounted_for_in_any_order(cap: Cap, seed: int) -> None:
    split = split_table(
        {"train": {"a": 9, "b": 9}, "margin": {"a": 2}, "moments": {"a": 3}, "validation": {"c": 9}}
    )
    cells = np.random.default_rng(seed).integers(-1, 2, (len(split), 2))
    columns = [
        pl.Series(name, [None if c < 0 else int(c) for c in cells[:, n]], pl.Int8)
        for n, name in enumerate(("AU1", "AU2"))
    ]
    labels = split.select(list(KEY)).with_columns(columns)
    table = apply(split, labels, cap).table
    assert table["id"].to_list() == sorted(split["id"])
    assert (table["keep"] == table["reason"].is_null()).all()
    over = table.filter(pl.col("reason") == "over_cap")
    assert set(over["split"]) <= {"train"}
    rest = table.filter(pl.col("reason").is_null() | (pl.col("reason") != "over_cap"))
    assert rest.select(list(SPLIT)).equals(split.join(over, on="id", how="anti").sort("id"))
    assert set(table.filter("balanced")["split"]) <= {"validation"}
    kept = table.filter(pl.col("keep") & (pl.col("split") == "train")).join(labels, on="id")
    most = resolve(cap, split, labels)
    if most:
        assert all((kept[name] == 1).sum() <= most for name in ("AU1", "AU2"))

    again = apply(split.sample(fraction=1, shuffle=True, seed=seed), labels.reverse(), cap).table
    assert again.equals(table)


def test_cap_zero_keeps_all_and_balances_all() -> None:
    split = split_table({"train": {"a": 30}, "validation": {"b": 10}})
    labels = split.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    table = apply(split, labels, 0).table
    assert table["keep"].all()
    assert table["balanced"].to_list() == [False] * 30 + [True] * 10


def test_validation_is_balanced_at_the_cap_of_its_size_and_stays_whole() -> None:
    split = split_table({"train": {"a": 40}, "validation": {"b": 10}})
    labels = split.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    table = apply(split, labels, 8).table
    assert table.filter(pl.col("split") == "train")["keep"].sum() == 8
    assert table.filter(pl.col("split") == "validation")["keep"].all()
    assert table["balanced"].sum() == 2


@pytest.mark.parametrize("split", [split_table({}), split_table({"margin": {"a": 3}})])
def test_nothing_kept_stays_nothing(split: pl.DataFrame) -> None:
    labels = split.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    table = apply(split, labels, 3).table
    assert table["reason"].to_list() == split["reason"].to_list()
    assert not table["balanced"].any()


def test_a_table_without_action_units(tmp_path: Path) -> None:
    split = split_table({"margin": {"a": 3}})
    write_table(split, tmp_path / "split.parquet", SPLIT)
    split.select(list(KEY)).write_parquet(tmp_path / "labels.parquet")
    before, labels, after = (tmp_path / f"{name}.parquet" for name in ("split", "labels", "cap"))
    assert run(before, labels, after, Parameters()).data["frames"]["train after"] == 0


def test_stage_counts_positives_before_and_after(tmp_path: Path) -> None:
    split = split_table({"train": {"a": 10, "b": 2}, "validation": {"c": 6}})
    on = pl.Series("AU1", [1] * 10 + [None, 0] + [1, 1, 0, 0, 0, 0], pl.Int8)
    two = pl.Series("AU2", [0] * 10 + [0, 1] + [0, 1, 0, 0, 0, 0], pl.Int8)
    write_table(split, tmp_path / "split.parquet", SPLIT)
    split.select(list(KEY)).with_columns(on, two).write_parquet(tmp_path / "labels.parquet")
    before, labels, after = (tmp_path / f"{name}.parquet" for name in ("split", "labels", "cap"))
    data = run(before, labels, after, Parameters(cap=4)).data
    assert dict(pl.read_parquet_schema(after)) == CAP
    assert data["AU1"] == {"train before": 10, "train after": 4, "validation": 2, "balanced": 2}
    assert data["AU2"] == {"train before": 1, "train after": 1, "validation": 1, "balanced": 1}
    assert data["no action unit"]["train before"] == 1
    assert data["frames"] == {
        "train before": 12, "train after": 6, "validation": 6, "balanced": 4
    }  # fmt: skip
    assert data["most / least"]["train before"] == 10.0
    assert data["subjects"]["train after"] == 2
    assert data["least frames a subject"]["train before"] == 2
    assert data["most frames a subject"] == {
        "train before": 10, "train after": 4, "validation": 6, "balanced": 4
    }  # fmt: skip
    assert data["cap"]["train"] == 4
    assert data["cap"]["balanced"] == 2


def test_table_shows_before_cap_and_after_side_by_side(tmp_path: Path) -> None:
    paths = lay(tmp_path, {"AU1": 9, "AU2": 3})
    result = run(*paths, Parameters(cap=4))
    columns = ["positives", "train before", "cap", "train after", "validation", "balanced"]
    assert result.columns == columns
    rows = {row[0]: row[1:] for row in result.rows}
    assert rows["AU1"][:3] == (9, 4, 4)
    assert rows["AU2"][:3] == (3, 4, 3)
    assert rows["no action unit"][:3] == (0, 4, 0)
    assert rows["frames"][:3] == (12, None, 7)
    assert rows["most / least"][:3] == (3.0, None, 1.333)
    uncapped = run(*paths, Parameters(cap=0))
    assert {row[0]: row[2] for row in uncapped.rows}["AU1"] is None


def lay(folder: Path, positives: dict[str, int]) -> tuple[Path, Path, Path]:
    """Write a split whose training frames have one action unit each, and its labels."""
    split = split_table({"train": {"a": max(1, sum(positives.values()))}})
    starts = np.cumsum([0, *positives.values()])
    columns = [
        pl.col("index").is_between(int(start), int(start) + count - 1).cast(pl.Int8).alias(name)
        for (name, count), start in zip(positives.items(), starts, strict=False)
    ]
    write_table(split, folder / "split.parquet", SPLIT)
    split.select(list(KEY)).with_columns(columns).write_parquet(folder / "labels.parquet")
    return (folder / "split.parquet", folder / "labels.parquet", folder / "cap.parquet")


@pytest.mark.parametrize(
    ("positives", "cap"),
    [
        ({"AU1": 1, "AU2": 7, "AU4": 20}, 7),
        ({"AU1": 2, "AU2": 7, "AU4": 8, "AU6": 30}, 7),
        ({"AU1": 0, "AU2": 0, "AU4": 6, "AU6": 9}, 7),
        ({"AU1": 1}, 1),
        ({"AU1": 0}, 0),
        ({}, 0),
    ],
)
def test_auto_is_the_median_action_unit_that_occurs(
    tmp_path: Path, positives: dict[str, int], cap: int
) -> None:
    paths = lay(tmp_path, positives)
    result = run(*paths, Parameters(cap="auto"))
    assert result.data["cap"]["train"] == cap
    assert result.data["cap"]["asked"] == "auto"
    counted = [result.data[name]["train after"] for name in positives]
    assert counted == [min(count, cap) for count in positives.values()]
    said = ["cap: auto: no action unit occurs in training; nothing is capped"]
    assert result.notes == ([] if cap else said)


def test_auto_is_the_same_number_read_from_what_was_capped(tmp_path: Path) -> None:
    before, labels, after = lay(tmp_path, {"AU1": 3, "AU2": 7, "AU4": 20})
    run(before, labels, after, Parameters(cap="auto"))
    tables = (pl.read_parquet(before), pl.read_parquet(after))
    assert [resolve("auto", table, pl.read_parquet(labels)) for table in tables] == [7, 7]


def test_auto_counts_training_frames_that_are_kept() -> None:
    split = split_table({"train": {"a": 8}, "validation": {"b": 9}, "margin": {"a": 9}})
    dropped = pl.col("id") == "a-train/000000"
    split = split.with_columns(
        (pl.col("keep") & ~dropped).alias("keep"),
        pl.when(dropped).then(pl.lit("stride")).otherwise(pl.col("reason")).alias("reason"),
    )
    labels = split.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    assert resolve("auto", split, labels) == 7


@pytest.mark.parametrize(
    ("asked", "cap", "said"),
    [
        (206, 206, "206"),
        (0, 0, "off"),
        ("auto", 206, "206 (auto: the median action unit's positives)"),
        ("auto", 0, "off (auto: the median action unit's positives)"),
    ],
)
def test_the_cap_in_words(asked: Cap, cap: int, said: str) -> None:
    assert format_cap(asked, cap) == said


def test_a_search_that_was_ended_early_is_said() -> None:
    split = split_table({"train": {"a": 40, "b": 40}, "validation": {"c": 40}})
    cells = np.random.default_rng(0).random((len(split), 9)) < 0.3
    columns = [pl.Series(f"AU{n + 1}", cells[:, n].astype(np.int8)) for n in range(9)]
    labels = split.select(list(KEY)).with_columns(columns)
    early = apply(split, labels, 3, work=0)
    whole = apply(split, labels, 3)
    assert whole.short == {"train": 0, "balanced": 0}
    kept = [
        labels.join(c.table.filter(pl.col("keep") & (pl.col("split") == "train")), on="id")
        .select(pl.col("^AU.*$").sum())
        .sum_horizontal()[0]
        for c in (early, whole)
    ]
    assert kept[0] <= kept[1] <= kept[0] + early.short["train"]
    assert early.short["train"] > 0
