"""Events of action units: runs of positives, and what a choice of frames leaves of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.tables import action_units

Events = NDArray[np.int64]  # (n,): which event a frame belongs to, counted from 0; -1: none


@dataclass(frozen=True)
class Left:
    """What is left of an action unit.

    `positives`: kept; `events`: of which at least one frame is kept; `covered`: share of all
    positives that lie in those events (None where there is none). A long event counts for more
    than a flicker of one frame, so `covered` stays near 1 where only flickers are lost.
    """

    positives: int
    events: int
    covered: float | None


def find_events(
    frames: pl.DataFrame, labels: pl.DataFrame, usable: NDArray[np.bool_]
) -> dict[str, Events]:
    """Number the events of each action unit: runs of positives among a clip's usable frames.

    `frames` is sorted by clip and index, `usable` is (n,). Only a frame where the unit is known
    to be absent ends an event: one that is not usable, or unknown, does not.
    """
    clip = frames["clip"].rank("dense").to_numpy()
    names = action_units(labels)
    values = frames.select("id").join(
        labels.select("id", *names), on="id", how="left", maintain_order="left"
    )
    return {name: _runs(values[name], clip, usable) for name in names}


def _runs(values: pl.Series, clip: NDArray[np.uint32], usable: NDArray[np.bool_]) -> Events:
    rows = np.flatnonzero(usable & values.is_not_null().to_numpy())
    present = values.gather(rows).to_numpy() == 1
    goes_on = np.zeros(len(rows), bool)
    goes_on[1:] = present[:-1] & (clip[rows[1:]] == clip[rows[:-1]])
    events = np.full(len(values), -1, np.int64)
    events[rows[present]] = np.cumsum(present & ~goes_on)[present] - 1
    return events


def count_left(events: Events, keep: NDArray[np.bool_]) -> Left:
    """Count what the frames to `keep` (n,) leave of one action unit's events."""
    lengths = np.bincount(events[events >= 0])
    kept = np.bincount(events[keep & (events >= 0)], minlength=len(lengths))
    positives = int(lengths.sum())
    return Left(
        positives=int(kept.sum()),
        events=int((kept > 0).sum()),
        covered=float(lengths[kept > 0].sum()) / positives if positives else None,
    )
