"""Stage `frames`: the one pass that decodes. One Parquet part a clip: crop, hash, quality.

Clips are done in parallel, each streamed in batches, so memory does not grow with the footage. A
part remembers what it was made from; one that is still right is not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curate.base import console
from curate.base.errors import UserError
from curate.base.files import atomic_write
from curate.base.stage_params import FramesParameters
from curate.base.text import plural
from curate.base.workers import in_processes, tell
from curate.frames.crop import cut_frames
from curate.frames.parts import is_made_from, part_schema, remove_partials, remove_stale
from curate.media.clip import Clip
from curate.media.decode import Frame, Picture, expected_frames, frames_of
from curate.media.full_hash import hash_picture
from curate.media.hashing import perceptual_hashes, thumbnail
from curate.media.sharpness import fit_square, sharpness_of
from curate.sources import find_clips
from curate.tables import FRAMES, REASONS, frame_id, part_path

_BATCH = 256  # rows in memory at a time, for each process
_NOTED = 5  # clips pointed out one by one


@dataclass(frozen=True)
class ClipCount:
    """What became of a clip: its frames by reason (None: usable), and whether it was kept as is."""

    clip: str
    frames: int
    by_reason: dict[str | None, int]
    was_done: bool

    @property
    def usable(self) -> int:
        """Frames that have a picture and a hash."""
        return self.by_reason.get(None, 0)


def frames_stage(
    footage: Path, folder: Path, parameters: FramesParameters, workers: int, force: bool
) -> list[ClipCount]:
    """Find the footage's clips and write their parts, showing progress; return their counts."""
    clips = find_clips(footage, parameters)
    with console.progress("decoding", sum(map(expected_frames, clips))) as advance:
        return extract_frames(clips, folder, parameters, workers, advance, force)


def by_reason(counts: list[ClipCount]) -> list[tuple[str, int]]:
    """Add up clips: frames in, frames not usable by reason, and usable frames."""
    total = {reason: sum(c.by_reason.get(reason, 0) for c in counts) for reason in (None, *REASONS)}
    return [
        ("frames in", sum(count.frames for count in counts)),
        *((reason, n) for reason, n in total.items() if reason and n),
        ("usable", total[None]),
    ]


def notes(counts: list[ClipCount]) -> list[str]:
    """Point out the clips with frames that are not usable, the worst first, a sentence each."""
    hurt = [count for count in counts if count.usable < count.frames]
    hurt.sort(key=lambda count: (count.usable / count.frames, count.clip))
    more = len(hurt) - _NOTED
    said = [_note(count) for count in hurt[:_NOTED]]
    if more > 0:
        said.append(f"{plural(more, 'more clip')} with frames that are not usable")
    return said


def _note(count: ClipCount) -> str:
    broken, faceless = (count.by_reason.get(name, 0) for name in ("unreadable", "no_face"))
    whole = f"of {count.frames:,} frames"
    if broken == count.frames:
        return f"{count.clip}: none of its frames can be read ({count.frames:,})"
    if broken + faceless == count.frames:
        return f"{count.clip}: no face in any {whole}" + f", {broken:,} unreadable" * (broken > 0)
    said = [
        f"{n:,} {whole} {reason}"
        for n, reason in ((broken, "unreadable"), (faceless, "no_face"))
        if n
    ]
    return f"{count.clip}: {', '.join(said)}"


def extract_frames(
    clips: list[Clip],
    folder: Path,
    parameters: FramesParameters,
    workers: int,
    on_frames: Callable[[int], None],
    force: bool = False,
) -> list[ClipCount]:
    """Write the part of every clip below `folder`; parts of other clips are removed.

    `on_frames` is told how many more frames are done. With `force`, parts that are done are done
    again. Returns a count a clip, by name.

    Raises:
        UserError: `crop: landmarks` for a clip that has none.
    """
    removed = remove_stale(folder, {part_path(folder, clip.name) for clip in clips})
    if removed:
        console.note(f"{folder}: {removed} parts of other clips were removed")
    remove_partials(folder)
    work = partial(extract_clip, folder=folder, parameters=parameters, force=force)
    try:
        counts = in_processes(work, clips, workers, on_frames)
    except BrokenProcessPool:
        raise UserError(
            "a process was killed while decoding, perhaps for lack of memory; run it again "
            "with --workers 1, clips that are done are not done again"
        ) from None
    return sorted(counts, key=lambda count: count.clip)


def extract_clip(
    clip: Clip, folder: Path, parameters: FramesParameters, force: bool = False
) -> ClipCount:
    """Write one clip's part, unless the part there was made from the same input."""
    # Clips are the unit of parallel work; and one thread finds faces in one order.
    cv2.setNumThreads(1)
    cv2.ocl.setUseOpenCL(False)
    path = part_path(folder, clip.name)
    schema = part_schema(clip, parameters)
    if not force and is_made_from(path, schema):
        found = pl.read_parquet(path, columns=["reason"])["reason"]
        tell(len(found))
        return _count(clip.name, found, True)
    frames = cut_frames(clip, frames_of(clip), parameters.crop)
    rows = (_row(clip, frame, cut, parameters) for frame, cut in frames)
    reasons: list[str | None] = []
    with atomic_write(path) as begun, pq.ParquetWriter(begun, schema) as writer:
        for batch in _batches(rows):
            _hash(batch, parameters.hash)
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            reasons += [row["reason"] for row in batch]
    return _count(clip.name, pl.Series(reasons, dtype=pl.String), False)


def _count(clip: str, reasons: pl.Series, was_done: bool) -> ClipCount:
    counted = reasons.value_counts(name="frames")
    by_reason = dict(zip(counted[reasons.name].to_list(), counted["frames"].to_list(), strict=True))
    return ClipCount(clip, len(reasons), by_reason, was_done)


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        tell(1)
        if len(batch) == _BATCH:
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
