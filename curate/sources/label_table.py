"""Labels as sources read them: one row a labelled frame, and what was damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

from curate.base.errors import DamagedInputError, UserError
from curate.tables import EMOTION, KEY, intensity

S = TypeVar("S")
T = TypeVar("T")


@dataclass
class Labels:
    """Labels as read: one row a labelled frame, and notes about them for the user.

    `damage` holds an error for each file that could not be read; the table is of the others.
    """

    table: pl.DataFrame
    notes: list[str] = field(default_factory=list)
    damage: list[UserError] = field(default_factory=list)


def read_all(files: Iterable[S], read: Callable[[S], T]) -> tuple[list[T], list[UserError]]:
    """Read every file, also past a damaged one: what was read, and an error a damaged file."""
    results: list[T] = []
    damage: list[UserError] = []
    for file in files:
        try:
            results.append(read(file))
        except UserError as error:
            damage.append(error)
        except OSError as error:
            sentence = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            damage.append(DamagedInputError(sentence, path=error.filename))
    return results, damage


def labels_table(rows: pl.DataFrame, action_units: list[int]) -> pl.DataFrame:
    """Order the columns of a labels table: key, action units (Int8), intensities (Float32).

    Columns that `rows` lacks are added as null: unknown, not absent. `EMOTION` comes last, where
    there is one.
    """
    columns: list[pl.Expr] = [pl.col(name).cast(dtype) for name, dtype in KEY.items()]
    names = [f"AU{number}" for number in sorted(action_units)]
    for wanted, dtype in [(names, pl.Int8), ([intensity(n) for n in names], pl.Float32)]:
        for name in wanted:
            value = pl.col(name) if name in rows.columns else pl.lit(None)
            columns.append(value.cast(dtype).alias(name))
    if EMOTION in rows.columns:
        columns.append(pl.col(EMOTION).cast(pl.String))
    return rows.select(columns).sort("clip", "index")
