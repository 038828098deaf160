"""Stage `labels`: label files to one table, a row a labelled frame, unknown kept unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from curate.base.errors import UserError
from curate.base.files import atomic_write
from curate.base.stage_params import LabelsParameters
from curate.base.text import plural
from curate.sources import read_labels
from curate.sources.label_table import Labels
from curate.tables import EMOTION, action_units, intensity


def check_labels(footage: Path, parameters: LabelsParameters) -> Labels:
    """Read all of the footage's labels, past damaged files, which the result's `damage` names.

    Raises:
        UserError: no such footage, or nothing there that the source knows.
    """
    return read_labels(footage, parameters, check=True)


def collect_labels(footage: Path, parameters: LabelsParameters) -> Labels:
    """Read the footage's labels and keep the action units that `parameters` asks for.

    Raises:
        UserError: damaged label files, or an action unit asked for that none of them has.
    """
    labels = read_labels(footage, parameters)
    wanted = parameters.action_units
    if wanted == "all":
        return labels
    there = action_units(labels.table)
    names = [f"AU{number}" for number in sorted(set(wanted))]
    missing = [name for name in names if name not in there]
    if missing:
        raise UserError(
            f"action_units: {missing[0]} is not labelled in {footage}; there are: "
            + (", ".join(there) or "none")
        )
    drop = [name for name in there if name not in names]
    labels.table = labels.table.drop(drop + [intensity(name) for name in drop])
    return labels


def write_labels(labels: Labels, path: Path) -> None:
    """Write the labels table as Parquet."""
    with atomic_write(path) as partial:
        labels.table.write_parquet(partial)


def count_labels(table: pl.DataFrame) -> list[tuple[str, int, int, int]]:
    """Count each action unit's present, absent and unknown labels."""
    return [
        (
            name,
            int((table[name] == 1).sum()),
            int((table[name] == 0).sum()),
            table[name].null_count(),
        )
        for name in action_units(table)
    ]


def count_emotions(table: pl.DataFrame) -> dict[str, int]:
    """Count the frames of each emotion that the source names, by name; empty where it does not."""
    if EMOTION not in table.columns:
        return {}
    counts = table[EMOTION].drop_nulls().value_counts(name="frames").sort(EMOTION)
    return dict(counts.rows())


def all_damage(labels: Labels) -> list[str]:
    """Write out what is damaged, a sentence a file or row."""
    return [sentence for error in labels.damage for sentence in error.sentences]


def size(labels: Labels) -> str:
    """Return how many frames are labelled, and how many with an emotion."""
    emotions = sum(count_emotions(labels.table).values())
    return f"{len(labels.table):,} labelled frames" + (
        f", {emotions:,} with an emotion" if emotions else ""
    )


def verdict(labels: Labels) -> str:
    """Return whether anything is damaged, and how much is labelled in the files that are not."""
    files = len(labels.damage)
    if not files:
        return f"nothing wrong, {size(labels)}"
    return f"{plural(files, 'damaged file')}, {size(labels)} in the others"


def describe(labels: Labels) -> dict[str, Any]:
    """Make the labels' counts, notes and damage for machines."""
    return {
        "frames": len(labels.table),
        "notes": labels.notes,
        "damage": all_damage(labels),
        "labels": {
            name: {"present": present, "absent": absent, "unknown": unknown}
            for name, present, absent, unknown in count_labels(labels.table)
        },
        "emotions": count_emotions(labels.table),
    }
