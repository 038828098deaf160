"""Small pictures of single frames on the page, each with its id and a few words."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.tables import part_path
from curate.viz.pictures import decode

_SIDE = 144  # pixels: the longer side of a tile's picture, half as much again as it is shown at
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 80]
Crop = NDArray[np.uint8]  # (height, width, 3), RGB


@dataclass(frozen=True)
class Tile:
    """A frame as the page shows it: a JPEG as data URI, its sides in pixels, words below it."""

    id: str
    words: str
    source: str
    alternative: str
    width: int
    height: int


@dataclass(frozen=True)
class Row:
    """Tiles side by side: what they have in common, in words, and what is said where none is."""

    title: str
    sentence: str
    tiles: list[Tile]


def read_pictures(folder: Path, frames: pl.DataFrame, ids: Iterable[str]) -> dict[str, Crop]:
    """Read the crops of a few frames, opening only the clips that they lie in.

    `frames` has id and clip. Frames that have no picture are left out.
    """
    wanted = sorted(set(ids))
    clips = frames.filter(pl.col("id").is_in(wanted))["clip"].unique().sort()
    pictures: dict[str, Crop] = {}
    for clip in clips:
        part = pl.scan_parquet(part_path(folder, clip), glob=False)
        own = pl.col("id").is_in(wanted) & pl.col("jpeg").is_not_null()
        rows = part.filter(own).select("id", "jpeg").collect().rows()
        pictures |= {name: decode(jpeg) for name, jpeg in rows}
    return pictures


def make_tile(name: str, words: str, alternative: str, picture: Crop) -> Tile:
    """Make a tile of a crop, small enough that a page may hold hundreds."""
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), _QUALITY)[1].tobytes()
    source = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
    return Tile(name, words, source, alternative, *size)
