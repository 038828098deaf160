"""What the labels cannot teach: action units of which a split knows nothing, or one class only.

The notes go with the model (`train.model.file.Description`), so that whoever scores it reads
them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.base.errors import UserError
from train.metrics.scores import DEFAULT_THRESHOLD

Labels = NDArray[np.int8]


def require_known(shards: Path, training: Labels) -> None:
    """Let training labels (frames, units) pass if one of them is known, not -1.

    Raises:
        UserError: there is no frame, or none has a known label.
    """
    if not len(training):
        raise UserError(
            f"{shards}: no frame is left to train on, so there is nothing to learn; keep more in "
            f"dedup, split and cap, and make the shards again",
            path=shards,
        )
    if not (training >= 0).any():
        raise UserError(
            f"{shards}: no training frame has a known label, so there is nothing to learn; add "
            f"labels of the training subjects, and make the shards again",
            path=shards,
        )


def training_notes(names: list[str], training: Labels) -> list[str]:
    """List which action units training cannot teach: labels (frames, units), -1 unknown.

    One note for each kind of lack, with all the action units that lack it.
    """
    lacks = (
        "unknown in every training frame; {are} not learned, and {their} scores mean nothing",
        "no training frame has {them} present; the network can only learn {their} absence",
        "no training frame has {them} absent; the network can only learn {their} presence",
    )
    single = {"are": "it is", "their": "its", "them": "it"}
    several = {"are": "they are", "their": "their", "them": "them"}
    return [
        f"{', '.join(lacking)}: {lack.format(**(several if len(lacking) > 1 else single))}"
        for lack, lacking in zip(lacks, _lacking(names, training), strict=True)
        if lacking
    ]


def threshold_notes(names: list[str], moments: Labels) -> list[str]:
    """List which thresholds were not chosen (`train.metrics.scores`), lacking labels on moments.

    Labels (frames, units), -1 unknown. One note for each kind of lack.
    """
    if not len(moments):
        return [f"no moments are held out, so all thresholds are {DEFAULT_THRESHOLD:g}, not chosen"]
    lacks = ("no known label", "no positive", "nothing but positives")
    return [
        f"{', '.join(lacking)}: {lack} on held-out moments, so "
        f"{'their thresholds are' if len(lacking) > 1 else 'its threshold is'} "
        f"{DEFAULT_THRESHOLD:g}, not chosen"
        for lack, lacking in zip(lacks, _lacking(names, moments), strict=True)
        if lacking
    ]


def _lacking(names: list[str], labels: Labels) -> tuple[list[str], list[str], list[str]]:
    """List the action units that are never known, known but never present, and never absent."""
    present, absent = (labels == 1).any(axis=0), (labels == 0).any(axis=0)
    unknown, never_present, never_absent = (
        [name for name, lacks in zip(names, which, strict=True) if lacks]
        for which in (~present & ~absent, ~present & absent, present & ~absent)
    )
    return unknown, never_present, never_absent
