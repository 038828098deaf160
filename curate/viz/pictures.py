"""Pictures of frames: decoded, made small for a page, compared, named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.tables import clip_of, part_path, read_jpegs
from curate.viz.html import Picture, data_uri

AMPLIFIED = 4  # times that a difference is drawn larger than it is
_LONGEST_NAME = 34  # characters
Crop = NDArray[np.uint8]  # (height, width, 3), RGB


def decode(jpeg: bytes) -> Crop:
    """Decode a stored crop to (height, width, 3) uint8, RGB."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(picture, np.uint8)


def read_crops(folder: Path, ids: Iterable[str]) -> dict[str, Crop]:
    """Read the crops of a few frames, opening only the clips that they lie in.

    `folder` holds the parts of a frames table. Frames that have no picture are left out.

    Raises:
        DamagedInputError: a part that cannot be read.
    """
    clips: dict[str, list[str]] = {}
    for name in sorted(set(ids)):
        clips.setdefault(clip_of(name), []).append(name)
    parts = ((part_path(folder, clip), names) for clip, names in clips.items())
    jpegs = [read_jpegs(part, names) for part, names in parts if part.is_file()]
    return {name: decode(jpeg) for own in jpegs for name, jpeg in own.items()}


def difference(one: Crop, other: Crop) -> Crop:
    """Amplify what differs between two pictures (height, width, 3): white is the same."""
    if one.shape != other.shape:
        other = np.asarray(cv2.resize(other, one.shape[1::-1]), np.uint8)
    apart = np.abs(one.astype(np.int16) - other.astype(np.int16)) * AMPLIFIED
    return (255 - np.minimum(apart, 255)).astype(np.uint8)


def thumbnail(
    crop: Crop, alternative: str, *, side: int, quality: int, enlarge: bool = False
) -> Picture:
    """Make a JPEG of a crop whose longer side has `side` pixels.

    A smaller one keeps its size unless `enlarge` is true. `quality` is JPEG's, 0 to 100.
    """
    height, width = crop.shape[:2]
    scale = side / max(height, width)
    scale = scale if enlarge else min(1.0, scale)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return Picture(data_uri(jpeg, ".jpg"), alternative, *size)


def shorten(name: str) -> str:
    """Cut the middle out of a long frame id, so that its clip and number stay readable."""
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[:half]}…{name[1 - half :]}"
