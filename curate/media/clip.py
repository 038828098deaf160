"""A clip: one stretch of footage of one subject, a video or images in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
