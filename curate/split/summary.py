"""What stage `split` says: frames, subjects and rates of each split, and what to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from curate.base.console import Summary
from curate.base.stage_params import SplitParameters
from curate.base.text import plural
from curate.split.folds import lacking_subjects
from curate.tables import KEPT_SPLITS, action_units

Counts = dict[str, dict[str, int]]  # positives by action unit and split
Parts = dict[str, pl.DataFrame]  # the kept frames of each split, with their labels


def count_splits(
    output: Path,
    table: pl.DataFrame,
    labels: pl.DataFrame,
    near: dict[str, int],
    parameters: SplitParameters,
) -> Summary:
    """Count frames, subjects, rates and near-duplicates of training in each split, with notes.

    `table` has the columns of `curate.tables.SPLIT`; `near` counts the near-duplicate pairs of
    training and each held-out split.
    """
    names = action_units(labels)
    kept = table.filter("keep").join(labels.select("id", *names), on="id", how="left")
    parts = {split: kept.filter(pl.col("split") == split) for split in KEPT_SPLITS}
    positives = {
        name: {split: int(part[name].sum() or 0) for split, part in parts.items()} for name in names
    }
    without = _without_block(table) if parameters.moments_fraction else []
    notes = [
        *_note_splits(parts, near),
        *_note_lacking_subjects(table, parameters.folds),
        *_note_short_clips(without, parameters),
        *_note_few_positives(positives, parameters.validation_positives),
        *_note_no_positives(positives, parts),
    ]
    fold = f", fold {parameters.fold} of {parameters.folds} validates" if parameters.folds else ""
    columns = ["", *KEPT_SPLITS, "validation positives"]
    rows = _rows(parts, positives, near)
    data: dict[str, Any] = {row[0]: dict(zip(KEPT_SPLITS, row[1:-1], strict=True)) for row in rows}
    data |= {f"{name} positives": counts for name, counts in positives.items()}
    data |= {
        "validation subjects": parts["validation"]["subject"].unique().sort().to_list(),
        "validation positives": _short(positives, parameters.validation_positives),
        "clips without moments": len(without),
        "notes": notes,
    }
    return Summary(f"{output}: kept frames{fold}", columns, rows, data, notes)


def _rows(parts: Parts, positives: Counts, near: dict[str, int]) -> list[tuple[Any, ...]]:
    """Lay the counts out: a name, a figure for each split, and positives in validation."""
    rows: list[tuple[Any, ...]] = [
        ("frames", *(len(part) for part in parts.values()), None),
        ("subjects", *(part["subject"].n_unique() for part in parts.values()), None),
        ("near-duplicates of train", None, near["validation"], near["moments"], None),
    ]
    for name, counts in positives.items():
        rates = [part[name].mean() if len(part) else None for part in parts.values()]
        rows.append((f"{name} rate", *rates, counts["validation"]))
    return rows


def _short(positives: Counts, least: int) -> dict[str, Any]:
    """List the action units with fewer positives in validation than wanted."""
    short = {name: counts["validation"] for name, counts in positives.items()}
    return {"wanted": least, "short": {name: n for name, n in short.items() if n < least}}


def _without_block(table: pl.DataFrame) -> list[str]:
    """List the clips with frames in training none of whose time is held out, by name."""
    held = (pl.col("split") == "moments").any()
    clips = table.filter(pl.col("split") != "validation").group_by("clip")
    without = clips.agg(pl.col("keep").any() & ~held).filter("keep")
    return without["clip"].sort().to_list()


def _note_splits(parts: Parts, near: dict[str, int]) -> list[str]:
    notes = [
        f"near-duplicates: {count:,} pairs of a training frame and one of {split}"
        for split, count in near.items()
        if count
    ]
    if not any(len(part) for part in parts.values()):
        notes.append("no frame was kept by dedup; there is nothing to split")
    elif parts["validation"].is_empty():
        notes.append("one subject only: nobody is left to validate on; validation stays empty")
    return notes


def _note_lacking_subjects(table: pl.DataFrame, folds: int | str) -> list[str]:
    lacking = lacking_subjects(table, folds) if isinstance(folds, str) else []
    if not lacking:
        return []
    of = f"of the published folds' subjects, the footage lacks {len(lacking)}"
    return [f"{of}: {', '.join(lacking)}; figures are not those of the complete data set"]


def _note_short_clips(without: list[str], parameters: SplitParameters) -> list[str]:
    if not without:
        return []
    clips = plural(len(without), "clip is", "clips are")
    more = ", ..." if len(without) > 1 else ""
    return [
        f"{clips} too short to hold out {parameters.moments_fraction:.0%} with a margin of "
        f"{parameters.margin} frames on either side, and all in training ({without[0]}{more})"
    ]


def _note_few_positives(positives: Counts, least: int) -> list[str]:
    """Name the action units that validation can hardly judge."""
    few = [
        f"{name} ({counts['validation']})"
        for name, counts in positives.items()
        if 0 < counts["validation"] < least
    ]
    if not few:
        return []
    return [
        f"fewer than {least} positives in validation: {', '.join(few)}; their precision and "
        "recall say little, so let more people validate"
    ]


def _note_no_positives(positives: Counts, parts: Parts) -> list[str]:
    """Name the action units that a split cannot teach or judge at all."""
    notes = []
    for split, part in parts.items():
        lacking = [name for name, counts in positives.items() if not counts[split]]
        if len(part) and lacking:
            what = "learnt" if split == "train" else "judged there"
            notes.append(f"no positive in {split}: {', '.join(lacking)}; cannot be {what}")
    return notes
