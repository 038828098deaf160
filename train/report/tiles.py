"""Small pictures of single frames on the page, each with its id and a few words."""

from __future__ import annotations

from dataclasses import dataclass

from curate.viz.html import Picture
from curate.viz.pictures import Crop, thumbnail

_SIDE = 144  # pixels: the longer side of a tile's picture, half as much again as it is shown at
_QUALITY = 80  # of its JPEG


@dataclass(frozen=True)
class FrameTile:
    """A frame as the page shows it: its id, the words below it, and its picture."""

    id: str
    words: str
    picture: Picture


@dataclass(frozen=True)
class TileRow:
    """Tiles side by side: what they have in common, a sentence on them, and the tiles."""

    title: str
    sentence: str
    tiles: list[FrameTile]


def make_tile(name: str, words: str, alternative: str, crop: Crop) -> FrameTile:
    """Make a tile of a crop, small enough that a page may hold hundreds."""
    return FrameTile(name, words, thumbnail(crop, alternative, side=_SIDE, quality=_QUALITY))
