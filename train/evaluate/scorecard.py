"""All figures of one set of predictions: scores, their intervals, and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from train.evaluate.calibration import expected_error
from train.evaluate.intervals import SCORES, intervals
from train.evaluate.predictions import Predictions
from train.metrics.scores import (
    Floats,
    average_precision,
    macro,
    micro,
    micro_average_precision,
    per_action_unit,
    rounded,
)

Row: TypeAlias = dict[str, Any]
MEANS = ("micro", "macro")
_THREE = ("precision", "recall", "f1")
_SCORED = (*SCORES, *(f"chosen_{name}" for name in _THREE))
# Columns of per_action_unit.csv and means.csv.
COLUMNS: dict[str, type[pl.DataType]] = {
    "split": pl.String,
    "action_unit": pl.String,
    "positives": pl.Int64,
    "frames": pl.Int64,
    **dict.fromkeys(_SCORED, pl.Float64),
    "chosen_threshold": pl.Float64,
    "calibration_error": pl.Float64,
    **{f"{name}_{end}": pl.Float64 for name in _SCORED for end in ("low", "high")},
}


def scorecard(
    predictions: Predictions, threshold: float, chosen: NDArray[np.float64], seed: int
) -> tuple[list[Row], list[Row]]:
    """Score a set at `threshold` and at the `chosen` thresholds (units,).

    Returns a row an action unit, and a row each for the micro and the macro mean, with the columns
    `COLUMNS` names; None where a figure is not defined.
    """
    chances = predictions.probabilities
    predicted = {
        "": decide(chances, np.full_like(chosen, threshold)),
        "chosen_": decide(chances, chosen),
    }
    units, means = score_decided(
        predictions.names, predictions.labels, predicted, predictions.subjects, seed, chances
    )
    errors = expected_error(predictions.labels, chances)
    for row, at, error in zip(units, chosen, errors, strict=True):
        row |= {"chosen_threshold": float(at), "calibration_error": rounded(error)}
    means[-1]["calibration_error"] = rounded(_mean(errors))
    return units, means


def score_decided(
    names: list[str],
    labels: NDArray[np.int8],
    predicted: dict[str, NDArray[np.bool_]],
    subjects: Sequence[str],
    seed: int,
    probabilities: NDArray[np.floating] | None = None,
) -> tuple[list[Row], list[Row]]:
    """Score decisions (frames, units), each under a prefix; rows as `scorecard` returns them.

    With `probabilities` (frames, units) the first has average precision too.
    """
    rows: list[Row] = [
        {"action_unit": name, "positives": int(present), "frames": int(known)}
        for name, present, known in zip(
            names, (labels == 1).sum(axis=0), (labels >= 0).sum(axis=0), strict=True
        )
    ]
    totals = {key: sum(row[key] for row in rows) for key in ("positives", "frames")}
    rows += [{"action_unit": mean, **totals} for mean in MEANS]
    for number, (prefix, decided) in enumerate(predicted.items()):
        chances = probabilities if number == 0 else None
        values = _values(labels, decided, chances)
        _add(rows, prefix, values, intervals(labels, decided, chances, subjects, seed))
    return rows[: -len(MEANS)], rows[-len(MEANS) :]


def decide(
    probabilities: NDArray[np.floating], thresholds: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Mark which action units count as present (frames, units), from thresholds (units,)."""
    # An array, not numbers: against a plain number NumPy would compare in single precision.
    return np.asarray(probabilities >= np.asarray(thresholds, np.float64))


def _values(
    labels: NDArray[np.int8],
    predicted: NDArray[np.bool_],
    probabilities: NDArray[np.floating] | None,
) -> dict[str, Floats]:
    """Return each score (units + 2,): micro and macro last, NaN where it is not defined."""
    units = per_action_unit(labels, predicted)
    scores = [*units, micro(labels, predicted), macro(units)]
    values = {
        name: np.array([getattr(score, name) for score in scores], np.float64) for name in _THREE
    }
    if probabilities is not None:
        each = average_precision(labels, probabilities)
        together = micro_average_precision(labels, probabilities)
        values["average_precision"] = np.array([*each, together, _mean(each)])
    return values


def _mean(values: Floats) -> float:
    """Average what is defined; NaN where nothing is."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _add(
    rows: list[Row], prefix: str, values: dict[str, Floats], bounds: dict[str, Floats]
) -> None:
    """Add each score's value, low and high to the rows."""
    for name in values:
        for row, value, (low, high) in zip(rows, values[name], bounds[name], strict=True):
            row |= {
                f"{prefix}{name}": rounded(value),
                f"{prefix}{name}_low": rounded(low),
                f"{prefix}{name}_high": rounded(high),
            }


def mean_figures(means: list[Row], frames: int, subjects: int) -> dict[str, Any]:
    """Return a set's means as metrics.json holds them: few enough for `dvc metrics diff`."""
    rows = {row["action_unit"]: row for row in means}
    kept = ("precision", "recall", "f1", "f1_low", "f1_high", "average_precision")
    return {
        **{mean: {name: rows[mean].get(name) for name in kept} for mean in MEANS},
        "chosen": {mean: {name: rows[mean][f"chosen_{name}"] for name in _THREE} for mean in MEANS},
        "calibration_error": rows["macro"].get("calibration_error"),
        "frames": frames,
        "subjects": subjects,
    }
