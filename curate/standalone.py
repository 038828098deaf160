"""`curate dedup PATH`: the same rule on any video, folder of videos or images, or frames table.

Only what the stride keeps is decoded, at reduced scale where the format allows. PATH is never
changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pyarrow.parquet as pq
from cv2.typing import MatLike

from curate import console
from curate.decode import expected_frames, frames_of
from curate.dedup import decide, label_sets
from curate.errors import UserError
from curate.hashing import perceptual_hashes, read_gray, thumbnail
from curate.params import Parameters
from curate.sources import images, videos
from curate.sources.clip import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    Clip,
    existing_footage,
    unique,
    visible,
)
from curate.table import DEDUP, KEY, frame_id, read_frames, whole_file, write_table

_COLUMNS = KEY | {"hash": pl.UInt64, "reason": pl.String}
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]
Advance = Callable[[int], None]


def standalone_stage(
    path: Path, output: Path | None, to: Path | None, parameters: Parameters, workers: int
) -> pl.DataFrame:
    """Decide on the footage at `path`; write the decisions, if asked for, and answer them.

    Raises:
        UserError: no footage at `path`, or `output` or `to` lies inside it.
    """
    check_outside(path, to, output)
    decisions = decide_on_footage(path, parameters, workers)
    if output is not None:
        write_table(decisions, output, DEDUP)
    return decisions


def decide_on_footage(path: Path, parameters: Parameters, workers: int) -> pl.DataFrame:
    """Hash what the stride keeps of the footage at `path`, and decide on every frame.

    Answers the columns of `curate.table.DEDUP`; the id of an image is its path below `path`.

    Raises:
        UserError: nothing at `path`, or nothing there that is footage.
    """
    if _is_frames_table(path):
        table = read_frames(path)
    else:
        table = _hash_clips(find_clips(path, parameters), path, parameters.stride, workers)
    return decide(
        table,
        label_sets(table, None),
        stride=parameters.stride,
        distance=parameters.distance,
        scope=parameters.scope,
    )


def find_clips(path: Path, parameters: Parameters) -> list[Clip]:
    """List the videos and the folders of images at or below `path`."""
    existing_footage(path)
    there = [path] if path.is_file() else visible(path)
    suffixes = {p.suffix.lower() for p in there if p.is_file()}
    clips: list[Clip] = []
    if suffixes & set(VIDEO_SUFFIXES):
        clips += videos.find_clips(path, parameters)
    if path.is_dir() and suffixes & set(IMAGE_SUFFIXES):
        clips += images.find_clips(path, parameters)
    if not clips:
        raise UserError(
            f"{path}: holds no footage: no video ({', '.join(VIDEO_SUFFIXES)}), no image "
            f"({', '.join(IMAGE_SUFFIXES)}) and no Parquet part"
        )
    return unique(clips)


def _is_frames_table(path: Path) -> bool:
    if path.is_dir():
        return any(path.rglob("*.parquet"))
    return path.suffix == ".parquet" and path.exists()


def _hash_clips(clips: list[Clip], root: Path, stride: int, workers: int) -> pl.DataFrame:
    """Hash clips on threads: OpenCV lets go of the interpreter while it decodes."""
    cv2.setNumThreads(1)
    total = sum(expected_frames(clip) for clip in clips)
    with console.progress("hashing", total) as advance, ThreadPoolExecutor(workers) as pool:
        running = {
            clip.name: pool.submit(_hash_video, clip, stride, advance)
            for clip in clips
            if clip.video is not None
        }
        parts = [
            running[clip.name].result()
            if clip.name in running
            else _hash_images(clip, root, stride, pool, advance)
            for clip in clips
        ]
    return pl.DataFrame([row for part in parts for row in part], schema=_COLUMNS)


def _hash_video(clip: Clip, stride: int, advance: Advance) -> list[dict[str, Any]]:
    rows = []
    for frame in frames_of(clip, stride):
        row = _row(clip, frame.index, frame_id(clip.name, frame.index))
        if frame.picture is not None:
            gray = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY)
            row["hash"] = _hash(gray)
        elif not frame.passed_over:
            row["reason"] = "unreadable"
        rows.append(row)
        advance(1)
    return rows


def _hash_images(
    clip: Clip, root: Path, stride: int, pool: ThreadPoolExecutor, advance: Advance
) -> list[dict[str, Any]]:
    def hashed(numbered: tuple[int, Path]) -> dict[str, Any]:
        index, path = numbered
        row = _row(clip, index, path.relative_to(root).as_posix())
        if index % stride == 0:
            gray = read_gray(path)
            if gray is None:
                row["reason"] = "unreadable"
            else:
                row["hash"] = _hash(gray)
        advance(1)
        return row

    return list(pool.map(hashed, enumerate(clip.images)))


def _hash(gray: MatLike) -> int:
    return int(perceptual_hashes(thumbnail(gray)[None])[0])


def _row(clip: Clip, index: int, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "subject": clip.subject,
        "clip": clip.name,
        "index": index,
        "hash": None,
        "reason": None,
    }


def check_outside(path: Path, *places: Path | None) -> None:
    """Refuse places to write to that lie in the footage at `path`.

    Raises:
        UserError: a place is the footage, or lies inside it.
    """
    for place in filter(None, places):
        if path.resolve() in (place.resolve(), *place.resolve().parents):
            raise UserError(
                f"{place}: lies inside {path}, which is never changed; choose another place"
            )


def check_empty(to: Path | None) -> None:
    """Refuse a folder for kept frames that holds something: old frames would pass for kept ones.

    Raises:
        UserError: `to` is not empty.
    """
    if to is not None and to.exists() and any(to.iterdir()):
        raise UserError(f"{to}: is not empty; choose a new folder for the kept frames")


def copy_kept(path: Path, decisions: pl.DataFrame, to: Path) -> None:
    """Write the kept frames below `to`: image files copied, video frames as JPEG.

    Raises:
        UserError: `to` lies in the footage itself.
    """
    check_outside(path, to)
    kept = decisions.filter("keep")
    with console.progress("copying", len(kept)) as advance:
        if _is_frames_table(path):
            _copy_from_parts(path, set(kept["id"]), to, advance)
            return
        wanted: dict[str, set[int]] = {
            str(clip): set(rows["index"]) for (clip,), rows in kept.group_by("clip")
        }
        for clip in find_clips(path, Parameters()):
            _copy_clip(clip, wanted.get(clip.name, set()), path, to, advance)


def _copy_clip(clip: Clip, wanted: set[int], root: Path, to: Path, advance: Advance) -> None:
    if clip.video is None:
        for index in sorted(wanted):
            target = to / clip.images[index].relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as partial:
                shutil.copy2(clip.images[index], partial)
            advance(1)
        return
    if not wanted:
        return
    # Frames off the common step are passed over; frame 0 alone has no step of its own.
    step = int(np.gcd.reduce(list(wanted))) or 1
    for frame in frames_of(clip, step):
        if frame.index > max(wanted):
            break
        if frame.index in wanted and frame.picture is not None:
            _write(to, clip.name, frame.index, cv2.imencode(".jpg", frame.picture, _QUALITY)[1])
            advance(1)


def _copy_from_parts(path: Path, wanted: set[str], to: Path, advance: Advance) -> None:
    for part in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
        for batch in pq.ParquetFile(part).iter_batches(columns=["id", "clip", "index", "jpeg"]):
            for row in batch.to_pylist():
                if row["id"] in wanted:
                    _write(to, row["clip"], row["index"], row["jpeg"])
                    advance(1)


def _write(to: Path, clip: str, index: int, jpeg: Any) -> None:
    with whole_file(to / clip / f"{index:06d}.jpg") as partial:
        partial.write_bytes(bytes(jpeg))
