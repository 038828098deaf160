"""Stage `evaluate`: precision, recall and F1 on people never seen, natural and balanced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
from numpy.typing import NDArray

import train.augment  # noqa: F401  (registers the layer that the saved model holds)
from curate.console import Counts
from curate.errors import UserError
from curate.params import Parameters
from curate.table import whole_folder
from train.data import (
    Builder,
    action_units,
    count,
    inference,
    keys,
    measuring_pipeline,
    open_shards,
)
from train.scores import macro, micro, per_action_unit

EVALUATED = ("validation", "validation_balanced")


def evaluate_stage(
    fit: Path, shards: Path, output: Path, parameters: Parameters
) -> tuple[dict[str, Any], Counts]:
    """Predict the validation splits, score them, write everything to `output`, whole.

    Writes metrics.json, per_action_unit.csv and predictions.parquet; answers the metrics, and what
    to show of them.

    Raises:
        UserError: no model or shards, or a model of other action units.
    """
    builder = open_shards(shards)
    model, gap = load_fit(fit, action_units(builder))
    predictions = {split: predict(builder, model, split) for split in EVALUATED}
    rows, metrics = [], {}
    for split, table in predictions.items():
        scored, metrics[split] = score_split(table, action_units(builder), parameters.threshold)
        rows += [{"split": split, **row} for row in scored]
    metrics["gap"] = {name: value for name, value in gap["final"].items() if name != "cause"}
    metrics["gap_early"] = {name: v for name, v in gap["early"].items() if name != "cause"}
    with whole_folder(output, "metrics.json") as building:
        (building / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        pl.DataFrame(rows, infer_schema_length=None).write_csv(building / "per_action_unit.csv")
        pl.concat(predictions.values()).write_parquet(building / "predictions.parquet")
    return metrics, _counts(rows, metrics)


def _counts(rows: list[dict[str, Any]], metrics: dict[str, Any]) -> Counts:
    """Lay out natural and balanced side by side: positives, precision, recall, F1."""
    figures = ("precision", "recall", "f1")
    lines: dict[str, list[Any]] = {}
    notes = []
    for row in rows:
        lines.setdefault(row["action_unit"], []).extend(row[n] for n in ("positives", *figures))
        if row["frames"] and not row["positives"]:
            notes.append(f"{row['action_unit']}: has no positive in {row['split']}; not scored")
    for mean in ("micro", "macro"):
        lines[mean] = []
        for split in EVALUATED:
            lines[mean] += [None, *(metrics[split][mean][name] for name in figures)]
    if not metrics["validation"]["frames"]:
        notes.append("validation is empty (one subject only): nothing is scored")
    columns = ["", *(f"{n}{mark}" for mark in ("", " bal.") for n in ("positives", *figures))]
    return Counts(columns, [(name, *cells) for name, cells in lines.items()], metrics, notes)


def load_fit(fit: Path, names: list[str]) -> tuple[keras.Model, dict[str, Any]]:
    """Load a fitted model and its gap, checking that it was trained for these action units."""
    path = fit / "model.keras"
    if not path.is_file():
        raise UserError(f"{path}: no such model; make it with 'train fit'")
    trained = json.loads((fit / "action_units.json").read_text())
    if trained != names:
        raise UserError(
            f"{path}: was trained for {', '.join(trained)}, but the shards hold {', '.join(names)}"
        )
    return keras.models.load_model(path), json.loads((fit / "gap.json").read_text())


def predict(builder: Builder, model: keras.Model, split: str) -> pl.DataFrame:
    """Predict a split: id, split, subject, then label (null unknown) and probability by unit."""
    names = action_units(builder)
    labels = [np.zeros((0, len(names)), np.int8)]
    probabilities = [np.zeros((0, len(names)), np.float32)]
    ids: list[str] = []
    subjects: list[str] = []
    if count(builder, split):
        ids, subjects = keys(builder, split)
        run = inference(model)
        for images, known in measuring_pipeline(builder, split):
            labels.append(known.numpy())
            probabilities.append(run(images).numpy())
    known_labels, chances = np.concatenate(labels), np.concatenate(probabilities)
    columns: dict[str, Any] = {
        "id": pl.Series(ids, dtype=pl.String),
        "split": pl.Series([split] * len(ids), dtype=pl.String),
        "subject": pl.Series(subjects, dtype=pl.String),
    }
    for number, name in enumerate(names):
        label = pl.Series(known_labels[:, number], dtype=pl.Int8)
        columns[name] = (
            label.to_frame("label")
            .select(pl.when(pl.col("label") >= 0).then(pl.col("label")))
            .to_series()
        )
        columns[f"{name}_probability"] = pl.Series(chances[:, number], dtype=pl.Float32)
    return pl.DataFrame(columns)


def score_split(
    table: pl.DataFrame, names: list[str], threshold: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Score one split's predictions: a row an action unit, and micro and macro means."""
    labels = table.select(pl.col(n).fill_null(-1) for n in names).to_numpy().reshape(-1, len(names))
    predicted = _predicted(table, names, threshold)
    units = per_action_unit(labels, predicted)
    rows = [
        {
            "action_unit": name,
            "positives": int((labels[:, i] == 1).sum()),
            "frames": int((labels[:, i] >= 0).sum()),
            **unit.as_dict(),
        }
        for i, (name, unit) in enumerate(zip(names, units, strict=True))
    ]
    means = {
        "micro": micro(labels, predicted).as_dict(),
        "macro": macro(units).as_dict(),
        "frames": len(table),
    }
    return rows, means


def _predicted(table: pl.DataFrame, names: list[str], threshold: float) -> NDArray[np.bool_]:
    chances = table.select(f"{name}_probability" for name in names).to_numpy()
    return np.asarray(chances.reshape(-1, len(names)) >= threshold)
