"""Finding one frame in the pipeline's tables: by its id, reading no more than its clip."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.base.errors import MissingInputError, UserError
from curate.tables import (
    KEY,
    WITHOUT_PICTURES,
    frame_id,
    part_path,
    read_parts,
    read_rows,
    split_frame_id,
)

_NEAR = 3  # clips named when one is not known
_ALIKE = 0.4  # least similarity of their names (difflib's ratio, 0-1)


@dataclass(frozen=True)
class Places:
    """Where the stages' tables lie; any of them may be missing."""

    frames: Path
    labels: Path
    dedup: Path
    split: Path
    cap: Path
    shards: Path

    @property
    def tables(self) -> tuple[Path, ...]:
        """The tables that have a row a frame."""
        return (self.labels, self.dedup, self.split, self.cap)


@dataclass(frozen=True)
class Found:
    """A frame that is there: its id, and its clip's part of the frames table without pictures.

    `part` is empty where stage frames has not run.
    """

    id: str
    clip: str
    index: int
    part: pl.DataFrame


def find(frame: str, places: Places) -> Found:
    """Look up a frame by its id, CLIP/000123; leading zeros may be left out.

    Raises:
        UserError: no stage has run, no such clip (near ones are named), or no such frame in it.
    """
    try:
        clip, index = split_frame_id(frame)
    except ValueError as error:
        raise UserError(f"{error}{_example(places)}") from None
    part = read_part(places.frames, clip)
    there = part["index"] if len(part) else _indices(clip, places)
    if there.is_empty():
        raise UserError(f"{frame}: there is no clip '{clip}'; {_near(clip, places)}")
    if index not in there:
        ordered = there.sort()
        raise UserError(
            f"{frame}: the clip '{clip}' has frames {ordered[0]} to {ordered[-1]}, not {index}"
        )
    return Found(frame_id(clip, index), clip, index, part)


def read_part(frames: Path, clip: str) -> pl.DataFrame:
    """Read a clip's part of the frames table without its pictures; empty where there is none."""
    path = part_path(frames, clip)
    return read_parts([path]) if path.is_file() else pl.DataFrame(schema=WITHOUT_PICTURES)


def _indices(clip: str, places: Places) -> pl.Series:
    for path in filter(Path.is_file, places.tables):
        found = read_rows(path, pl.col("clip") == clip, columns=["index"])["index"]
        if len(found):
            return found
    return pl.Series("index", [], dtype=KEY["index"])


def _clips(places: Places) -> list[str]:
    if places.frames.is_dir():
        parts = places.frames.rglob("*.parquet")
        return sorted(p.relative_to(places.frames).with_suffix("").as_posix() for p in parts)
    for path in filter(Path.is_file, places.tables):
        return sorted(read_rows(path, columns=["clip"])["clip"].unique())
    raise MissingInputError(
        f"{places.frames}: there are no frames yet, and no table of any stage; make them with "
        "'curate frames' or 'dvc repro'",
        path=places.frames,
    )


def _example(places: Places) -> str:
    clips = _clips(places)
    return f", such as {frame_id(clips[0], 0)}" if clips else ""


def _near(clip: str, places: Places) -> str:
    clips = _clips(places)
    near = difflib.get_close_matches(clip, clips, _NEAR, _ALIKE)
    if not near:
        return f"there are {len(clips):,}: {', '.join(clips[:_NEAR])}, ..."
    return f"did you mean {' or '.join(near)}?"
