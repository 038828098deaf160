"""Hash any footage: what the stride keeps is decoded, at reduced scale where that suffices.

Videos and batches of images are hashed on threads: OpenCV and NumPy let go of the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from curate.base.stage_params import FramesParameters
from curate.base.workers import Advance, on_threads
from curate.footage.cache import LOOKED_UP, HashCache, State, cache_folder
from curate.footage.measure import BATCH, FRAMES, Wanted, hash_images, hash_video
from curate.footage.open import Footage, check_hash_kind, file_id, open_footage
from curate.media.clip import Clip
from curate.media.decode import expected_frames
from curate.tables import KEY, key_columns, read_parts

COLUMNS = KEY | FRAMES


@dataclass(frozen=True)
class Hashed:
    """Frames with the columns `COLUMNS`; files that were read, and files that the cache knew.

    `notes` are sentences for the user.
    """

    frames: pl.DataFrame
    read: int = 0
    cached: int = 0
    notes: list[str] = field(default_factory=list)


def hash_footage(
    path: Path,
    parameters: FramesParameters,
    workers: int,
    *,
    stride: int = 1,
    sharpness: bool = False,
    cache: Path | None = None,
) -> Hashed:
    """Hash every frame on the stride of the footage at `path`; return all, by clip and index.

    `path` is a video, a folder of videos or images (nested), a frames table's folder or a part of
    one. The columns are id, subject, clip, index; time Float64 (seconds; null for images); hash
    UInt64 (null where not hashed); sharpness Float32 (null unless asked for, or in the frames
    table); reason String (null where usable or off the stride). `cache` is a folder with the
    hashes of earlier runs, which is brought up to date.

    Raises:
        UserError: no footage at `path`, or a frames table with hashes of another kind.
    """
    footage = open_footage(path)
    side = parameters.image_size if sharpness else None
    wanted = Wanted(parameters.hash, stride, parameters.decode, side)
    hashed = hash_all(footage, wanted, workers, cache)
    return replace(hashed, notes=footage.notes + hashed.notes)


def hash_all(
    footage: Footage, wanted: Wanted, workers: int, cache: Path | None, *, remember: bool = True
) -> Hashed:
    """Hash footage as `hash_footage` does; the cache is written to only if it shall `remember`.

    Raises:
        UserError: a frames table with hashes of another kind, or one that cannot be read.
    """
    if footage.parts:
        check_hash_kind(footage.parts, wanted.kind)
        return Hashed(read_parts(footage.parts, list(COLUMNS)))
    known = HashCache.load(cache, footage.path, wanted.kind, wanted.decode)
    existing = [clip for clip in footage.clips if clip.video is None or clip.video.is_file()]
    with on_threads("hashing", sum(map(expected_frames, existing)), workers) as (pool, advance):
        hashed = _hash_clips(footage, wanted, known, pool, advance)
    if not remember:
        return hashed
    try:
        known.save(file_id(file, footage.path) for file in footage.files)
    except OSError as error:  # a full disk, no permission: the hashes themselves are there
        why = f"{cache}: hashes could not be cached there ({error.strerror})"
        return replace(hashed, notes=[f"{why}; the next run reads all files again"])
    return hashed


def _hash_clips(
    footage: Footage, wanted: Wanted, cache: HashCache, pool: Executor, advance: Advance
) -> Hashed:
    root = footage.path
    videos = [clip for clip in footage.clips if clip.video is not None]
    begun = [pool.submit(_look_up_video, clip, root, wanted, cache, advance) for clip in videos]
    folders = [clip for clip in footage.clips if clip.video is None]
    parts, read, cached = [], 0, 0
    if folders:
        images, read, cached = _hash_folders(folders, root, wanted, cache, pool, advance)
        parts.append(images)
    for clip, running in zip(videos, begun, strict=True):
        state, frames, known = running.result()
        if known:
            cached += 1
        else:
            read += 1
            cache.put_video(state, wanted, frames)
        parts.append(frames.with_columns(key_columns(clip.name, clip.subject)))
    table = pl.concat([part.select(list(COLUMNS)) for part in parts])
    return Hashed(table.sort("clip", "index"), read, cached)


def _look_up_video(
    clip: Clip, root: Path, wanted: Wanted, cache: HashCache, advance: Advance
) -> tuple[State, pl.DataFrame, bool]:
    """Return a video's state before it is read, its frames, and whether the cache knew them."""
    assert clip.video is not None
    state = State.of(clip.video, file_id(clip.video, root))
    known = cache.video(state, wanted)
    if known is not None:
        advance(len(known))
        return state, known, True
    return state, hash_video(clip, wanted, advance), False


def _hash_folders(
    clips: Sequence[Clip],
    root: Path,
    wanted: Wanted,
    cache: HashCache,
    pool: Executor,
    advance: Advance,
) -> tuple[pl.DataFrame, int, int]:
    """Hash images in batches that go across folders; return frames, files read, files known."""
    paths = [path for clip in clips for path in clip.images]
    frames = _image_frames(clips, [file_id(path, root) for path in paths])
    on = frames.with_row_index("row").filter(pl.col("index") % wanted.stride == 0)
    advance(len(paths) - len(on))

    def look_up(rows: pl.DataFrame) -> pl.DataFrame:
        files = [(paths[row], name) for row, name in rows.select("row", "id").iter_rows()]
        images = _look_up_images(files, wanted, cache)
        advance(len(files))
        return images

    images = pl.concat([pl.DataFrame(schema=LOOKED_UP), *pool.map(look_up, on.iter_slices(BATCH))])
    cache.put_images(images, wanted)
    broken = pl.when(pl.col("hash").is_null()).then(pl.lit("unreadable")).alias("reason")
    on = pl.concat([on.select("row"), images.select("hash", "sharpness", broken)], how="horizontal")
    table = frames.with_row_index("row").join(on, on="row", how="left", maintain_order="left")
    known = int(images["known"].sum())
    return table, len(images) - known, known


def _image_frames(clips: Sequence[Clip], ids: list[str]) -> pl.DataFrame:
    """Make the key columns of images, which are called `ids`, and their (unknown) time."""
    lengths = [len(clip.images) for clip in clips]
    return pl.DataFrame(
        {
            "id": ids,
            "subject": np.repeat([clip.subject for clip in clips], lengths),
            "clip": np.repeat([clip.name for clip in clips], lengths),
            "index": np.concatenate([np.arange(length) for length in lengths]),
            "time": None,
        },
        schema=KEY | {"time": pl.Float64},
    )


def _look_up_images(
    files: Sequence[tuple[Path, str]], wanted: Wanted, cache: HashCache
) -> pl.DataFrame:
    """Ask the cache about images, given as paths and ids, and read those it does not know."""
    states = [State.of(path, name) for path, name in files]
    known = [cache.image(state, wanted) for state in states]
    unknown = [path for (path, _), values in zip(files, known, strict=True) if values is None]
    fresh = iter(hash_images(unknown, wanted))
    return pl.DataFrame(
        [
            (
                state.file,
                state.size,
                state.mtime_ns,
                state.settled,
                values is not None,
                *(next(fresh) if values is None else values),
            )
            for state, values in zip(states, known, strict=True)
        ],
        schema=LOOKED_UP,
        orient="row",
    )


def hash_with_cache(
    path: Path,
    parameters: FramesParameters,
    workers: int,
    *,
    stride: int = 1,
    sharpness: bool = False,
) -> Hashed:
    """Hash footage as `hash_footage` does, with the user's own cache, which every command shares.

    Raises:
        UserError: no footage at `path`, or a frames table with hashes of another kind.
    """
    cache, notes = cache_folder(None, path)
    hashed = hash_footage(
        path, parameters, workers, stride=stride, sharpness=sharpness, cache=cache
    )
    return replace(hashed, notes=notes + hashed.notes)
