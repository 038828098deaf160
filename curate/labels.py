"""Stage `labels`: label files to one table, a row a labelled frame, unknown kept unknown."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.errors import UserError
from curate.params import Parameters
from curate.sources import read_labels
from curate.sources.clip import Labels
from curate.table import action_units, intensity, whole_file


def collect_labels(footage: Path, parameters: Parameters) -> Labels:
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
    with whole_file(path) as partial:
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
