"""The table predictions.parquet: a row a frame, its labels and the model's probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.base.errors import DamagedInputError, MissingInputError
from curate.tables import action_units, read_table

KEY = {"id": pl.String, "split": pl.String, "subject": pl.String}


@dataclass(frozen=True)
class Predictions:
    """A split's predictions as arrays: labels int8 (-1 unknown) and probabilities float32, both
    (frames, units), and each frame's subject."""

    names: list[str]
    labels: NDArray[np.int8]
    probabilities: NDArray[np.float32]
    subjects: list[str]

    def __len__(self) -> int:
        return len(self.labels)


def as_table(predictions: Predictions, ids: list[str], split: str) -> pl.DataFrame:
    """Format id, split, subject, then label (null unknown) and probability by action unit."""
    columns: dict[str, Any] = {
        "id": pl.Series(ids, dtype=pl.String),
        "split": pl.Series([split] * len(ids), dtype=pl.String),
        "subject": pl.Series(predictions.subjects, dtype=pl.String),
    }
    for number, name in enumerate(predictions.names):
        label = pl.Series(predictions.labels[:, number], dtype=pl.Int8)
        columns[name] = label.set(label < 0, None)
        columns[probability(name)] = pl.Series(
            predictions.probabilities[:, number], dtype=pl.Float32
        )
    return pl.DataFrame(columns)


def probability(action_unit: str) -> str:
    """Name the column that holds an action unit's probability."""
    return f"{action_unit}_probability"


def of_split(table: pl.DataFrame, split: str) -> Predictions:
    """Take a split's predictions from the table; empty where it has none."""
    names = action_units(table)
    part = table.filter(pl.col("split") == split)
    labels = part.select(pl.col(n).fill_null(-1) for n in names).to_numpy()
    chances = part.select(probability(n) for n in names).to_numpy()
    shape = (len(part), len(names))
    return Predictions(
        names,
        labels.reshape(shape).astype(np.int8),
        chances.reshape(shape).astype(np.float32),
        part["subject"].to_list(),
    )


def read_predictions(path: Path) -> pl.DataFrame:
    """Read a table that `train evaluate` wrote.

    Raises:
        UserError: no such file, not a Parquet table, or one of something else.
    """
    if not path.is_file():
        raise MissingInputError(f"{path}: no such table; make it with 'train evaluate'", path=path)
    table = read_table(path, {})
    names = action_units(table)
    wanted = [*KEY, *names, *map(probability, names)]
    missing = [name for name in wanted if name not in table.columns]
    if missing or not names:
        lacking = f"'{missing[0]}'" if missing else "of any action unit"
        raise DamagedInputError(
            f"{path}: lacks the column {lacking}; make it with 'train evaluate'", path=path
        )
    return table
