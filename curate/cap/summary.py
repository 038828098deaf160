"""What stage `cap` says: positives before and after it, imbalance, and the spread over subjects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from curate.base.console import Summary
from curate.cap.rule import Cap, Capped
from curate.tables import action_units


def count_positives(
    output: Path, before: pl.DataFrame, capped: Capped, labels: pl.DataFrame, asked: Cap
) -> Summary:
    """Count frames, subjects and positives in training, before and after, and in validation.

    `before` has the columns of `curate.tables.SPLIT`; `asked` is the parameter. "most / least" is
    the imbalance ratio: positives of the most frequent action unit by those of the rarest that
    occurs.
    """
    names = action_units(labels)
    in_train = pl.col("keep") & (pl.col("split") == "train")
    in_validation = pl.col("keep") & (pl.col("split") == "validation")
    tables = {
        "train before": before.filter(in_train),
        "train after": capped.table.filter(in_train),
        "validation": capped.table.filter(in_validation),
        "balanced": capped.table.filter(in_validation & pl.col("balanced")),
    }
    wanted = labels.select("id", *names)
    counts = {
        column: _counts(table.select("id", "subject").join(wanted, on="id", how="left"), names)
        for column, table in tables.items()
    }
    data: dict[str, Any] = {
        row: {column: of[row] for column, of in counts.items()} for row in counts["train before"]
    }
    first, *others = counts
    has_cap = {*names, "no action unit"}
    rows = [
        (
            row,
            values[first],
            (capped.cap or None) if row in has_cap else None,
            *(values[column] for column in others),
        )
        for row, values in data.items()
    ]
    notes = _notes(capped, asked)
    data["cap"] = {
        "asked": asked,
        "train": capped.cap,
        "balanced": capped.validation_cap,
        "positives short of the optimum at most": capped.short,
    }
    data["notes"] = notes
    title = f"{output}: positives, cap {format_cap(asked, capped.cap)}"
    return Summary(title, ["positives", first, "cap", *others], rows, data, notes)


def format_cap(asked: Cap, cap: int) -> str:
    """Write the cap that held for what was asked: a number, "off", or how auto came to it."""
    auto = " (auto: the median action unit's positives)" if asked == "auto" else ""
    return f"{cap or 'off'}{auto}"


def _notes(capped: Capped, asked: Cap) -> list[str]:
    notes = [
        f"{split}: the search for the most positives was ended early; the optimum has at most "
        f"{short:,} more"
        for split, short in capped.short.items()
        if short
    ]
    if asked == "auto" and not capped.cap:
        notes.append("cap: auto: no action unit occurs in training; nothing is capped")
    return notes


def _counts(table: pl.DataFrame, names: list[str]) -> dict[str, int | float | None]:
    """Count one split: what stands in its column of the table, by row."""
    positives = {name: int((table[name] == 1).sum()) for name in names}
    frames = table.group_by("subject").len()["len"].to_list()
    without = pl.all_horizontal(pl.lit(True), *(pl.col(n).fill_null(0) != 1 for n in names))
    occurring = [count for count in positives.values() if count]
    return {
        "frames": len(table),
        "subjects": len(frames),
        "least frames a subject": min(frames, default=None),
        "most frames a subject": max(frames, default=None),
        **positives,
        "no action unit": len(table.filter(without)),
        "most / least": round(max(occurring) / min(occurring), 3) if occurring else None,
    }
