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
class StageOutputs:
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
class LocatedFrame:
    """A frame that exists: its id, and its clip's part of the frames table without pictures.

    `part` is empty where stage frames has not run.
    """

    id: str
    clip: str
    index: int
    part: pl.DataFrame


def locate(name: str, outputs: StageOutputs) -> LocatedFrame:
    """Look up a frame by its id, CLIP/000123; leading zeros may be left out.

    Raises:
        UserError: not CLIP/INDEX.
        MissingInputError: no stage has run, no such clip (near ones are named), or no such frame.
    """
    try:
        clip, index = split_frame_id(name)
    except ValueError as error:
        example = "".join(f", such as {frame_id(clip, 0)}" for clip in _clips(outputs)[:1])
        raise UserError(f"{error}{example}") from None
    part = read_part(outputs.frames, clip)
    indices = part["index"] if len(part) else _indices(clip, outputs)
    if indices.is_empty():
        raise MissingInputError(f"{name}: there is no clip '{clip}'; {_near(clip, outputs)}")
    if index not in indices:
        ordered = indices.sort()
        raise MissingInputError(
            f"{name}: the clip '{clip}' has frames {ordered[0]} to {ordered[-1]}, not {index}"
        )
    return LocatedFrame(frame_id(clip, index), clip, index, part)


def read_part(frames: Path, clip: str) -> pl.DataFrame:
    """Read a clip's part of the frames table without its pictures; empty where there is none."""
    path = part_path(frames, clip)
    return read_parts([path]) if path.is_file() else pl.DataFrame(schema=WITHOUT_PICTURES)


def _indices(clip: str, outputs: StageOutputs) -> pl.Series:
    """List a clip's frames by the first table that has some of it."""
    for path in filter(Path.is_file, outputs.tables):
        indices = read_rows(path, pl.col("clip") == clip, columns=["index"])["index"]
        if len(indices):
            return indices
    return pl.Series("index", [], dtype=KEY["index"])


def _clips(outputs: StageOutputs) -> list[str]:
    """List the clips of the frames, or of the first table where there are none.

    Raises:
        MissingInputError: no stage has run.
    """
    if outputs.frames.is_dir():
        parts = outputs.frames.rglob("*.parquet")
        return sorted(p.relative_to(outputs.frames).with_suffix("").as_posix() for p in parts)
    for path in filter(Path.is_file, outputs.tables):
        return sorted(read_rows(path, columns=["clip"])["clip"].unique())
    raise MissingInputError(
        f"{outputs.frames}: there are no frames yet, and no table of any stage; make them with "
        "'curate frames' or 'dvc repro'",
        path=outputs.frames,
    )


def _near(clip: str, outputs: StageOutputs) -> str:
    """Name the clips most like one that there is not."""
    clips = _clips(outputs)
    near = difflib.get_close_matches(clip, clips, _NEAR, _ALIKE)
    if not near:
        return f"there are {len(clips):,}: {', '.join(clips[:_NEAR])}, ..."
    return f"did you mean {' or '.join(near)}?"
