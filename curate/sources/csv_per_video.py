"""Labels that a program wrote into a CSV beside each video: VIDEO.csv for VIDEO.mp4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.base.errors import UserError
from curate.media.clip import Clip
from curate.sources.label_table import Labels, gather, labels_table
from curate.sources.lengths import compare_lengths
from curate.sources.walk import visible
from curate.tables import NO_ROWS


@dataclass(frozen=True)
class Read:
    """A clip's CSV as read: its labels, its action units, and how many frames it speaks of."""

    clip: Clip
    labels: pl.DataFrame
    action_units: list[int]
    frames: int


def read_beside(
    clips: list[Clip], footage: Path, program: str, read_clip: Callable[[Clip, Path], Read]
) -> Labels:
    """Read the CSV of every clip; clips without one, and CSVs without a video, are named."""
    pairs, notes = tables_beside(clips, footage, program)
    read, damage = gather(pairs, lambda pair: read_clip(*pair))
    notes += compare_lengths([(one.clip, one.frames) for one in read])
    units = sorted({unit for one in read for unit in one.action_units})
    rows = pl.concat([NO_ROWS, *(one.labels for one in read)], how="diagonal")
    return Labels(labels_table(rows, units), notes, damage)


def tables_beside(
    clips: list[Clip], footage: Path, program: str
) -> tuple[list[tuple[Clip, Path]], list[str]]:
    """Pair videos with their CSVs; say which videos have none and which CSVs have no video.

    Raises:
        UserError: no video has one.
    """
    pairs = [(clip, path) for clip in clips if (path := table_of(clip)) is not None]
    if not pairs:
        raise UserError(f"{footage}: no CSV beside a video; {program} writes VIDEO.csv")
    paired = {clip.name for clip, _ in pairs}
    notes = [
        f"{clip.name}: has no CSV beside its video; its frames are unlabelled"
        for clip in clips
        if clip.name not in paired
    ]
    taken = {path for _, path in pairs}
    below = visible(footage) if footage.is_dir() else []
    return pairs, notes + [
        f"{path}: has no video of the same name; left out"
        for path in below
        if path.suffix.lower() == ".csv" and path not in taken
    ]


def table_of(clip: Clip) -> Path | None:
    """Find the CSV beside a clip's video."""
    path = clip.video.with_suffix(".csv") if clip.video else None
    return path if path and path.is_file() else None
