"""Precision, recall and F1 for labels of which some are unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1, each None where it is not defined (no prediction, no positive)."""

    precision: float | None
    recall: float | None
    f1: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Answer the figures, rounded to 4 digits."""
        return {
            name: None if value is None else round(value, 4) for name, value in vars(self).items()
        }


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
    return [score(*counts) for counts in _counts(labels, predicted)]


def micro(labels: NDArray[np.int8], predicted: NDArray[np.bool_]) -> Score:
    """Score all known labels together: every label counts the same."""
    return score(*np.sum(_counts(labels, predicted), axis=0, dtype=int).tolist())


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


def _counts(labels: NDArray[np.int8], predicted: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    hits = ((labels == 1) & predicted).sum(axis=0)
    false_alarms = ((labels == 0) & predicted).sum(axis=0)
    misses = ((labels == 1) & ~predicted).sum(axis=0)
    return [(int(a), int(b), int(c)) for a, b, c in zip(hits, false_alarms, misses, strict=True)]
