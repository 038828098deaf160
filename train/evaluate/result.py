"""What an evaluation found: its figures, what is said of them, and the files that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from curate.base.console import Summary, Table
from curate.base.files import atomic_folder, write_json
from curate.base.text import format_interval
from train.evaluate import published
from train.evaluate.calibration import RELIABILITY
from train.evaluate.intervals import ROUGH
from train.evaluate.scorecard import COLUMNS, MEANS, Row

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


@dataclass
class Evaluation:
    """All that was measured: predictions, a row of figures an action unit and mean, and metrics."""

    predictions: pl.DataFrame
    metrics: dict[str, Any]
    units: list[Row] = field(default_factory=list)
    means: list[Row] = field(default_factory=list)
    reliability: list[Row] = field(default_factory=list)
    comparison: published.Comparison | None = None
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return metrics, figures by action unit and the comparison, for JSON."""
        content = self.metrics | {"action_units": self.units}
        return content | ({"published": self.comparison.as_dict()} if self.comparison else {})


def notes_on(split: str, units: list[Row], subjects: int) -> list[str]:
    """List what a split's figures do not tell: what could not be scored, and how sure they are."""
    if not subjects:
        # Of the balanced validation set the same need not be said again.
        return [f"{split} is empty (one subject only): nothing is scored"] * (split == EVALUATED[0])
    notes = [
        f"{row['action_unit']}: has no positive in {split}; not scored"
        for row in units
        if row["frames"] and not row["positives"]
    ]
    if subjects == 1:
        notes.append(f"{split}: one subject, so there are no 95 % intervals")
    elif subjects < ROUGH:
        notes.append(
            f"{split}: {subjects} subjects, so the 95 % intervals are rough (fewer than {ROUGH})"
        )
    return notes


def compare(
    evaluation: Evaluation, split: str, threshold: float, asked: bool
) -> published.Comparison | None:
    """Set a split's F1 beside published ones, where that holds or is asked for."""
    rows = [row for row in evaluation.units if row["split"] == split]
    table = evaluation.predictions.filter(pl.col("split") == split)
    f1 = {
        f"ours at {threshold:g}": {row["action_unit"]: row["f1"] for row in rows},
        "ours, chosen": {row["action_unit"]: row["chosen_f1"] for row in rows},
    }
    found = published.compare(f1, set(table["subject"]), asked=asked)
    if asked and found is None:
        evaluation.notes.append(
            "no published figures fit: they are of the action units "
            + " or ".join(", ".join(known.action_units) for known in published.PUBLISHED.values())
        )
    return found


def write(evaluation: Evaluation, output: Path) -> None:
    """Write the evaluation's files to the folder `output`, whole or not at all."""
    with atomic_folder(output, *FILES) as building:
        for name, content in (
            ("metrics", evaluation.metrics),
            ("summary", in_short(evaluation)),
            ("notes", {"notes": evaluation.notes}),
        ):
            write_json(content, building / f"{name}.json")
        for name, rows, schema in (
            ("per_action_unit", evaluation.units, COLUMNS),
            ("means", evaluation.means, COLUMNS),
            ("calibration", evaluation.reliability, RELIABILITY),
        ):
            added: dict[str, Any] = dict.fromkeys(
                (key for row in rows[:1] for key in row), pl.Float64
            )
            pl.DataFrame(rows, added | schema).write_csv(building / f"{name}.csv")
        if evaluation.comparison:
            write_json(evaluation.comparison.as_dict(), building / "published.json")
        evaluation.predictions.write_parquet(building / "predictions.parquet")


def in_short(evaluation: Evaluation) -> dict[str, float | None]:
    """Return the validation sets' few figures that DVC lays side by side, those there are.

    No name is also a parameter's (`precision`): DVC would then write the file's path before it.
    """
    sets = dict(zip(EVALUATED, ("natural", "balanced"), strict=True))
    return {
        f"{short}_{name}": evaluation.metrics[split][mean][score]
        for split, short in sets.items()
        if split in evaluation.metrics
        for name, (mean, score) in _COMPARED.items()
    }


_SHOWN = {
    "": "action_unit",
    "positives": "positives",
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "f1,\n95 %": "f1_interval",
    "average\nprecision": "average_precision",
    "chosen\nthreshold": "chosen_threshold",
    "precision,\nchosen": "chosen_precision",
    "recall,\nchosen": "chosen_recall",
    "f1,\nchosen": "chosen_f1",
}


def summarize(evaluation: Evaluation, title: str) -> Summary:
    """Lay out each split's figures, then the published ones beside them."""
    rows = [*evaluation.units, *evaluation.means]
    tables = [
        _table(f"{title}: {split}", [row for row in rows if row["split"] == split])
        for split in dict.fromkeys(row["split"] for row in rows)
    ]
    summary = Summary("", [], [], evaluation.as_dict(), evaluation.notes, tables)
    if evaluation.comparison:
        compared = evaluation.comparison
        rows_beside = [tuple(row) for row in compared.rows]
        summary.more.append(Table(compared.title, compared.columns, rows_beside))
        summary.closing.append(compared.caution)
    return summary


def _table(title: str, rows: list[Row]) -> Table:
    """Lay rows out, at the fixed threshold, then at the chosen; empty columns are left out."""
    shown = [
        row | {"f1_interval": interval(row, "f1")} | _no_positives(row["action_unit"])
        for row in rows
    ]
    folds = {name.replace("_", " "): name for name in rows[0] if name.startswith("f1_fold_")}
    columns = {
        column: key
        for column, key in (_SHOWN | folds).items()
        if any(row.get(key) is not None for row in shown)
    }
    lines = [tuple(row.get(key) for key in columns.values()) for row in shown]
    return Table(title, list(columns), lines)


def _no_positives(action_unit: str) -> dict[str, None]:
    return {"positives": None} if action_unit in MEANS else {}


def interval(row: Row, score: str) -> str | None:
    """Write a score's 95 % interval; None where it has none."""
    return format_interval(row[f"{score}_low"], row[f"{score}_high"], to="–") or None
