"""The threshold of each action unit that is best by F1, chosen on frames kept for choosing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.metrics.scores import Ranking, rank

DEFAULT = 0.5


def choose(labels: NDArray[np.int8], probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
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
        return DEFAULT
    f1 = 2 * hits / (hits + false_alarms + hits[-1])
    midway = (ranking.probabilities + np.append(ranking.probabilities[1:], 0.0)) / 2
    # lexsort: the last key counts most; equal F1 are equal floats, being quotients of integers.
    return float(midway[np.lexsort((-midway, np.abs(midway - DEFAULT), -f1))[0]])
