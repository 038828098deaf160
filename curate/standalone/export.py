"""Gather kept frames in a folder that mirrors the footage: images copied or linked, others as JPEG.

The folder appears when it is complete.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import cv2
import polars as pl
import pyarrow.parquet as pq

from curate.base.errors import UserError
from curate.base.files import atomic_folder
from curate.base.workers import Advance, on_threads
from curate.footage.open import Footage
from curate.footage.pictures import chosen_frames
from curate.media.clip import Clip
from curate.tables import frame_id

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]
_ROWS = 64  # frames of a frames table in memory at a time


def check_empty(to: Path | None) -> None:
    """Refuse a folder for kept frames that holds something: old frames would pass for kept ones.

    Raises:
        UserError: `to` is not empty, or is no folder.
    """
    if to is None or not to.exists():
        return
    if not to.is_dir():
        raise UserError(f"{to}: is a file; choose a new folder for the kept frames", path=to)
    if any(to.iterdir()):
        raise UserError(f"{to}: is not empty; choose a new folder for the kept frames", path=to)


def copy_kept(
    footage: Footage, decisions: pl.DataFrame, to: Path, workers: int, *, link: bool = False
) -> list[str]:
    """Write the kept frames below `to`, a folder that is new or empty; return what to note.

    Images keep their path below the footage; they are copied, or with `link` hard-linked where
    the file system can. A video's frames are encoded anew as CLIP/INDEX.jpg; those of a frames
    table are its crops.

    Raises:
        UserError: `to` holds something.
    """
    check_empty(to)
    kept = decisions.filter("keep")
    with (
        atomic_folder(to.resolve(), holds="") as begun,
        on_threads("gathering", len(kept), workers) as (pool, advance),
    ):
        for part in footage.parts:
            _copy_part(part, kept["id"], begun, advance)
        images, copied = _copy_clips(footage, kept, begun, link, pool, advance)
    return _note_unlinked(len(kept) - images, copied, to) if link else []


def _note_unlinked(drawn: int, copied: int, to: Path) -> list[str]:
    notes = []
    if drawn:
        notes.append(f"{to}: {drawn:,} frames of no image file were written, not linked")
    if copied:
        notes.append(f"{to}: {copied:,} images were copied: its file system cannot link to them")
    return notes


def _copy_clips(
    footage: Footage, kept: pl.DataFrame, to: Path, link: bool, pool: Executor, advance: Advance
) -> tuple[int, int]:
    """Write the kept frames of videos and images; return how many images, and how many copied."""
    indices = {str(key[0]): set(rows["index"]) for key, rows in kept.group_by("clip")}
    videos, images = [], []
    for clip in footage.clips:
        chosen = indices.get(clip.name, set())
        if clip.video is not None:
            videos.append(pool.submit(_encode, clip, chosen, to, advance))
        else:
            images += [clip.images[index] for index in chosen]
    targets = [to / image.relative_to(footage.path) for image in images]
    for folder in {target.parent for target in targets}:
        folder.mkdir(parents=True, exist_ok=True)
    copied = sum(pool.map(partial(_copy_image, link=link, advance=advance), images, targets))
    for encoding in videos:
        encoding.result()
    return len(images), copied


def _copy_image(image: Path, target: Path, link: bool, advance: Advance) -> bool:
    advance(1)
    if link:
        try:
            os.link(image.resolve(), target)
            return False
        except OSError:  # another file system, or one without links: a copy serves as well
            pass
    shutil.copy2(image, target)
    return True


def _encode(clip: Clip, indices: set[int], to: Path, advance: Advance) -> None:
    for index, picture in chosen_frames(clip, indices):
        _write(to, clip.name, index, cv2.imencode(".jpg", picture, _QUALITY)[1].tobytes())
        advance(1)


def _copy_part(part: Path, ids: pl.Series, to: Path, advance: Advance) -> None:
    columns = ["id", "clip", "index", "jpeg"]
    for batch in pq.ParquetFile(part).iter_batches(_ROWS, columns=columns):
        rows = pl.DataFrame(batch).filter(pl.col("id").is_in(ids.implode()))
        for _, clip, index, jpeg in rows.iter_rows():
            _write(to, clip, index, jpeg)
            advance(1)


def _write(to: Path, clip: str, index: int, jpeg: bytes) -> None:
    path = to / f"{frame_id(clip, index)}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg)
