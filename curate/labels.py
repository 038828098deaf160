"""Stage `labels`: label files to one table, a row a labelled frame, unknown kept unknown."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.base.console import Summary
from curate.base.errors import BadParameterError
from curate.base.files import atomic_write
from curate.base.stage_params import LabelsParameters
from curate.base.text import plural
from curate.sources import read_labels
from curate.sources.label_table import Labels
from curate.tables import EMOTION, action_units, intensity


def run(footage: Path, output: Path, parameters: LabelsParameters) -> Summary:
    """Write the footage's labels as one Parquet table, and count them by action unit.

    Raises:
        UserError: damaged label files, or an action unit asked for that none of them has.
    """
    labels = collect_labels(footage, parameters)
    with atomic_write(output) as partial:
        labels.table.write_parquet(partial)
    return _summarize(f"{output}: {_size(labels.table)}", labels)


def check_labels(footage: Path, parameters: LabelsParameters) -> Summary:
    """Read all of the footage's labels, past damaged files, and write nothing.

    The summary's data name under `damage` all that is wrong, a sentence a file or row.

    Raises:
        UserError: no such footage, or nothing there that the source knows.
    """
    labels = read_labels(footage, parameters, check=True)
    size = _size(labels.table)
    if not labels.damage:
        return _summarize(f"{footage}: nothing wrong, {size}", labels)
    files = plural(len(labels.damage), "damaged file")
    return _summarize(f"{footage}: {files}, {size} in the others", labels)


def collect_labels(footage: Path, parameters: LabelsParameters) -> Labels:
    """Read the footage's labels and keep the action units that `parameters` asks for.

    Raises:
        UserError: damaged label files, or an action unit asked for that none of them has.
    """
    labels = read_labels(footage, parameters)
    wanted = parameters.action_units
    if wanted == "all":
        return labels
    known = action_units(labels.table)
    names = [f"AU{number}" for number in sorted(set(wanted))]
    missing = [name for name in names if name not in known]
    if missing:
        raise BadParameterError(
            f"action_units: {missing[0]} is not labelled in {footage}; there are: "
            + (", ".join(known) or "none"),
            key="action_units",
        )
    drop = [name for name in known if name not in names]
    labels.table = labels.table.drop(drop + [intensity(name) for name in drop])
    return labels


def count_emotions(table: pl.DataFrame) -> dict[str, int]:
    """Count the frames of each emotion that the source names, by name; empty where it does not."""
    if EMOTION not in table.columns:
        return {}
    counts = table[EMOTION].drop_nulls().value_counts(name="frames").sort(EMOTION)
    return dict(counts.rows())


def _size(table: pl.DataFrame) -> str:
    """Describe how many frames are labelled, and how many with an emotion."""
    emotions = sum(count_emotions(table).values())
    with_emotion = f", {emotions:,} with an emotion" if emotions else ""
    return f"{len(table):,} labelled frames{with_emotion}"


def _summarize(title: str, labels: Labels) -> Summary:
    """Count each action unit's present, absent and unknown labels, and each emotion's."""
    table = labels.table
    columns = ["action unit", "present", "absent", "unknown"]
    rows = [
        (name, (table[name] == 1).sum(), (table[name] == 0).sum(), table[name].null_count())
        for name in action_units(table)
    ]
    data = {
        "frames": len(table),
        "notes": labels.notes,
        "damage": [sentence for error in labels.damage for sentence in error.sentences],
        "labels": {name: dict(zip(columns[1:], counts, strict=True)) for name, *counts in rows},
        "emotions": count_emotions(table),
    }
    return Summary(title, columns, rows, data, labels.notes)
