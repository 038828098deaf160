"""Labels that a program wrote into a CSV beside each video: VIDEO.csv for VIDEO.mp4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.base.errors import MissingInputError
from curate.media.clip import Clip
from curate.sources.label_table import Labels, labels_table, read_all
from curate.sources.lengths import compare_lengths
from curate.sources.walk import visible
from curate.tables import NO_ROWS


@dataclass(frozen=True)
class ReadCsv:
    """A clip's CSV as read: its labels, its action units, and how many frames it speaks of."""

    clip: Clip
    labels: pl.DataFrame
    action_units: list[int]
    frames: int


def read_csvs(
    clips: list[Clip], footage: Path, program: str, read_clip: Callable[[Clip, Path], ReadCsv]
) -> Labels:
    """Read the CSV of every clip; clips without one, and CSVs without a video, are named.

    Raises:
        MissingInputError: no clip has one.
    """
    csvs = {clip.name: path for clip in clips if (path := csv_of(clip)) is not None}
    if not csvs:
        raise MissingInputError(
            f"{footage}: no CSV beside a video; {program} writes VIDEO.csv", path=footage
        )
    with_csv = [clip for clip in clips if clip.name in csvs]
    tables, damage = read_all(with_csv, lambda clip: read_clip(clip, csvs[clip.name]))
    notes = _without_partner(clips, footage, csvs)
    notes += compare_lengths([(table.clip, table.frames) for table in tables])
    units = sorted({unit for table in tables for unit in table.action_units})
    rows = pl.concat([NO_ROWS, *(table.labels for table in tables)], how="diagonal")
    return Labels(labels_table(rows, units), notes, damage)


def csv_of(clip: Clip) -> Path | None:
    """Find the CSV beside a clip's video."""
    path = clip.video.with_suffix(".csv") if clip.video else None
    return path if path and path.is_file() else None


def _without_partner(clips: list[Clip], footage: Path, csvs: dict[str, Path]) -> list[str]:
    """Note the videos without a CSV, and the CSVs below `footage` without a video."""
    files = visible(footage) if footage.is_dir() else []
    known = set(csvs.values())
    lone = [path for path in files if path.suffix.lower() == ".csv" and path not in known]
    return [
        *(
            f"{clip.name}: has no CSV beside its video; its frames are unlabelled"
            for clip in clips
            if clip.name not in csvs
        ),
        *(f"{path}: has no video of the same name; left out" for path in lone),
    ]
