"""Read the pictures of a few frames of any footage, for a page that shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from cv2.typing import MatLike
from numpy.typing import NDArray

from curate.footage.open import open_footage
from curate.media.clip import Clip
from curate.media.decode import frames_of, read_picture
from curate.tables import read_jpegs


def read_pictures(path: Path, frames: pl.DataFrame) -> dict[str, NDArray[np.uint8]]:
    """Map the ids of `frames` (id, clip, index; a few dozen) to their pictures (h, w, 3) uint8 RGB.

    `path` is as `hash_footage` takes it; a frames table gives its crops. A frame that is not
    there or is unreadable is left out.

    Raises:
        UserError: no footage at `path`.
    """
    footage = open_footage(path)
    wanted: dict[str, dict[int, str]] = {}
    for name, clip, index in frames.select("id", "clip", "index").iter_rows():
        wanted.setdefault(clip, {})[index] = name
    pictures: dict[str, MatLike] = dict(_in_parts(footage.parts, frames["id"]))
    for clip in footage.clips:
        names = wanted.get(clip.name, {})
        pictures |= {names[index]: picture for index, picture in chosen_frames(clip, set(names))}
    return {
        name: np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        for name, picture in pictures.items()
    }


def chosen_frames(clip: Clip, indices: set[int]) -> Iterator[tuple[int, MatLike]]:
    """Decode some frames of a clip, in order, as (h, w, 3) uint8 BGR; broken ones are left out."""
    if clip.video is None:
        yield from _chosen_images(clip.images, indices)
        return
    if not indices:
        return
    # Frames off the common step are passed over; frame 0 alone has no step of its own.
    step = int(np.gcd.reduce(list(indices))) or 1
    for frame in frames_of(clip, step):
        if frame.index in indices and frame.picture is not None:
            yield frame.index, frame.picture
        if frame.index >= max(indices):
            return


def _chosen_images(images: Sequence[Path], indices: set[int]) -> Iterator[tuple[int, MatLike]]:
    for index in sorted(indices):
        picture = read_picture(images[index]) if index < len(images) else None
        if picture is not None:
            yield index, picture


def _in_parts(parts: list[Path], names: pl.Series) -> Iterator[tuple[str, MatLike]]:
    for part in parts:
        for name, jpeg in read_jpegs(part, names).items():
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            if picture is not None:
                yield name, picture
