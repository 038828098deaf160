"""The tables that stages hand on: their columns, their reasons, how they are written and read."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.base.errors import UserError
from curate.base.files import atomic_write

# Why a frame is not used, in the order in which the stages ask, with the stage that says so.
REASONS = {
    "unreadable": "frames",
    "no_face": "frames",
    "unlabelled": "dedup",
    "stride": "dedup",
    "repeats_against": "dedup",
    "near_duplicate": "dedup",
    "margin": "split",
    "over_cap": "cap",
}
SPLITS = ("train", "validation", "validation_balanced", "moments", "dropped")

# Keys of the metadata of a frames table's part: the kind of its hashes, and how frames were cut.
HASH_KIND = b"framewise.hash"
CROP = b"framewise.crop"
KEY = {"id": pl.String, "subject": pl.String, "clip": pl.String, "index": pl.Int32}
FRAMES = KEY | {
    "time": pl.Float64,  # seconds from the clip's start; null for image folders
    "jpeg": pl.Binary,  # the crop; null where the frame is not usable
    "hash": pl.UInt64,  # perceptual hash; null where the frame is not usable
    "sharpness": pl.Float32,  # variance of the Laplacian, grey levels squared
    "brightness": pl.Float32,  # mean grey level, 0-255
    "reason": pl.String,  # null where the frame is usable
}
DECISION = {"keep": pl.Boolean, "reason": pl.String}
DEDUP = KEY | DECISION | {"duplicate_of": pl.String, "distance": pl.Int32}
SPLIT = KEY | {"split": pl.String} | DECISION  # split: train, validation, moments or margin
CAP = SPLIT | {"balanced": pl.Boolean}  # balanced: also in validation_balanced
EMOTION = "emotion"  # column of the labels table where a source names emotions (String, nullable)
NO_ROWS = pl.DataFrame(schema=KEY)
KEPT_SPLITS = ("train", "validation", "moments")  # the splits that frames are kept in


def frame_id(clip: str, index: int) -> str:
    """Name a frame: its clip and its number in the clip, counted from 0."""
    return f"{clip}/{index:06d}"


def intensity(action_unit: str) -> str:
    """Name the column that holds an action unit's intensity (0-5, null where not coded)."""
    return f"{action_unit}_intensity"


def action_units(labels: pl.DataFrame) -> list[str]:
    """List the action unit columns of a labels table, such as ["AU1", "AU2"], by number."""
    names = [c for c in labels.columns if c.startswith("AU") and c[2:].isdigit()]
    return sorted(names, key=lambda name: int(name[2:]))


def part_path(folder: Path, clip: str) -> Path:
    """Return where a clip's part of the frames table lies below `folder`."""
    return folder / f"{clip}.parquet"


def write_table(table: pl.DataFrame, path: Path, schema: dict[str, type[pl.DataType]]) -> None:
    """Write `table` as Parquet (CSV if `path` ends so), its columns as `schema` names them."""
    if path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{path}: a table is written as .parquet or .csv; choose one of them")
    ordered = table.select(list(schema)).cast(pl.Schema(schema))
    with atomic_write(path) as partial:
        if path.suffix == ".csv":
            ordered.write_csv(partial)
        else:
            ordered.write_parquet(partial)


def read_table(path: Path, schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    """Read a table that `write_table` wrote.

    Raises:
        UserError: no such file, or not a table with these columns.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such table; {_how_to_make(path)}")
    try:
        columns = pl.read_parquet_schema(path)
        missing = [name for name in schema if name not in columns]
        if missing:
            raise UserError(f"{path}: lacks the column '{missing[0]}'; {_how_to_make(path)}")
        return pl.read_parquet(path)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet table ({_first_line(error)})") from None


def read_frames(folder: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Read the parts of a frames table (by default without pictures), by clip and index."""
    paths = sorted(folder.rglob("*.parquet")) if folder.is_dir() else [folder]
    if not paths or not paths[0].exists():
        raise UserError(f"{folder}: holds no frames; make them with 'curate frames'")
    wanted = columns or [name for name in FRAMES if name != "jpeg"]
    return pl.concat([_read_columns(path, wanted) for path in paths]).sort("clip", "index")


def _read_columns(path: Path, columns: list[str]) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, columns=columns)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{path}: not a part of a frames table ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _how_to_make(path: Path) -> str:
    if path.stem in ("labels", "dedup", "split", "cap"):
        return f"make it with 'curate {path.stem}' or 'dvc repro'"
    return "give a table that a stage of curate has written"


def rows(path: Path, *wanted: pl.Expr, columns: list[str] | None = None) -> pl.DataFrame:
    """Read the rows of a table that fulfil all that is `wanted`.

    Raises:
        UserError: not a table, or a column is missing.
    """
    table = pl.scan_parquet(path, glob=False).filter(*wanted)
    try:
        return (table if columns is None else table.select(columns)).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).partition("\n")[0]
        raise UserError(f"{path}: not a table of this pipeline ({said}); make it anew") from None
