"""The anatomy of the gap: five probes, the same loss on each, and what lies between them.

| probe   | what it holds                                              |
|---------|------------------------------------------------------------|
| seen    | training frames already fed                                |
| unseen  | training frames not fed yet (first epoch only)             |
| dropped | frames of the training clips' training time that were dropped |
| moments | a block of time held out of every training clip            |
| people  | validation subjects                                        |

Capping and chance give the probes different action unit rates, and a rarer class alone lowers a
cross-entropy. So each action unit's loss is put together from its mean over present and over
absent labels, weighted by the rate in training: post-stratification. What is left between two
probes is what the network knows of them, not how often they smile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PROBES = ("seen", "unseen", "dropped", "moments", "people")
# Fractions of the first epoch at which the probes are scored.
FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """Scores of one probe: loss in nats (frames, units), labels (frames, units), -1 unknown."""

    loss: Floats
    labels: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.labels)


def sample(frames: int, most: int, first: int = 0) -> NDArray[np.int64]:
    """Choose at most `most` of the positions `first` .. `frames` - 1, at even distances."""
    there = frames - first
    if there <= most:
        return np.arange(first, frames)
    return first + (np.arange(most) * there // most)


def schedule(frames: int, batch_size: int, epochs: int) -> dict[int, float]:
    """Say after which step (counted from 1, over all epochs) the probes are scored, at what epoch.

    In the first epoch at `FRACTIONS` of it, as near as whole batches come; then after each epoch.
    """
    steps = -(-frames // batch_size)
    points = {max(1, round(fraction * steps)): fraction for fraction in FRACTIONS}
    points |= {steps * epoch: float(epoch) for epoch in range(1, epochs + 1)}
    return dict(sorted(points.items()))


def rates(labels: NDArray[np.int8]) -> Floats:
    """Answer each action unit's rate among its known labels (units,); 0 where none is known."""
    known = (labels >= 0).sum(axis=0)
    return np.where(known > 0, (labels == 1).sum(axis=0) / np.maximum(known, 1), 0.0)


def comparable_losses(probes: Mapping[str, Probe], reference: Floats) -> dict[str, float | None]:
    """Answer each probe's loss at the reference rates (units,); None for an empty probe.

    Only action units of which every non-empty probe has present and absent labels take part, so
    that all figures speak of the same ones; None for all where there is no such unit.
    """
    there = {name: probe for name, probe in probes.items() if len(probe)}
    by_class = {name: _class_means(probe) for name, probe in there.items()}
    shared = np.ones(len(reference), bool)
    for present, absent in by_class.values():
        shared &= np.isfinite(present) & np.isfinite(absent)
    answer: dict[str, float | None] = dict.fromkeys(probes)
    if not shared.any():
        return answer
    for name, (present, absent) in by_class.items():
        loss = reference * present + (1 - reference) * absent
        answer[name] = float(loss[shared].mean())
    return answer


def _class_means(probe: Probe) -> tuple[Floats, Floats]:
    """Mean loss over present and over absent labels (units,) each; NaN where there is none."""
    means = []
    for value in (1, 0):
        chosen = probe.labels == value
        count = chosen.sum(axis=0)
        total = np.where(chosen, probe.loss, 0.0).sum(axis=0)
        means.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return means[0], means[1]


def plain_loss(probe: Probe) -> float | None:
    """Answer the mean loss over a probe's known labels, as a training log would give it."""
    known = probe.labels >= 0
    return float(probe.loss[known].mean()) if known.any() else None
