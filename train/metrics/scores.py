"""Precision, recall, F1 and average precision for labels of which some are unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1, each None where it is not defined (no prediction, no positive)."""

    precision: float | None
    recall: float | None
    f1: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return the figures, rounded to 4 digits."""
        return {name: rounded(value) for name, value in vars(self).items()}


def rounded(value: float | None) -> float | None:
    """Round a figure to 4 digits; None where it is not defined (None or NaN)."""
    return None if value is None or np.isnan(value) else round(float(value), 4)


def score(hits: int, false_alarms: int, misses: int) -> Score:
    """Score counts of true positives, false positives and false negatives."""
    precision = hits / (hits + false_alarms) if hits + false_alarms else None
    recall = hits / (hits + misses) if hits + misses else None
    wrong = false_alarms + misses
    # Without a positive there is nothing to find, and F1 says nothing.
    f1 = 2 * hits / (2 * hits + wrong) if hits + misses else None
    return Score(precision, recall, f1)


def per_action_unit(labels: NDArray[np.int8], predicted: NDArray[np.bool_]) -> list[Score]:
    """Score each action unit over its known labels; both arrays (frames, units)."""
    return [score(*unit) for unit in confusion_counts(labels, predicted).tolist()]


def micro(labels: NDArray[np.int8], predicted: NDArray[np.bool_]) -> Score:
    """Score all known labels together: every label counts the same."""
    return score(*confusion_counts(labels, predicted).sum(axis=0).tolist())


def macro(scores: list[Score]) -> Score:
    """Average scores: every action unit counts the same.

    Units without a positive are left out. Precision counts as 0 where nothing was predicted though
    there were positives to find, as in scikit-learn.
    """
    defined = [s for s in scores if s.recall is not None]
    if not defined:
        return Score(None, None, None)
    means = [
        float(np.mean([getattr(s, name) or 0.0 for s in defined]))
        for name in ("precision", "recall", "f1")
    ]
    return Score(*means)


def confusion_counts(labels: NDArray[np.int8], predicted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count (units, 3): true positives, false positives, false negatives of known labels."""
    cases = [(labels == 1) & predicted, (labels == 0) & predicted, (labels == 1) & ~predicted]
    return np.stack([case.sum(axis=0, dtype=np.int64) for case in cases], axis=-1)


@dataclass(frozen=True)
class Ranking:
    """One action unit's frames of known label, ranked by probability, most probable first.

    `order` are their positions; `ends` are the places in that order where a probability ends that
    the next frame does not share, which is where a threshold can lie.
    """

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.int8]
    probabilities: Floats  # at `ends`: distinct, falling

    @property
    def hits(self) -> NDArray[np.int64]:
        """Count the true positives of each threshold."""
        return np.cumsum(self.labels == 1)[self.ends]

    @property
    def false_alarms(self) -> NDArray[np.int64]:
        """Count the false positives of each threshold."""
        return np.cumsum(self.labels == 0)[self.ends]


def rank(labels: NDArray[np.int8], probabilities: NDArray[np.floating]) -> Ranking:
    """Rank one action unit's frames; both arrays (frames,), a label of -1 is unknown."""
    known = np.flatnonzero(labels >= 0)
    order = known[np.argsort(-probabilities[known], kind="stable")]
    falling = probabilities[order].astype(np.float64)
    last = np.ones(len(falling), bool)
    last[:-1] = falling[1:] != falling[:-1]
    ends = np.flatnonzero(last)
    return Ranking(order, ends, labels[order], falling[ends])


def area(hits: NDArray[np.number], false_alarms: NDArray[np.number]) -> Floats:
    """Return the average precision of counts (..., thresholds): sum of precision x gain in recall.

    The step-wise sum that scikit-learn's average_precision_score takes, without interpolation. NaN
    where there is no positive.
    """
    if not hits.shape[-1]:
        return np.full(hits.shape[:-1], np.nan)
    precision = hits / np.maximum(hits + false_alarms, 1)
    gained = np.diff(hits, axis=-1, prepend=0)
    positives = hits[..., -1]
    total = (precision * gained).sum(axis=-1)
    return np.where(positives > 0, total / np.maximum(positives, 1), np.nan)


def average_precision(labels: NDArray[np.int8], probabilities: NDArray[np.floating]) -> Floats:
    """Return the average precision of each action unit (units,); arrays (frames, units).

    Over known labels only; NaN where a unit has no positive.
    """
    ranked = [rank(*unit) for unit in zip(labels.T, probabilities.T, strict=True)]
    return np.array([area(r.hits, r.false_alarms) for r in ranked], np.float64)


def micro_average_precision(labels: NDArray[np.int8], probabilities: NDArray[np.floating]) -> float:
    """Return the average precision of all known labels ranked together; NaN without a positive."""
    ranked = rank(labels.ravel(), probabilities.ravel())
    return float(area(ranked.hits, ranked.false_alarms))


def choose_thresholds(
    labels: NDArray[np.int8], probabilities: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Choose each action unit's threshold (units,): a frame counts as present from it upwards.

    `labels` (frames, units) int8, 1 present, 0 absent, -1 unknown; `probabilities` (frames, units),
    0-1. A threshold lies midway between two neighbouring probabilities, so that neither decides by
    its last digit. Of thresholds with the same F1 the one nearest to 0.5 is taken, then the higher.
    0.5 where a unit has no positive or no absent frame: then there is nothing to tell apart.
    """
    units = zip(labels.T, probabilities.T, strict=True)
    return np.array([_best(rank(*unit)) for unit in units], np.float64)


def _best(ranking: Ranking) -> float:
    """Choose among the thresholds just below each distinct probability."""
    hits, false_alarms = ranking.hits, ranking.false_alarms
    if not len(hits) or not hits[-1] or not false_alarms[-1]:
        return DEFAULT_THRESHOLD
    f1 = 2 * hits / (hits + false_alarms + hits[-1])
    midway = (ranking.probabilities + np.append(ranking.probabilities[1:], 0.0)) / 2
    # lexsort: the last key counts most; equal F1 are equal floats, being quotients of integers.
    return float(midway[np.lexsort((-midway, np.abs(midway - DEFAULT_THRESHOLD), -f1))[0]])
