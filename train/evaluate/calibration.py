"""Calibration: of frames given a probability of 0.7, are seven in ten present?"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from train.metrics.scores import Floats, rounded

BINS = 10
# Columns of calibration.csv: a row a bin that holds frames.
RELIABILITY: dict[str, type[pl.DataType]] = {
    "split": pl.String,
    "action_unit": pl.String,
    "from": pl.Float64,
    "to": pl.Float64,
    "frames": pl.Int64,
    "probability": pl.Float64,
    "present": pl.Float64,
}


def reliability(
    labels: NDArray[np.int8], probabilities: NDArray[np.floating]
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return the reliability curve of one action unit over ten bins of equal width.

    `labels` (frames,), -1 unknown; `probabilities` (frames,). Returns the frames of known label in
    each bin, their mean probability, and the share of them that is present (NaN in an empty bin).
    A probability on an edge falls into the lower bin, as in scikit-learn's calibration_curve.
    """
    known = labels >= 0
    chances = probabilities[known].astype(np.float64)
    places = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], chances)
    frames = np.bincount(places, minlength=BINS)
    expected = np.bincount(places, chances, BINS)
    present = np.bincount(places, labels[known] == 1, BINS)
    with np.errstate(invalid="ignore"):
        return frames, expected / frames, present / frames


def expected_error(
    labels: NDArray[np.int8], probabilities: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return each action unit's expected calibration error (units,); NaN without a known label.

    The mean distance of probability and presence over the bins, each weighed by its frames (Naeini,
    Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015).
    """
    errors = []
    for unit in zip(labels.T, probabilities.T, strict=True):
        frames, expected, present = reliability(*unit)
        distance = np.nansum(frames * np.abs(expected - present))
        errors.append(distance / frames.sum() if frames.sum() else np.nan)
    return np.array(errors, np.float64)


def reliability_rows(
    labels: NDArray[np.int8], probabilities: NDArray[np.floating], names: list[str]
) -> list[dict[str, Any]]:
    """List each unit's bins that hold frames: from, to, frames, probability (mean), present."""
    rows = []
    for name, *unit in zip(names, labels.T, probabilities.T, strict=True):
        frames, expected, present = reliability(*unit)
        rows += [
            {
                "action_unit": name,
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "frames": int(frames[number]),
                "probability": rounded(expected[number]),
                "present": rounded(present[number]),
            }
            for number in np.flatnonzero(frames)
        ]
    return rows
