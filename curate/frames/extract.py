"""One clip's part of the frames table: crop, hash, sharpness and brightness of every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curate.base.files import atomic_write
from curate.base.stage_params import FramesParameters
from curate.base.workers import report_steps
from curate.frames.crop import cut_frames
from curate.frames.parts import is_made_from, part_schema
from curate.frames.summary import ClipCount
from curate.media.clip import Clip
from curate.media.decode import Frame, Picture, frames_of
from curate.media.full_hash import hash_picture
from curate.media.hashing import perceptual_hashes, thumbnail
from curate.media.sharpness import fit_square, sharpness_of
from curate.tables import FRAMES, frame_id, part_path, read_rows

BATCH_ROWS = 256  # rows in memory at a time, for each process


def extract_clip(
    clip: Clip,
    folder: Path,
    parameters: FramesParameters,
    force: bool = False,
    *,
    decode: Callable[[Clip], Iterator[Frame]] = frames_of,
    batch_rows: int = BATCH_ROWS,
) -> ClipCount:
    """Write one clip's part below `folder`, unless the part there was made from the same input.

    `decode` yields every frame of a clip; `batch_rows` are in memory at a time.

    Raises:
        UserError: `crop: landmarks` for a clip that has none.
    """
    # Clips are the unit of parallel work; and one thread finds faces in one order.
    cv2.setNumThreads(1)
    cv2.ocl.setUseOpenCL(False)
    path = part_path(folder, clip.name)
    schema = part_schema(clip, parameters)
    if not force and is_made_from(path, schema):
        known = read_rows(path, columns=["reason"])["reason"]
        report_steps(len(known))
        return _count(clip.name, known, was_done=True)
    frames = cut_frames(clip, decode(clip), parameters.crop)
    rows = (_row(clip, frame, cut, parameters) for frame, cut in frames)
    reasons: list[str | None] = []
    with atomic_write(path) as begun, pq.ParquetWriter(begun, schema) as writer:
        for batch in _batches(rows, batch_rows):
            _hash(batch, parameters.hash)
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            reasons += [row["reason"] for row in batch]
    return _count(clip.name, pl.Series(reasons, dtype=pl.String), was_done=False)


def _count(clip: str, reasons: pl.Series, *, was_done: bool) -> ClipCount:
    counted = reasons.value_counts(name="frames")
    by_reason = dict(zip(counted[reasons.name].to_list(), counted["frames"].to_list(), strict=True))
    return ClipCount(clip, len(reasons), by_reason, was_done)


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        report_steps(1)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _hash(rows: list[dict[str, Any]], kind: str) -> None:
    """Turn the thumbnails of rows into hashes, all at once."""
    usable = [row for row in rows if "thumbnail" in row]
    if usable:
        thumbnails = np.stack([row.pop("thumbnail") for row in usable])
        for row, value in zip(usable, perceptual_hashes(thumbnails, kind), strict=True):
            row["hash"] = int(value)


def _row(
    clip: Clip, frame: Frame, cut: Picture | None, parameters: FramesParameters
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(FRAMES) | {
        "id": frame_id(clip.name, frame.index),
        "subject": clip.subject,
        "clip": clip.name,
        "index": frame.index,
        "time": frame.time,
    }
    if cut is None:
        return row | {"reason": "unreadable" if frame.picture is None else "no_face"}
    gray = cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY)
    square = fit_square(cut, parameters.image_size)
    quality = [cv2.IMWRITE_JPEG_QUALITY, parameters.jpeg_quality]
    row["jpeg"] = cv2.imencode(".jpg", square, quality)[1].tobytes()
    row["sharpness"] = sharpness_of(square)
    row["brightness"] = float(gray.mean())
    if parameters.decode == "full":
        row["hash"] = hash_picture(cut, parameters.hash)
    else:
        row["thumbnail"] = thumbnail(gray, parameters.hash)
    return row
