"""LibreFace: a video with a CSV of the same stem beside it.

Labels come from the intensity columns (`au_1_intensity`, 0 to 5, of DISFA's twelve action units);
the detections (`au_1`) are another model's and are not read. `facial_expression` names an emotion.
A row's frame is its `frame_idx`, counted from 0, or else its `frame`, counted from 0 if there is a
frame 0 and from 1 otherwise; without either, rows are the video's frames in order.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import polars as pl

from curate.base.errors import DamagedRowsError
from curate.base.stage_params import LabelsParameters
from curate.media.clip import Clip
from curate.sources import videos
from curate.sources.csv_per_video import ReadCsv, read_csvs
from curate.sources.csv_table import (
    ROW,
    Faults,
    not_whole,
    read_cells,
    refuse,
    repeated,
    to_numbers,
)
from curate.sources.emotions import EMOTIONS
from curate.sources.label_table import Labels
from curate.tables import EMOTION, intensity, key_columns

_UNIT = re.compile(r"au_(\d{1,2})_intensity$", re.IGNORECASE | re.ASCII)
_EXPRESSION = "facial_expression"
_NUMBERS = ("frame_idx", "frame")
# What pandas writes, or is told to write, where there is no value.
_NO_NAN = pl.exclude(ROW).replace(dict.fromkeys(["nan", "NaN", "NAN"]))

find_clips = videos.find_clips


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read the CSV of every clip; clips without one, and CSVs without a video, are named."""
    read_clip = partial(_read_clip, positive_at=parameters.positive_at)
    return read_csvs(clips, footage, "LibreFace", read_clip)


def _read_clip(clip: Clip, path: Path, positive_at: float) -> ReadCsv:
    cells = read_cells(path, rf"({'|'.join(_NUMBERS)}|{_EXPRESSION})$|(?i:{_UNIT.pattern})")
    units = {name: int(m.group(1)) for name in cells.columns if (m := _UNIT.match(name))}
    if not units:
        raise DamagedRowsError(
            path, [(1, "has no column like au_1_intensity; is it a LibreFace CSV?")]
        )
    index, faults = _indices(cells)
    strengths, more = to_numbers(cells.select(ROW, *units).with_columns(_NO_NAN), empty=True)
    emotions, unnamed = _emotions(cells)
    refuse(path, faults + more + unnamed)
    labels = key_columns(clip.name, clip.subject)
    for column, unit in units.items():
        labels.append((pl.col(column) >= positive_at).cast(pl.Int8).alias(f"AU{unit}"))
        labels.append(pl.col(column).clip(0, 5).alias(intensity(f"AU{unit}")))
    rows = strengths.with_columns(index).filter(~pl.all_horizontal(pl.col(*units).is_null()))
    if emotions is not None:
        rows = strengths.with_columns(index, emotions)
        rows = rows.filter(~pl.all_horizontal(pl.col(*units, EMOTION).is_null()))
        labels.append(pl.col(EMOTION))
    frames = int(index.max()) + 1  # type: ignore[arg-type]
    return ReadCsv(clip, rows.select(labels), sorted(units.values()), frames)


def _indices(cells: pl.DataFrame) -> tuple[pl.Series, Faults]:
    """Number the rows' frames from 0 (Int32)."""
    column = next((name for name in _NUMBERS if name in cells.columns), None)
    if column is None:
        return pl.Series("index", range(len(cells)), dtype=pl.Int32), []
    numbers, faults = to_numbers(cells.select(ROW, column))
    faults += not_whole(numbers, column, 0) + repeated(numbers, column)
    base = 1 if column == "frame" and not (numbers[column] == 0).any() else 0
    return (numbers[column] - base).cast(pl.Int32, strict=False).alias("index"), faults


def _emotions(cells: pl.DataFrame) -> tuple[pl.Series | None, Faults]:
    """Read the facial expressions as names of emotions, null where there is none."""
    if _EXPRESSION not in cells.columns:
        return None, []
    names = cells.with_columns(_NO_NAN)[_EXPRESSION].str.to_lowercase().alias(EMOTION)
    bad = cells.filter(names.is_not_null() & ~names.is_in(EMOTIONS))
    what = f"{_EXPRESSION} is '{{}}'; allowed are {', '.join(EMOTIONS)}"
    return names, [(row, what.format(cell)) for row, cell in bad.select(ROW, _EXPRESSION).rows()]
