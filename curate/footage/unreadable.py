"""Name the files of footage that hold unreadable frames, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curate.base.text import first_few, on_one_line, plural
from curate.footage.open import Footage, file_id
from curate.media.decode import complete_bytes

_NAMED = 3  # files named in a note
_MAGIC = (b"\xff\xd8", b"\x89PNG")  # of the files whose end `complete_bytes` looks for


@dataclass(frozen=True)
class Unreadable:
    """A file (or a clip of a frames table) with `unreadable` of its `frames`, and why."""

    file: str
    unreadable: int
    frames: int
    why: str

    def __str__(self) -> str:
        return f"{on_one_line(self.file)} ({self.why})"

    def as_data(self) -> dict[str, Any]:
        """Return the same for machines."""
        return asdict(self)


def find_unreadable(footage: Footage, frames: pl.DataFrame) -> list[Unreadable]:
    """List the files of `footage` with unreadable `frames` (clip, index, reason), by clip."""
    broken = pl.col("reason") == "unreadable"
    by_clip = frames.group_by("clip").agg(
        pl.len().alias("frames"), pl.col("index").filter(broken).sort().alias("broken")
    )
    damaged = by_clip.filter(pl.col("broken").list.len() > 0).sort("clip")
    clips = {clip.name: clip for clip in footage.clips}
    files = []
    for name, count, indices in damaged.select("clip", "frames", "broken").iter_rows():
        clip = clips.get(name)
        if clip is not None and clip.video is None:
            for index in indices:
                image = clip.images[index]
                files.append(Unreadable(file_id(image, footage.path), 1, 1, _why_image(image)))
            continue
        video = None if clip is None else clip.video
        file = name if video is None else file_id(video, footage.path)
        files.append(Unreadable(file, len(indices), count, _why_video(video, len(indices), count)))
    return files


def note_unreadable(path: Path, unreadable: Sequence[Unreadable], where: str = "") -> list[str]:
    """Describe in at most one sentence which files hold unreadable frames, the first few by name.

    `where` says where all of them are named.
    """
    if not unreadable:
        return []
    names = first_few(list(map(str, unreadable)), _NAMED)
    files = plural(len(unreadable), "file")
    all_named = f"; {where}" if where and len(unreadable) > _NAMED else ""
    return [f"{on_one_line(path)}: unreadable frames in {files}: {names}{all_named}"]


def _why_image(path: Path) -> str:
    begins = _first_bytes(path)
    if isinstance(begins, str):
        return begins
    return "cut off" if begins.startswith(_MAGIC) and not complete_bytes(path) else "no picture"


def _why_video(path: Path | None, broken: int, frames: int) -> str:
    if path is None or broken < frames:
        return f"{broken:,} of {frames:,} frames"
    begins = _first_bytes(path)
    return begins if isinstance(begins, str) else "no video"


def _first_bytes(path: Path) -> bytes | str:
    """Read how a file begins; in words, why it does not begin at all."""
    if path.exists() and not path.is_file():  # a named pipe would be waited on for ever
        return "not a file"
    try:
        with path.open("rb") as file:
            return file.read(4) or "empty file"
    except OSError as error:
        return (error.strerror or str(error)).lower()
