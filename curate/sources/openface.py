"""OpenFace 2.x: a video with a CSV of the same stem beside it.

Labels come from the presence columns (`AU01_c`, 0 or 1) or from the intensity columns (`AU01_r`,
0 to 5), never from both: they are two models that disagree. Frames that were not tracked, or with
too little confidence, are unlabelled.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from curate.base.errors import DamagedRowsError
from curate.base.stage_params import LabelsParameters, SourceParameters
from curate.media.clip import Clip
from curate.sources.csv_per_video import ReadCsv, csv_of, read_csvs
from curate.sources.csv_table import (
    ROW,
    Faults,
    not_among,
    not_whole,
    read_cells,
    refuse,
    repeated,
    to_numbers,
)
from curate.sources.label_table import Labels
from curate.sources.walk import video_clips
from curate.tables import intensity, key_columns

_COLUMN = re.compile(r"AU(\d\d)_([cr])$", re.ASCII)
_INDEX = (pl.col("frame") - 1).cast(pl.Int32).alias("index")
_GENERAL = ("frame", "face_id", "success", "confidence")


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a video; its CSV, where there is one, also holds its landmarks."""
    return [replace(clip, landmarks=csv_of(clip)) for clip in video_clips(footage)]


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read the CSV of every clip; clips without one, and CSVs without a video, are named."""
    return read_csvs(clips, footage, "OpenFace", partial(_read_clip, parameters=parameters))


def read_columns(path: Path, pattern: str) -> pl.DataFrame:
    """Read `frame`, `face_id`, `success`, `confidence` and the columns that `pattern` matches.

    One row a frame: of several faces, the one that is tracked in most frames. Frame numbers are
    turned into indices from 0 (`index`, Int32). Other columns are Float64; where a face was not
    tracked, a cell that is no number is null. `ROW` is the row in the file.

    Raises:
        UserError: not an OpenFace CSV.
        DamagedRowsError: a cell that is no number, or a frame that stands there twice.
    """
    numbers, faults = _read(path, pattern)
    refuse(path, faults)
    return numbers.with_columns(_INDEX)


def _read(path: Path, pattern: str) -> tuple[pl.DataFrame, Faults]:
    """Read what `read_columns` returns, and what is wrong with it, row by row."""
    cells = read_cells(path, rf"({'|'.join(_GENERAL)})$|{pattern}")
    if "frame" not in cells.columns:
        raise DamagedRowsError(path, [(1, "has no column 'frame'; is it an OpenFace CSV?")])
    general, faults = to_numbers(cells.select(ROW, *(c for c in _GENERAL if c in cells.columns)))
    tracked = general["success"] > 0 if "success" in general.columns else None
    others, more = to_numbers(cells.select(ROW, pl.exclude(*general.columns)), tracked)
    numbers = _one_face(general.hstack(others.drop(ROW)))
    faults += more + not_whole(general, "frame", 1) + repeated(numbers, "frame")
    return numbers, faults


def _one_face(numbers: pl.DataFrame) -> pl.DataFrame:
    if "face_id" not in numbers.columns:
        return numbers
    tracked = pl.col("success") if "success" in numbers.columns else pl.lit(1.0)
    faces = numbers.group_by("face_id").agg(tracked.sum().alias("frames"))
    best = faces.sort(["frames", "face_id"], descending=[True, False])["face_id"][0]
    return numbers.filter(pl.col("face_id") == best)


def _read_clip(clip: Clip, path: Path, parameters: LabelsParameters) -> ReadCsv:
    presence = parameters.openface_columns == "presence"
    letter = "c" if presence else "r"
    table, faults = _read(path, rf"AU\d\d_{letter}$")
    units = {name: int(m.group(1)) for name in table.columns if (m := _COLUMN.match(name))}
    if not units:
        raise DamagedRowsError(path, [(1, f"has no column like AU01_{letter}")])
    if presence:
        faults += not_among(table, list(units), [0.0, 1.0], "0 or 1")
    refuse(path, faults)
    table = table.with_columns(_INDEX)
    labels = key_columns(clip.name, clip.subject)
    for column, unit in units.items():
        value = pl.col(column)
        present_from = 1 if presence else parameters.positive_at
        labels.append((value >= present_from).cast(pl.Int8).alias(f"AU{unit}"))
        if not presence:
            labels.append(value.clip(0, 5).alias(intensity(f"AU{unit}")))
    rows = table.filter(_trusted(table, parameters.confidence)).select(labels)
    frames = int(table["index"].max()) + 1  # type: ignore[arg-type]
    return ReadCsv(clip, rows, sorted(units.values()), frames)


def _trusted(table: pl.DataFrame, confidence: float) -> pl.Expr:
    """Mark the frames whose face was tracked, with at least this confidence, where it is known."""
    trusted = pl.lit(True)
    if "success" in table.columns:
        trusted &= pl.col("success") > 0
    if "confidence" in table.columns:
        trusted &= pl.col("confidence") >= confidence
    return trusted
