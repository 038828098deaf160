"""What an evaluation measured, and the files that hold it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.base.files import atomic_folder, write_json
from curate.base.text import plural
from train.evaluate.calibration import RELIABILITY, reliability_rows
from train.evaluate.intervals import ROUGH
from train.evaluate.predictions import Predictions
from train.evaluate.published import Comparison
from train.evaluate.scorecard import COLUMNS, Row, mean_figures, scorecard

EVALUATED = ("validation", "validation_balanced")
FILES = (
    *("metrics.json", "summary.json", "notes.json", "published.json", "predictions.parquet"),
    *("per_action_unit.csv", "means.csv", "calibration.csv"),
)
# Figures that one compares runs by, as columns of `dvc exp show`: mean, score in metrics.json.
_COMPARED = {
    "precision": ("micro", "precision"),
    "recall": ("micro", "recall"),
    "f1": ("micro", "f1"),
    "f1_low": ("micro", "f1_low"),
    "f1_high": ("micro", "f1_high"),
    "macro_f1": ("macro", "f1"),
}


@dataclass(frozen=True)
class SplitScores:
    """One split's figures: a row an action unit and a row a mean, with the columns of `COLUMNS`.

    `reliability` has a row a bin, with the columns of `RELIABILITY`.
    """

    split: str
    frames: int
    subjects: int
    units: list[Row]
    means: list[Row]
    reliability: list[Row] = field(default_factory=list)

    def notes(self) -> list[str]:
        """List what the figures do not show: what could not be scored, and how sure they are."""
        if not self.subjects:
            # Where the balanced validation set is empty the natural one is too, and says so.
            empty = f"{self.split} is empty (one subject only): nothing is scored"
            return [empty] if self.split == EVALUATED[0] else []
        notes = [
            f"{row['action_unit']}: has no positive in {self.split}; not scored"
            for row in self.units
            if row["frames"] and not row["positives"]
        ]
        if self.subjects == 1:
            notes.append(f"{self.split}: one subject, so there are no 95 % intervals")
        elif self.subjects < ROUGH:
            notes.append(
                f"{self.split}: {plural(self.subjects, 'subject')}, so the 95 % intervals are "
                f"rough (fewer than {ROUGH})"
            )
        return notes


def score_split(
    split: str,
    predictions: Predictions,
    threshold: float,
    chosen: NDArray[np.float64],
    seed: int,
) -> SplitScores:
    """Score a split's predictions at `threshold` and at the `chosen` thresholds (units,)."""
    units, means = scorecard(predictions, threshold, chosen, seed)
    bins = reliability_rows(predictions.labels, predictions.probabilities, predictions.names)
    subjects = len(set(predictions.subjects))
    return SplitScores(split, len(predictions), subjects, units, means, bins)


@dataclass(frozen=True)
class Evaluation:
    """All that was measured: predictions, the scores of each split, and what they do not show.

    `gaps` are the figures of the training's gap ("gap", "gap_early"), `folds` the number of folds
    of a sum of them, `comparison` sets F1 beside published figures.
    """

    predictions: pl.DataFrame
    splits: list[SplitScores]
    notes: list[str] = field(default_factory=list)
    comparison: Comparison | None = None
    gaps: dict[str, Row] = field(default_factory=dict)
    folds: int | None = None

    @property
    def units(self) -> list[Row]:
        """A row of figures for each split and action unit."""
        return [{"split": s.split, **row} for s in self.splits for row in s.units]

    @property
    def means(self) -> list[Row]:
        """A row of figures for each split and mean."""
        return [{"split": s.split, **row} for s in self.splits for row in s.means]

    @property
    def reliability(self) -> list[Row]:
        """A row for each split, action unit and bin of the reliability curve."""
        return [{"split": s.split, **row} for s in self.splits for row in s.reliability]

    @property
    def metrics(self) -> dict[str, Any]:
        """The means' figures by split, those of the gap, and the number of folds."""
        folds = {} if self.folds is None else {"folds": self.folds}
        splits = {s.split: mean_figures(s.means, s.frames, s.subjects) for s in self.splits}
        return folds | splits | self.gaps

    def as_dict(self) -> dict[str, Any]:
        """Return metrics, figures by action unit and the comparison, for JSON."""
        content = self.metrics | {"action_units": self.units}
        return content | ({"published": self.comparison.as_dict()} if self.comparison else {})


def write_evaluation(evaluation: Evaluation, output: Path) -> None:
    """Write the evaluation's files to the folder `output`, complete or not at all."""
    with atomic_folder(output, *FILES) as building:
        write_json(evaluation.metrics, building / "metrics.json")
        write_json(figures_to_compare(evaluation.metrics), building / "summary.json")
        write_json({"notes": evaluation.notes}, building / "notes.json")
        if evaluation.comparison:
            write_json(evaluation.comparison.as_dict(), building / "published.json")
        _write_rows(evaluation.units, COLUMNS, building / "per_action_unit.csv")
        _write_rows(evaluation.means, COLUMNS, building / "means.csv")
        _write_rows(evaluation.reliability, RELIABILITY, building / "calibration.csv")
        evaluation.predictions.write_parquet(building / "predictions.parquet")


def _write_rows(rows: list[Row], schema: dict[str, type[pl.DataType]], path: Path) -> None:
    """Write rows as CSV; columns that are not in the schema hold figures."""
    added: dict[str, Any] = dict.fromkeys((key for row in rows[:1] for key in row), pl.Float64)
    pl.DataFrame(rows, added | schema).write_csv(path)


def figures_to_compare(metrics: dict[str, Any]) -> dict[str, float | None]:
    """Return the validation sets' few figures that DVC lays side by side, those there are.

    No name is also a parameter's (`precision`): DVC would then write the file's path before it.
    """
    sets = dict(zip(EVALUATED, ("natural", "balanced"), strict=True))
    return {
        f"{short}_{name}": metrics[split][mean][score]
        for split, short in sets.items()
        if split in metrics
        for name, (mean, score) in _COMPARED.items()
    }
