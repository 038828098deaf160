"""What an audit asks of splits: frames too much alike, people on both sides, how many count."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import polars as pl

from curate.search.neighbors import count_within, keep_first, nearest_within

Both = tuple[pl.DataFrame, pl.DataFrame]  # frames of two splits


@dataclass(frozen=True)
class Across:
    """Near-duplicates between two splits, by their names.

    `pairs` counts them all, `same` those of equal labels (all, where labels do not matter).
    `frames` counts the frames of `second` that are in such a pair, and `nearest` shows some: id, of
    (the nearest frame of `first`, the earliest of several), distance in bits. Where no pair has
    equal labels, these two are of all pairs.
    """

    first: str
    second: str
    pairs: int
    same: int
    frames: int
    nearest: pl.DataFrame


def compare_splits(splits: dict[str, pl.DataFrame], distance: int, show: int) -> list[Across]:
    """Find near-duplicates, within `distance` bits, between every two splits, in their order.

    A split has id, clip, hash (UInt64, no nulls) and, where labels matter, label_set; it is in
    order of clip and index. At most `show` of the nearest are shown for each two splits, the clips
    taking turns.
    """
    crossings = []
    for first, second in combinations(splits, 2):
        both = splits[first], splits[second].with_row_index("row")
        alike = _of_equal_labels(*both)
        pairs, same = _count([both], distance), _count(alike, distance)
        near = _nearest(alike if same else [both], distance)
        shown = near.head(show).select("id", "of", "distance")
        crossings.append(Across(first, second, pairs, same, len(near), shown))
    return crossings


def _of_equal_labels(first: pl.DataFrame, second: pl.DataFrame) -> list[Both]:
    """Cut two splits into parts of equal labels, by labels."""
    if "label_set" not in first.columns:
        return [(first, second)]
    left, right = (t.partition_by("label_set", as_dict=True) for t in (first, second))
    return [(left[labels], right[labels]) for labels in sorted(left.keys() & right.keys())]


def _count(parts: list[Both], distance: int) -> int:
    return sum(
        count_within(first["hash"].to_numpy(), second["hash"].to_numpy(), distance)
        for first, second in parts
    )


def _nearest(parts: list[Both], distance: int) -> pl.DataFrame:
    """List the second frames that have a near-duplicate among the first, nearest first."""
    tables = []
    for first, second in parts:
        rows, bits = nearest_within(second["hash"].to_numpy(), first["hash"].to_numpy(), distance)
        of = first["id"].gather(pl.Series(rows).replace(-1, None)).alias("of")
        near = second.select("row", "id", "clip", of, pl.Series("distance", bits))
        tables.append(near.drop_nulls("of"))
    turn = pl.int_range(pl.len()).over("clip", "distance").alias("turn")
    return pl.concat(tables).sort("row").with_columns(turn).sort("distance", "turn", "row")


def shared_subjects(splits: dict[str, pl.DataFrame]) -> list[tuple[str, str, list[str]]]:
    """Name the subjects that every two splits have in common, sorted."""
    people = {name: set(split["subject"]) for name, split in splits.items()}
    return [(a, b, sorted(people[a] & people[b])) for a, b in combinations(splits, 2)]


def effective_number(frames: pl.DataFrame, distance: int) -> int:
    """Count the frames that the greedy rule of dedup would keep, whatever clip they are from."""
    return int((keep_first(frames["hash"].to_numpy(), distance).distance < 0).sum())


def identical_frames(frames: pl.DataFrame, show: int) -> tuple[int, list[list[str]]]:
    """Count the frames whose hash an earlier frame has; return ids of the largest such groups.

    At most `show` groups, each with at most `show` ids.
    """
    groups = frames.group_by("hash", maintain_order=True).agg("id", pl.len().alias("frames"))
    groups = groups.filter(pl.col("frames") > 1).with_row_index("row")
    largest = groups.sort("frames", "row", descending=[True, False]).head(show)
    repeats = int(groups["frames"].sum()) - len(groups)
    return repeats, largest["id"].list.head(show).to_list()
