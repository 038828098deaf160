"""What an audit asks of splits: frames too much alike, people on both sides, how many count."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from curate.search.neighbors import count_within, keep_first, nearest_within


@dataclass(frozen=True)
class Across:
    """Near-duplicates between two splits.

    `pairs` counts them all, `same` those of equal labels (all, where labels do not matter).
    `frames` counts the frames of `other` that are in such a pair, and `nearest` shows some: id, of
    (the nearest frame of `one`, the earliest of several), distance in bits. Where no pair has
    equal labels, these two are of all pairs.
    """

    one: str
    other: str
    pairs: int
    same: int
    frames: int
    nearest: pl.DataFrame


def near_across(splits: dict[str, pl.DataFrame], distance: int, show: int) -> list[Across]:
    """Find near-duplicates, within `distance` bits, between every two splits, in their order.

    A split has id, clip, hash (UInt64, no nulls) and, where labels matter, label_set; it is in
    order of clip and index. At most `show` of the nearest are shown for each two splits, the clips
    taking turns.
    """
    found = []
    for one, other in _every_two(splits):
        left, right = splits[one], splits[other].with_row_index("row")
        alike = _of_equal_labels(left, right)
        same = _count(alike, distance)
        near = _nearest(alike if same else [(left, right)], distance)
        shown = near.head(show).select("id", "of", "distance")
        found.append(Across(one, other, _count([(left, right)], distance), same, len(near), shown))
    return found


Two = tuple[pl.DataFrame, pl.DataFrame]


def _of_equal_labels(one: pl.DataFrame, other: pl.DataFrame) -> list[Two]:
    """Cut two splits into parts of equal labels, by labels."""
    if "label_set" not in one.columns:
        return [(one, other)]
    left, right = (t.partition_by("label_set", as_dict=True) for t in (one, other))
    return [(left[labels], right[labels]) for labels in sorted(left.keys() & right.keys())]


def _count(parts: list[Two], distance: int) -> int:
    return sum(
        count_within(one["hash"].to_numpy(), other["hash"].to_numpy(), distance)
        for one, other in parts
    )


def _nearest(parts: list[Two], distance: int) -> pl.DataFrame:
    """List the second frames that have a near-duplicate among the first, nearest first."""
    found = []
    for one, other in parts:
        rows, bits = nearest_within(other["hash"].to_numpy(), one["hash"].to_numpy(), distance)
        of = one["id"].gather(pl.Series(rows).replace(-1, None)).alias("of")
        near = other.select("row", "id", "clip", of, pl.Series("distance", bits))
        found.append(near.drop_nulls("of"))
    turn = pl.int_range(pl.len()).over("clip", "distance").alias("turn")
    return pl.concat(found).sort("row").with_columns(turn).sort("distance", "turn", "row")


def shared_subjects(splits: dict[str, pl.DataFrame]) -> list[tuple[str, str, list[str]]]:
    """Name the subjects that every two splits have in common, sorted."""
    people = {name: set(split["subject"]) for name, split in splits.items()}
    return [(one, other, sorted(people[one] & people[other])) for one, other in _every_two(splits)]


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


def _every_two(splits: dict[str, pl.DataFrame]) -> list[tuple[str, str]]:
    names = list(splits)
    return [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]
