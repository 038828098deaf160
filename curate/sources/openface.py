"""OpenFace 2.x: a video with a CSV of the same stem beside it.

Labels come from the presence columns (`AU01_c`, 0 or 1) or from the intensity columns (`AU01_r`,
0 to 5), never from both: they are two models that disagree. Frames that were not tracked, or with
too little confidence, are unlabelled.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from curate.errors import UserError
from curate.params import Parameters
from curate.sources.clip import Clip, Labels, intensity, labels_table, unique, videos_below
from curate.sources.videos import clip_of
from curate.table import frame_id

_COLUMN = re.compile(r"AU(\d\d)_([cr])$")


def find_clips(footage: Path, parameters: Parameters) -> list[Clip]:
    """List one clip a video; its CSV, where there is one, also holds its landmarks."""
    clips = []
    for video in videos_below(footage):
        clip, table = clip_of(video, footage), video.with_suffix(".csv")
        clips.append(Clip(clip.name, clip.subject, video, (), table if table.is_file() else None))
    return unique(clips)


def read_labels(clips: list[Clip], footage: Path, parameters: Parameters) -> Labels:
    """Read the CSV of every clip; clips without one, and CSVs without a video, are named."""
    tables, units, notes = [], set(), []
    for clip in clips:
        if clip.landmarks is None:
            notes.append(f"{clip.name}: has no CSV beside its video; its frames are unlabelled")
            continue
        table, found = _read_clip(clip, clip.landmarks, parameters)
        tables.append(table)
        units |= set(found)
    with_video = {clip.landmarks for clip in clips}
    root = footage if footage.is_dir() else None
    for path in sorted(root.rglob("*.csv")) if root else []:
        if path not in with_video:
            notes.append(f"{path}: has no video of the same name; left out")
    if not tables:
        raise UserError(
            f"{footage}: no CSV beside a video; OpenFace writes VIDEO.csv for VIDEO.mp4"
        )
    return Labels(labels_table(pl.concat(tables, how="diagonal"), sorted(units)), notes)


def read_columns(path: Path, pattern: str) -> pl.DataFrame:
    """Read `frame`, `face_id`, `success`, `confidence` and the columns that `pattern` matches.

    One row a frame: of several faces, the one that is tracked in most frames. Frame numbers are
    turned into indices from 0. Columns are Float64.

    Raises:
        UserError: not an OpenFace CSV, or a cell that is no number, by row.
    """
    try:
        text = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{path}: not a CSV table ({str(error).splitlines()[0]})") from None
    text = text.rename({name: name.strip() for name in text.columns})
    if "frame" not in text.columns:
        raise UserError(f"{path}, row 1: has no column 'frame'; is it an OpenFace CSV?")
    general = {"frame", "face_id", "success", "confidence"}
    wanted = [c for c in text.columns if c in general or re.match(pattern, c)]
    numbers = _numbers(path, text.select(wanted))
    _check_frames(path, numbers["frame"])
    return _one_face(path, numbers).with_columns(
        (pl.col("frame") - 1).cast(pl.Int32).alias("index")
    )


def _numbers(path: Path, text: pl.DataFrame) -> pl.DataFrame:
    numbers = text.select(pl.all().str.strip_chars().cast(pl.Float64, strict=False))
    for name in text.columns:
        bad = numbers[name].is_null() | ~numbers[name].is_finite().fill_null(False)
        if bad.any():
            row = int(bad.arg_max() or 0)
            raise UserError(
                f"{path}, row {row + 2}: {name} is '{text[name][row]}', not a number; "
                "mend or remove the row"
            )
    return numbers


def _check_frames(path: Path, frames: pl.Series) -> None:
    if frames.is_empty():
        raise UserError(f"{path}: holds no row below its header")
    bad = (frames < 1) | (frames > 1e9) | (frames % 1 != 0)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise UserError(
            f"{path}, row {row + 2}: frame {frames[row]:.12g} is not a whole number from 1 on"
        )


def _one_face(path: Path, numbers: pl.DataFrame) -> pl.DataFrame:
    if "face_id" in numbers.columns:
        tracked = pl.col("success") if "success" in numbers.columns else pl.lit(1.0)
        faces = numbers.group_by("face_id").agg(tracked.sum().alias("frames"))
        best = faces.sort(["frames", "face_id"], descending=[True, False])["face_id"][0]
        numbers = numbers.filter(pl.col("face_id") == best)
    repeated = numbers["frame"].is_duplicated()
    if repeated.any():
        raise UserError(
            f"{path}: frame {int(numbers['frame'].filter(repeated)[0])} stands there twice; "
            "remove one row"
        )
    return numbers


def _read_clip(clip: Clip, path: Path, parameters: Parameters) -> tuple[pl.DataFrame, list[int]]:
    letter = "c" if parameters.openface_columns == "presence" else "r"
    table = read_columns(path, rf"AU\d\d_{letter}$")
    columns = {name: int(m.group(1)) for name in table.columns if (m := _COLUMN.match(name))}
    if not columns:
        raise UserError(f"{path}, row 1: has no column like AU01_{letter}")
    trusted = pl.lit(True)
    if "success" in table.columns:
        trusted &= pl.col("success") > 0
    if "confidence" in table.columns:
        trusted &= pl.col("confidence") >= parameters.confidence
    labels: list[pl.Expr | pl.Series] = [
        pl.lit(clip.name).alias("clip"),
        pl.lit(clip.subject).alias("subject"),
        pl.col("index"),
        pl.Series("id", [frame_id(clip.name, int(i)) for i in table["index"]]),
    ]
    for column, unit in columns.items():
        if letter == "c":
            labels.append((pl.col(column) >= 0.5).cast(pl.Int8).alias(f"AU{unit}"))
        else:
            labels.append(
                (pl.col(column) >= parameters.positive_at).cast(pl.Int8).alias(f"AU{unit}")
            )
            labels.append(pl.col(column).clip(0, 5).alias(intensity(f"AU{unit}")))
    rows = table.select(*labels, trusted.alias("trusted")).filter("trusted").drop("trusted")
    return rows, sorted(columns.values())
