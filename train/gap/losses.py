"""The anatomy of the gap: five probes, the same loss on each, and what lies between them.

| probe   | what it holds                                              |
|---------|------------------------------------------------------------|
| seen    | training frames already fed                                |
| unseen  | training frames not fed yet, next to one that was (first epoch only) |
| dropped | frames of the training clips' training time that were dropped |
| moments | a block of time held out of every training clip            |
| people  | validation subjects                                        |

Capping and chance give the probes different action unit rates, and a rarer class alone lowers a
cross-entropy. So each action unit's loss is put together from its mean over present and over
absent labels, weighted by the rate in training: post-stratification. What is left between two
probes is what the network knows of them, not how often they smile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.gap.intervals import Estimate, estimate

FEW_FRAMES = 30  # fewer frames in a probe than this say nothing
Floats = NDArray[np.float64]
MEANING = {
    "seen": "fed already",
    "unseen": "not fed yet",
    "dropped": "by curation",
    "moments": "same people",
    "people": "new subjects",
}
PROBES = tuple(MEANING)
# What is drawn of probes.csv: each probe's loss, and the ends of its 95 % interval.
COLUMNS = ("epoch", *MEANING, *(f"{probe}_{end}" for probe in MEANING for end in ("low", "high")))


@dataclass(frozen=True)
class Probe:
    """Scores of one probe: loss in nats and labels (frames, units), clips (frames,) as numbers.

    A label of -1 is unknown. Clips count from 0, as the columns of the weights they go with.
    """

    loss: Floats
    labels: NDArray[np.int8]
    clips: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def rates(labels: NDArray[np.int8]) -> Floats:
    """Return each action unit's rate among its known labels (units,); 0 where none is known."""
    known = (labels >= 0).sum(axis=0)
    return np.where(known > 0, (labels == 1).sum(axis=0) / np.maximum(known, 1), 0.0)


def shared_units(
    parts: Iterable[tuple[NDArray[np.int8], NDArray[np.int64]]], units: int
) -> NDArray[np.bool_]:
    """Mark the action units (units,) that every part can speak of: labels (frames, units), clips.

    That takes both present and absent labels, each in at least two clips (in one, where a part has
    but one), for what a single clip shows says nothing of the next.
    """
    shared = np.ones(units, bool)
    for labels, clips in parts:
        names = np.unique(clips)
        member = clips == names[:, None]
        for value in (1, 0):
            showing = ((member @ (labels == value)) > 0).sum(axis=0)
            shared &= showing >= min(2, len(names))
    return shared


def comparable_loss(
    probe: Probe, reference: Floats, units: NDArray[np.bool_], weights: Floats
) -> Estimate | None:
    """Return a probe's mean loss over `units` at the reference rates (units,), with its draws.

    `weights` (1 + draws, clips) as `bootstrap_weights` draws them. None where there are no units,
    or where the probe lacks present or absent labels of one.
    """
    if not units.any():
        return None
    member = (probe.clips == np.arange(weights.shape[1])[:, None]).astype(np.float64)
    loss = np.zeros((len(weights), int(units.sum())))
    for value, rate in ((1, reference[units]), (0, 1 - reference[units])):
        chosen = probe.labels[:, units] == value
        if not chosen.any(axis=0).all():
            return None
        total = weights @ (member @ np.where(chosen, probe.loss[:, units], 0.0))
        loss += rate * total / (weights @ (member @ chosen))
    return estimate(loss.mean(axis=1), weights.shape[1])


def plain_loss(probe: Probe) -> float | None:
    """Return the mean loss over a probe's known labels, as a training log would give it."""
    known = probe.labels >= 0
    return float(probe.loss[known].mean()) if known.any() else None
