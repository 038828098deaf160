"""What stage `cap` says: positives before and after it, imbalance, and the spread over subjects."""

from __future__ import annotations

import polars as pl

from curate.base.console import Summary
from curate.tables import action_units


def count_positives(
    before: pl.DataFrame, after: pl.DataFrame, labels: pl.DataFrame, cap: int
) -> Summary:
    """Count frames, subjects and positives in training, before and after, and in validation.

    `before` and `after` have the columns of `curate.tables.SPLIT` and `CAP`; `cap` 0 is none.
    "most / least" is the imbalance ratio: positives of the most frequent action unit by those of
    the rarest that occurs.
    """
    names = action_units(labels)
    in_split = pl.col("keep") & (pl.col("split") == "train")
    validation = pl.col("keep") & (pl.col("split") == "validation")
    tables = {
        "train before": before.filter(in_split),
        "train after": after.filter(in_split),
        "validation": after.filter(validation),
        "balanced": after.filter(validation & pl.col("balanced")),
    }
    joined = {
        key: table.select("id", "subject").join(labels.select("id", *names), on="id", how="left")
        for key, table in tables.items()
    }
    counts = {key: _counts(table, names) for key, table in joined.items()}
    data = {row: {key: of[row] for key, of in counts.items()} for row in counts["train before"]}
    capped = {*names, "no action unit"}
    rows = [
        (row, values["train before"], (cap or None) if row in capped else None, *rest)
        for row, values in data.items()
        for rest in [[values[key] for key in list(counts)[1:]]]
    ]
    columns = ["positives", "train before", "cap", *list(counts)[1:]]
    return Summary(columns, rows, data)


def _counts(table: pl.DataFrame, names: list[str]) -> dict[str, int | float | None]:
    """Count one split: what stands in its column of the table, by row."""
    positives = {name: int((table[name] == 1).sum()) for name in names}
    frames = table.group_by("subject").len()["len"].to_list()
    without = pl.all_horizontal(pl.lit(True), *(pl.col(n).fill_null(0) != 1 for n in names))
    there = [count for count in positives.values() if count]
    return {
        "frames": len(table),
        "subjects": len(frames),
        "least frames a subject": min(frames, default=None),
        "most frames a subject": max(frames, default=None),
        **positives,
        "no action unit": len(table.filter(without)),
        "most / least": round(max(there) / min(there), 3) if there else None,
    }
