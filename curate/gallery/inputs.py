"""What a gallery shows: the pipeline's tables, one folder of footage, or two that are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl

from curate.audit.inputs import Material, check_number, of_folders, of_pipeline, usable
from curate.base.stage_params import ThinningParameters
from curate.dedup.rule import decide_with
from curate.tables import DEDUP, read_table
from curate.viz.pictures import Crop, read_crops


@dataclass(frozen=True)
class Inputs:
    """What to show: frames by split, dedup's decisions (None: none), and how to read pictures.

    `read` maps ids to pictures; a frame that it cannot read is left out. `notes` are sentences
    for the user.
    """

    material: Material
    decisions: pl.DataFrame | None
    read: Callable[[list[str]], dict[str, Crop]]
    notes: list[str] = field(default_factory=list)


def read_inputs(
    paths: list[Path],
    frames: Path,
    labels: Path,
    dedup: Path,
    split: Path | None,
    parameters: ThinningParameters,
    workers: int,
) -> Inputs:
    """Read the footage at `paths`, or without any the pipeline's tables.

    Raises:
        UserError: more than two paths, or what is there is not what it should be.
    """
    check_number(paths)
    if paths:
        return of_paths(paths, parameters, workers)
    return of_tables(frames, labels, dedup, split, parameters.same_labels)


def of_tables(
    frames: Path, labels: Path, dedup: Path, split: Path | None, same_labels: bool
) -> Inputs:
    """Show the pipeline's tables; pictures are read from the frames table.

    Raises:
        UserError: a table is missing or is not what it should be.
    """
    material = of_pipeline(frames, labels, split, same_labels)
    return Inputs(material, read_table(dedup, DEDUP), partial(read_crops, frames))


def of_paths(paths: list[Path], parameters: ThinningParameters, workers: int) -> Inputs:
    """Show one folder's near-duplicates, decided here, or those that two folders have in common.

    Raises:
        UserError: nothing there that is footage, or `keep` needs labels.
    """
    if len(paths) > 1:
        material = of_folders(paths, parameters, workers)
        read = partial(_from_folders, material, paths)
        return Inputs(material, None, read, material.notes)
    return _of_one(paths[0], parameters, workers)


def _of_one(path: Path, parameters: ThinningParameters, workers: int) -> Inputs:
    from curate.footage.hash import hash_with_cache

    hashed = hash_with_cache(path, parameters, workers, stride=parameters.stride, sharpness=True)
    decisions = decide_with(parameters, hashed.frames, None)
    material = Material(str(path), hashed.frames, {str(path): usable(hashed.frames)})
    read = partial(_from_folders, material, [path])
    return Inputs(material, decisions, read, hashed.notes)


def _from_folders(material: Material, paths: list[Path], ids: list[str]) -> dict[str, Crop]:
    from curate.footage.pictures import read_pictures

    pictures: dict[str, Crop] = {}
    for path, split in zip(paths, material.splits.values(), strict=True):
        below = f"{str(path).rstrip('/')}/" if len(paths) > 1 else ""
        wanted = split.filter(pl.col("id").is_in(ids)).with_columns(
            pl.col(name).str.strip_prefix(below) for name in ("id", "clip")
        )
        read = read_pictures(path, wanted)
        pictures |= {f"{below}{name}": picture for name, picture in read.items()}
    return pictures
