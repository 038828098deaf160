"""What every source of footage answers: its clips, and their labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import polars as pl

from curate.errors import UserError
from curate.table import KEY, intensity

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class Clip:
    """One stretch of footage of one subject: a video, or a folder's images in natural order."""

    name: str  # unique; also the path of the clip's part of the frames table
    subject: str
    video: Path | None = None
    images: tuple[Path, ...] = ()
    landmarks: Path | None = None  # an OpenFace CSV with x_0..x_67, y_0..y_67


@dataclass
class Labels:
    """Labels as read: one row a labelled frame, and what the reader has to say about them."""

    table: pl.DataFrame
    notes: list[str] = field(default_factory=list)


def labels_table(rows: pl.DataFrame, action_units: list[int]) -> pl.DataFrame:
    """Order the columns of a labels table: key, action units (Int8), intensities (Float32).

    Columns that `rows` lacks are added as null: unknown, not absent.
    """
    columns: list[pl.Expr] = [pl.col(name).cast(dtype) for name, dtype in KEY.items()]
    names = [f"AU{number}" for number in sorted(action_units)]
    for wanted, dtype in [(names, pl.Int8), ([intensity(n) for n in names], pl.Float32)]:
        for name in wanted:
            value = pl.col(name) if name in rows.columns else pl.lit(None)
            columns.append(value.cast(dtype).alias(name))
    return rows.select(columns).sort("clip", "index")


def existing_footage(path: Path) -> Path:
    """Answer `path`, or say in one sentence that there is no such footage."""
    if not path.exists():
        raise UserError(
            f"{path}: no such footage; give an existing folder or video (parameter 'footage')"
        )
    return path


def videos_below(path: Path) -> list[Path]:
    """List the videos at or below `path`, sorted by path.

    Raises:
        UserError: there is none.
    """
    existing_footage(path)
    candidates = [path] if path.is_file() else visible(path)
    videos = [p for p in candidates if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file()]
    if not videos:
        raise UserError(f"{path}: holds no video ({', '.join(VIDEO_SUFFIXES)})")
    return videos


def visible(folder: Path) -> list[Path]:
    """List what lies below a folder, sorted, without hidden files such as macOS' `._clip.mp4`."""
    return sorted(path for path in folder.rglob("*") if not path.name.startswith("."))


def unique(clips: list[Clip]) -> list[Clip]:
    """Sort clips by name; two of one name cannot be told apart later, so they are refused."""
    clips = sorted(clips, key=lambda clip: clip.name)
    for one, other in pairwise(clips):
        if one.name == other.name:
            raise UserError(
                f"{_place(other)}: its clip name '{other.name}' is taken by {_place(one)}; "
                "rename one"
            )
    return clips


def _place(clip: Clip) -> Path:
    return clip.video or clip.images[0].parent
