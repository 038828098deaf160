"""95 % intervals of the scores, by drawing the subjects again: what other people might have given.

Frames of one person are alike, so drawing frames would make the intervals far too narrow. The
percentile bootstrap over clusters: Efron and Tibshirani, An Introduction to the Bootstrap, 1993.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train.metrics.scores import Floats, area, confusion_counts, rank

SCORES = ("precision", "recall", "f1", "average_precision")
# Fewer subjects than this are so few combinations that the interval is rough.
ROUGH = 5
DRAWS = 1000
_QUANTILES = (0.025, 0.975)
_AT_ONCE = 4_000_000  # numbers in a block of draws x thresholds: some 32 MB


def intervals(
    labels: NDArray[np.int8],
    predicted: NDArray[np.bool_],
    probabilities: NDArray[np.floating] | None,
    subjects: Sequence[str],
    seed: int,
    draws: int = DRAWS,
) -> dict[str, Floats]:
    """Return each score's 95 % interval (units + 2, 2): low, high of the units, micro and macro.

    `labels` (frames, units), -1 unknown; `predicted` (frames, units); `probabilities` (frames,
    units), without which average precision is left out; `subjects` names each frame's. NaN where a
    score is not defined in any draw, or where there is one subject only. Draws in which a score is
    not defined (no positive among the people drawn) do not count for it.
    """
    names, places = np.unique(np.asarray(subjects, np.str_), return_inverse=True)
    rows = labels.shape[1] + 2
    scores = [name for name in SCORES if name != "average_precision" or probabilities is not None]
    if len(names) < 2:
        return {name: np.full((rows, 2), np.nan) for name in scores}
    times = draw_subjects(len(names), seed, draws)
    drawn = _from_counts(np.tensordot(times, _by_subject(labels, predicted, places), axes=1))
    if probabilities is not None:
        drawn["average_precision"] = _areas(labels, probabilities, places, times)
    return {name: _quantiles(drawn[name]) for name in scores}


def draw_subjects(subjects: int, seed: int, draws: int) -> Floats:
    """Draw so many subjects with replacement, `draws` times: how often each (draws, subjects)."""
    shares = np.full(subjects, 1 / subjects)
    return np.random.default_rng(seed).multinomial(subjects, shares, draws).astype(np.float64)


def _by_subject(
    labels: NDArray[np.int8], predicted: NDArray[np.bool_], places: NDArray[np.int64]
) -> Floats:
    """Count (subjects, units, 3): true positives, false positives, false negatives."""
    masks = [places == subject for subject in range(places.max() + 1)]
    counts = [confusion_counts(labels[mask], predicted[mask]) for mask in masks]
    return np.stack(counts).astype(np.float64)


def _from_counts(counts: Floats) -> dict[str, Floats]:
    """Score counts (draws, units, 3): each score (draws, units + 2), micro and macro last."""
    everything = np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1)
    hits, false_alarms, misses = np.moveaxis(everything, -1, 0)
    scores = {
        "precision": _divide(hits, hits + false_alarms),
        "recall": _divide(hits, hits + misses),
        "f1": np.where(
            hits + misses > 0, _divide(2 * hits, 2 * hits + false_alarms + misses), np.nan
        ),
    }
    defined = (hits + misses)[:, :-1] > 0
    return {name: _with_macro(each, defined) for name, each in scores.items()}


def _divide(part: Floats, total: Floats) -> Floats:
    return np.where(total > 0, part / np.maximum(total, 1), np.nan)


def _with_macro(each: Floats, defined: NDArray[np.bool_]) -> Floats:
    """Append the mean over `defined` units, those with a positive; NaN among them counts as 0."""
    total = np.where(defined, np.nan_to_num(each[:, :-1]), 0.0).sum(axis=1)
    return np.column_stack([each, _divide(total, defined.sum(axis=1))])


def _areas(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.floating],
    places: NDArray[np.int64],
    times: Floats,
) -> Floats:
    """Return the average precision in each draw (draws, units + 2), micro and macro last."""
    units = labels.shape[1]
    each = [_area(labels[:, i], probabilities[:, i], places, times) for i in range(units)]
    together = _area(labels.ravel(), probabilities.ravel(), np.repeat(places, units), times)
    table = np.column_stack([*each, together])
    return _with_macro(table, np.isfinite(table[:, :-1]))


def _area(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.floating],
    places: NDArray[np.int64],
    times: Floats,
) -> Floats:
    """Return one ranking's average precision in each draw (draws,).

    The frames are ranked once: each subject's running counts are added up as often as the subject
    was drawn. Only thresholds at which a positive is gained add to the sum.
    """
    ranked = rank(labels, probabilities)
    ends = ranked.ends[np.diff(ranked.hits, prepend=0) > 0]
    owners = places[ranked.order] == np.arange(times.shape[1])[:, None]
    hits, false_alarms = (
        np.cumsum(owners & (ranked.labels == value), axis=1)[:, ends].astype(np.float64)
        for value in (1, 0)
    )
    block = max(1, _AT_ONCE // max(1, len(ends)))
    blocks = (times[start : start + block] for start in range(0, len(times), block))
    return np.concatenate([area(some @ hits, some @ false_alarms) for some in blocks])


def _quantiles(drawn: Floats) -> Floats:
    """Take low and high of each column over its defined draws (columns, 2)."""
    ends = np.full((drawn.shape[1], 2), np.nan)
    for column, values in enumerate(drawn.T):
        defined = values[np.isfinite(values)]
        if len(defined):
            ends[column] = np.quantile(defined, _QUANTILES)
    return ends
