"""Hash one video, or one batch of images: the part of hashing that runs on a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from cv2.typing import MatLike

from curate.base.workers import Advance
from curate.media.clip import Clip
from curate.media.decode import Frame, frames_of, read_picture
from curate.media.full_hash import hash_file, hash_picture
from curate.media.hashing import perceptual_hashes, read_gray, thumbnail
from curate.media.sharpness import sharpness_at

BATCH = 64  # images, or frames of a video, hashed at a time
FRAMES = {
    "index": pl.Int32,
    "time": pl.Float64,  # seconds; null for images
    "hash": pl.UInt64,  # null where there is no picture, or the stride passes it over
    "sharpness": pl.Float32,  # null unless asked for
    "reason": pl.String,
}


@dataclass(frozen=True)
class Wanted:
    """What is to be measured: the kind of hash, one frame in how many, and sharpness."""

    kind: str
    stride: int = 1
    decode: str = "reduced"  # or full: by imagehash itself
    side: int | None = None  # pixels at which sharpness is measured; None: it is not


@dataclass(frozen=True)
class _Seen:
    """What is left of a frame once it was looked at; the picture itself is let go of."""

    index: int
    time: float | None
    thumbnail: MatLike | None = None  # what the hash is made from, many at a time
    hash: int | None = None  # where it was made at once
    sharpness: float | None = None
    reason: str | None = None


def hash_video(clip: Clip, wanted: Wanted, advance: Advance) -> pl.DataFrame:
    """Hash the frames of a video that lie on the stride; returns every frame, as `FRAMES`."""
    assert clip.video is not None
    if not clip.video.is_file():  # a link to nowhere; a named pipe, which would be waited on
        advance(1)
        return _table([_Seen(0, None, reason="unreadable")], wanted.kind)
    batches = []
    batch: list[_Seen] = []
    for frame in frames_of(clip, wanted.stride):
        batch.append(_look(frame, wanted))
        if len(batch) == BATCH:
            batches.append(_table(batch, wanted.kind))
            advance(len(batch))
            batch = []
    batches.append(_table(batch, wanted.kind))
    advance(len(batch))
    return pl.concat(batches)


def hash_images(paths: Sequence[Path], wanted: Wanted) -> list[tuple[int | None, float | None]]:
    """Hash image files: hash and sharpness of each; None, None where it is no complete picture."""
    table = _table([_look_at_file(path, wanted) for path in paths], wanted.kind)
    return table.select("hash", "sharpness").rows()


def _look(frame: Frame, wanted: Wanted) -> _Seen:
    if frame.picture is None:
        reason = None if frame.passed_over else "unreadable"
        return _Seen(frame.index, frame.time, reason=reason)
    sharpness = None if wanted.side is None else sharpness_at(frame.picture, wanted.side)
    seen = _Seen(frame.index, frame.time, sharpness=sharpness)
    if wanted.decode == "full":
        return replace(seen, hash=hash_picture(frame.picture, wanted.kind))
    gray = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY)
    return replace(seen, thumbnail=thumbnail(gray, wanted.kind))


def _look_at_file(path: Path, wanted: Wanted) -> _Seen:
    seen = _hashed_file(path, wanted) if path.is_file() else None
    if seen is None:
        return _Seen(0, None, reason="unreadable")
    # The hash is of the reduced picture also here: it shall not depend on what else is asked for.
    picture = None if wanted.side is None else read_picture(path)
    sharpness = None if picture is None else sharpness_at(picture, wanted.side or 0)
    return replace(seen, sharpness=sharpness)


def _hashed_file(path: Path, wanted: Wanted) -> _Seen | None:
    """Read an image file for its hash; None where it is no complete picture."""
    if wanted.decode == "full":
        value = hash_file(path, wanted.kind)
        return None if value is None else _Seen(0, None, hash=value)
    gray = read_gray(path)
    return None if gray is None else _Seen(0, None, thumbnail(gray, wanted.kind))


def _table(seen: Sequence[_Seen], kind: str) -> pl.DataFrame:
    thumbnails = [frame.thumbnail for frame in seen if frame.thumbnail is not None]
    hashes = iter(perceptual_hashes(np.stack(thumbnails), kind).tolist() if thumbnails else [])
    columns = {
        "index": [frame.index for frame in seen],
        "time": [frame.time for frame in seen],
        "hash": [frame.hash if frame.thumbnail is None else next(hashes) for frame in seen],
        "sharpness": [frame.sharpness for frame in seen],
        "reason": [frame.reason for frame in seen],
    }
    return pl.DataFrame(columns, schema=FRAMES)
