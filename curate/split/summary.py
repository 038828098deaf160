"""What stage `split` says: frames, subjects and rates of each split, and what to look at."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.base.console import Summary
from curate.base.stage_params import SplitParameters
from curate.base.text import plural
from curate.split.folds import lacking_subjects
from curate.tables import KEPT_SPLITS, action_units


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
        n: {split: int(part[n].sum() or 0) for split, part in parts.items()} for n in names
    }
    rows: list[tuple[object, ...]] = [
        ("frames", *(len(part) for part in parts.values()), None),
        ("subjects", *(part["subject"].n_unique() for part in parts.values()), None),
        ("near-duplicates of train", None, near["validation"], near["moments"], None),
    ]
    for name, counts in positives.items():
        rates = [part[name].mean() if len(part) else None for part in parts.values()]
        rows.append((f"{name} rate", *rates, counts["validation"]))
    data: dict[str, object] = {
        str(row[0]): dict(zip(KEPT_SPLITS, row[1:-1], strict=True)) for row in rows
    }
    data |= {f"{name} positives": counts for name, counts in positives.items()}
    data["validation subjects"] = parts["validation"]["subject"].unique().sort().to_list()
    least = parameters.validation_positives
    short = {n: c["validation"] for n, c in positives.items() if c["validation"] < least}
    data["validation positives"] = {"wanted": least, "short": short}
    without = _without_block(table) if parameters.moments_fraction else []
    data["clips without moments"] = len(without)
    notes = [*_notes(parts, near), *_published_notes(table, parameters.folds)]
    notes += _moments_notes(without, parameters)
    if not kept.is_empty():
        notes += _positives_notes(positives, parts, parameters)
    data["notes"] = notes
    fold = f", fold {parameters.fold} of {parameters.folds} validates" if parameters.folds else ""
    columns = ["", *KEPT_SPLITS, "validation positives"]
    return Summary(f"{output}: kept frames{fold}", columns, rows, data, notes)


def _without_block(table: pl.DataFrame) -> list[str]:
    """List the clips with frames in training none of whose time is held out, by name."""
    clips = table.filter(pl.col("split") != "validation").group_by("clip")
    found = clips.agg(pl.col("keep").any(), (pl.col("split") == "moments").any().alias("held"))
    return found.filter(pl.col("keep") & ~pl.col("held"))["clip"].sort().to_list()


def _notes(parts: dict[str, pl.DataFrame], near: dict[str, int]) -> list[str]:
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


def _published_notes(table: pl.DataFrame, folds: int | str) -> list[str]:
    lacking = lacking_subjects(table, folds) if isinstance(folds, str) else []
    if not lacking:
        return []
    of = f"of the published folds' subjects, the footage lacks {len(lacking)}"
    return [f"{of}: {', '.join(lacking)}; figures are not those of the whole data set"]


def _moments_notes(without: list[str], parameters: SplitParameters) -> list[str]:
    if not without:
        return []
    clips = plural(len(without), "clip is", "clips are")
    more = ", ..." if len(without) > 1 else ""
    return [
        f"{clips} too short to hold out {parameters.moments_fraction:.0%} with a margin of "
        f"{parameters.margin} frames on either side, and all in training ({without[0]}{more})"
    ]


def _positives_notes(
    positives: dict[str, dict[str, int]],
    parts: dict[str, pl.DataFrame],
    parameters: SplitParameters,
) -> list[str]:
    """List which action units validation can hardly judge, and which a split cannot at all."""
    least = parameters.validation_positives
    thin = [
        f"{name} ({counts['validation']})"
        for name, counts in positives.items()
        if 0 < counts["validation"] < least
    ]
    notes = []
    if thin:
        notes.append(
            f"fewer than {least} positives in validation: {', '.join(thin)}; their precision and "
            "recall say little, so let more people validate"
        )
    for split, part in parts.items():
        lacking = [name for name, counts in positives.items() if not counts[split]]
        if len(part) and lacking:
            what = "learnt" if split == "train" else "judged there"
            notes.append(f"no positive in {split}: {', '.join(lacking)}; cannot be {what}")
    return notes
