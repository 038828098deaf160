"""Labels that a program wrote into a CSV beside each video: VIDEO.csv for VIDEO.mp4."""

from __future__ import annotations

from pathlib import Path

from curate.errors import UserError
from curate.sources.clip import Clip, visible


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
