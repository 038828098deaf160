"""Stage `frames`: the one pass that decodes. One Parquet part a clip: crop, hash, quality.

Clips are done in parallel, each streamed in batches, so memory does not grow with the footage. A
part remembers what it was made from; one that is still right is not made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curate import console
from curate.crop import Boxes, crop_frame, fit_square, landmark_boxes
from curate.decode import Frame, expected_frames, frames_of
from curate.errors import UserError
from curate.hashing import perceptual_hashes, thumbnail
from curate.params import Parameters
from curate.sources import find_clips
from curate.sources.clip import Clip
from curate.table import FRAMES, REASONS, frame_id, part_path, whole_file

_BATCH = 256  # frames in memory at a time, for each process
_MADE_FROM = b"framewise.made_from"
_SCHEMA = pl.DataFrame(schema=FRAMES).to_arrow(compat_level=pl.CompatLevel.oldest()).schema


@dataclass(frozen=True)
class ClipCount:
    """What became of a clip: its frames by reason (None: usable), and whether it was kept as is."""

    clip: str
    frames: int
    by_reason: dict[str | None, int]
    was_done: bool


def frames_stage(
    folder: Path, parameters: Parameters, workers: int, force: bool
) -> list[ClipCount]:
    """Find the footage's clips and write their parts, showing progress; answer their counts."""
    clips = find_clips(Path(parameters.footage), parameters)
    if force:
        _remove_strangers(folder, set())
    with console.progress("decoding", sum(map(expected_frames, clips))) as advance:
        return extract_frames(clips, folder, parameters, workers, advance)


def by_reason(counts: list[ClipCount]) -> list[tuple[str, int]]:
    """Add up clips: frames in, frames not usable by reason, and usable frames."""
    total = {reason: sum(c.by_reason.get(reason, 0) for c in counts) for reason in (None, *REASONS)}
    return [
        ("frames in", sum(count.frames for count in counts)),
        *((reason, n) for reason, n in total.items() if reason and n),
        ("usable", total[None]),
    ]


def extract_frames(
    clips: list[Clip],
    folder: Path,
    parameters: Parameters,
    workers: int,
    on_frames: Callable[[int], None],
) -> list[ClipCount]:
    """Write the part of every clip below `folder`; parts of other clips are removed.

    `on_frames` is told how many more frames are done. Answers a count a clip, by name.

    Raises:
        UserError: `crop: landmarks` for a clip that has none.
    """
    removed = _remove_strangers(folder, {part_path(folder, clip.name) for clip in clips})
    if removed:
        console.note(f"{folder}: {removed} parts of other clips were removed")
    # A forked process inherits OpenCV's threads in an unknown state; a spawned one starts clean.
    context = get_context("spawn")
    done = context.Value("q", 0)
    with ProcessPoolExecutor(workers, context, _share_count, (done,)) as pool:
        running = {pool.submit(extract_clip, clip, folder, parameters) for clip in clips}
        try:
            counts = _follow(running, lambda: int(done.value), on_frames)
        except BrokenProcessPool:
            raise UserError(
                "a process was killed while decoding, perhaps for lack of memory; run it again "
                "with --workers 1, clips that are done are not done again"
            ) from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(counts, key=lambda count: count.clip)


def _follow(
    running: set[Future[ClipCount]], done: Callable[[], int], on_frames: Callable[[int], None]
) -> list[ClipCount]:
    """Wait for clips, telling now and then how many more frames are done."""
    counts: list[ClipCount] = []
    told = 0
    while running:
        finished, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        counts += [future.result() for future in finished]
        now = done()
        on_frames(now - told)
        told = now
    return counts


# How many frames all processes have done; None outside a worker of `extract_frames`.
_shared_count: Any = None


def _share_count(count: Any) -> None:
    global _shared_count
    _shared_count = count


def _tell(frames: int) -> None:
    if _shared_count is not None:
        with _shared_count.get_lock():
            _shared_count.value += frames


def extract_clip(clip: Clip, folder: Path, parameters: Parameters) -> ClipCount:
    """Write one clip's part, unless the part there was made from the same input."""
    cv2.setNumThreads(1)  # clips are the unit of parallel work
    path = part_path(folder, clip.name)
    made_from = _fingerprint(clip, parameters)
    if _made_from(path) == made_from:
        found = pl.read_parquet(path, columns=["reason"])["reason"]
        _tell(len(found))
        return _count(clip.name, found, True)
    boxes = landmark_boxes(clip) if parameters.crop == "landmarks" else {}
    reasons: list[str | None] = []
    schema = _SCHEMA.with_metadata({_MADE_FROM: made_from})
    with whole_file(path) as partial, pq.ParquetWriter(partial, schema) as writer:
        for frames in _batches(frames_of(clip)):
            rows = _rows(clip, frames, parameters, boxes)
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            reasons += [row["reason"] for row in rows]
            _tell(len(rows))
    return _count(clip.name, pl.Series(reasons, dtype=pl.String), False)


def _count(clip: str, reasons: pl.Series, was_done: bool) -> ClipCount:
    counted = reasons.value_counts(name="frames")
    by_reason = dict(zip(counted[reasons.name].to_list(), counted["frames"].to_list(), strict=True))
    return ClipCount(clip, len(reasons), by_reason, was_done)


def _batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(
    clip: Clip, frames: Iterable[Frame], parameters: Parameters, boxes: Boxes
) -> list[dict[str, Any]]:
    rows = [_row(clip, frame, parameters, boxes) for frame in frames]
    usable = [row for row in rows if row["reason"] is None]
    if usable:
        thumbnails = np.stack([row.pop("thumbnail") for row in usable])
        for row, value in zip(usable, perceptual_hashes(thumbnails), strict=True):
            row["hash"] = int(value)
    return rows


def _row(clip: Clip, frame: Frame, parameters: Parameters, boxes: Boxes) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(FRAMES) | {
        "id": frame_id(clip.name, frame.index),
        "subject": clip.subject,
        "clip": clip.name,
        "index": frame.index,
        "time": frame.time,
    }
    if frame.picture is None:
        return row | {"reason": "unreadable"}
    if parameters.crop == "landmarks" and frame.index not in boxes:
        return row | {"reason": "no_face"}
    cut = crop_frame(frame.picture, parameters.crop, boxes.get(frame.index))
    gray = cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY)
    square = fit_square(cut, parameters.image_size)
    quality = [cv2.IMWRITE_JPEG_QUALITY, parameters.jpeg_quality]
    row["jpeg"] = cv2.imencode(".jpg", square, quality)[1].tobytes()
    # Sharpness of the stored size, so that it compares across footage of any resolution.
    detail = cv2.Laplacian(cv2.cvtColor(square, cv2.COLOR_BGR2GRAY), cv2.CV_32F)
    row["sharpness"] = float(detail.var())
    row["brightness"] = float(gray.mean())
    row["thumbnail"] = thumbnail(gray)
    return row


def _fingerprint(clip: Clip, parameters: Parameters) -> bytes:
    """Digest all that decides a part's bytes: footage, landmarks, parameters, code."""
    digest = hashlib.blake2b(_code(), digest_size=16)
    crop = (parameters.image_size, parameters.crop, parameters.jpeg_quality)
    digest.update(repr((clip.name, clip.subject, crop)).encode())
    landmarks = clip.landmarks if parameters.crop == "landmarks" else None
    for path in filter(None, (clip.video, landmarks, *clip.images)):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest().encode()


@cache
def _code() -> bytes:
    """Read the code that decides a part's bytes: a part of older code is made again."""
    modules = ("crop.py", "decode.py", "frames.py", "hashing.py")
    return b"".join((Path(__file__).parent / name).read_bytes() for name in modules)


def _made_from(path: Path) -> bytes | None:
    if not path.exists():
        return None
    try:
        return (pq.read_schema(path).metadata or {}).get(_MADE_FROM)
    except (pa.ArrowInvalid, OSError):  # not a Parquet file: it is made anew
        return None


def _remove_strangers(folder: Path, wanted: set[Path]) -> int:
    """Remove parts of clips that are gone, only files that this stage made; answer how many."""
    there = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    strangers = [path for path in there if path not in wanted and _made_from(path) is not None]
    for path in strangers:
        path.unlink()
    return len(strangers)
