"""The tables that stages hand on: their columns, their reasons, how they are written and read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from curate.base.errors import DamagedInputError, MissingInputError, UserError
from curate.base.files import atomic_write, check_suffix

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

# The shards: TFRecords of examples, and beside them a table of which frame each of them is.
IMAGE = "image"  # feature of an example: its JPEG; its others are named as the columns of KEY
LABELS = "labels"  # feature of an example: its labels by action unit
UNKNOWN = -1  # a label that is not known, in an example
INDEX_FILE = "index.parquet"
# A row an example, in order; rank counts from 0 within the split, as its TFRecords have it.
INDEX = {"id": pl.String, "subject": pl.String, "split": pl.String, "rank": pl.UInt32}

WITHOUT_PICTURES = {name: dtype for name, dtype in FRAMES.items() if name != "jpeg"}
TABLE_SUFFIXES = (".parquet", ".csv")
_MAKE_FRAMES = "make it with 'curate frames'"


def frame_id(clip: str, index: int) -> str:
    """Name a frame: its clip and its number in the clip, counted from 0."""
    return f"{clip}/{index:06d}"


def frame_id_expr(clip: pl.Expr) -> pl.Expr:
    """Name frames as `frame_id` does, from their clips and the column `index`."""
    number = pl.col("index").cast(pl.String).str.zfill(6)
    return pl.concat_str(clip, pl.lit("/"), number).alias("id")


def split_frame_id(frame: str) -> tuple[str, int]:
    """Take a frame's id apart: its clip and its number in the clip; leading zeros may be left out.

    Raises:
        ValueError: it is not CLIP/INDEX.
    """
    clip, _, number = frame.rpartition("/")
    if not clip or not number.isdecimal():
        raise ValueError(f"{frame}: not a frame's id, which is CLIP/INDEX")
    return clip, int(number)


def clip_of(frame: str) -> str:
    """Return the clip in a frame's id."""
    return frame.rpartition("/")[0]


def key_columns(clip: str, subject: str) -> list[pl.Expr]:
    """Make the columns of `KEY` for frames of one clip that have the column `index`."""
    return [
        frame_id_expr(pl.lit(clip)),
        pl.lit(subject).alias("subject"),
        pl.lit(clip).alias("clip"),
        pl.col("index").cast(KEY["index"]),
    ]


def intensity(action_unit: str) -> str:
    """Name the column that holds an action unit's intensity (0-5, null where not coded)."""
    return f"{action_unit}_intensity"


def label_feature(action_unit: str) -> str:
    """Name the feature of an example that holds an action unit's label."""
    return f"{LABELS}/{action_unit}"


def action_units(labels: pl.DataFrame) -> list[str]:
    """List the action unit columns of a labels table, such as ["AU1", "AU2"], by number."""
    names = [c for c in labels.columns if c.startswith("AU") and c[2:].isdigit()]
    return sorted(names, key=lambda name: int(name[2:]))


def part_path(folder: Path, clip: str) -> Path:
    """Return where a clip's part of the frames table lies below `folder`."""
    return folder / f"{clip}.parquet"


def write_table(table: pl.DataFrame, path: Path, schema: dict[str, type[pl.DataType]]) -> None:
    """Write `table` as Parquet (CSV if `path` ends so), its columns as `schema` names them.

    Raises:
        UserError: another suffix.
    """
    check_suffix(path, "a table", *TABLE_SUFFIXES)
    ordered = table.select(list(schema)).cast(pl.Schema(schema))
    with atomic_write(path) as partial:
        if path.suffix.lower() == ".csv":
            ordered.write_csv(partial)
        else:
            ordered.write_parquet(partial)


def read_table(path: Path, schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    """Read a table that `write_table` wrote as Parquet, all of its columns.

    Raises:
        MissingInputError: no such file.
        DamagedInputError: not a readable table, or a column of `schema` is missing.
    """
    if not path.is_file():
        raise MissingInputError(f"{path}: no such table; {_how_to_make(path)}", path=path)
    return _read(path, _how_to_make(path), needed=list(schema))


def read_rows(path: Path, *wanted: pl.Expr, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read the rows of a Parquet table that fulfil all that is `wanted`: `columns`, or all.

    Raises:
        DamagedInputError: not a readable table, or a column is missing.
    """
    return _read(path, _how_to_make(path), *wanted, columns=columns)


def part_paths(folder: Path) -> list[Path]:
    """List the parts of a frames table below `folder`, by path; a part itself may be given.

    Raises:
        MissingInputError: there is none.
    """
    paths = sorted(folder.rglob("*.parquet")) if folder.is_dir() else [folder]
    if not paths or not paths[0].exists():
        raise MissingInputError(
            f"{folder}: holds no frames; make them with 'curate frames'", path=folder
        )
    return paths


def read_frames(folder: Path, columns: Sequence[str] = tuple(WITHOUT_PICTURES)) -> pl.DataFrame:
    """Read a frames table, by clip and index: its parts below `folder`, or one part.

    Raises:
        MissingInputError: there is none.
        DamagedInputError: a part that cannot be read or lacks a column.
    """
    return read_parts(part_paths(folder), columns)


def read_parts(
    paths: Iterable[Path], columns: Sequence[str] = tuple(WITHOUT_PICTURES)
) -> pl.DataFrame:
    """Read these parts of a frames table, by clip and index.

    Raises:
        DamagedInputError: a part that cannot be read or lacks a column.
    """
    parts = [_read(path, _MAKE_FRAMES, columns=columns) for path in paths]
    return pl.concat(parts).sort("clip", "index")


def recorded(part: Path, key: bytes) -> str | None:
    """Return what a part of a frames table records about itself under `key`, such as `HASH_KIND`.

    None where it records nothing of the kind, or is no readable Parquet file.
    """
    try:
        return pl.read_parquet_metadata(part).get(key.decode())
    except (pl.exceptions.PolarsError, OSError):
        return None


def read_jpegs(part: Path, ids: Iterable[str]) -> dict[str, bytes]:
    """Map the ids of frames in one part of a frames table to their JPEGs, where they have one.

    Raises:
        DamagedInputError: a part that cannot be read or lacks a column.
    """
    own = pl.col("id").is_in(list(ids)) & pl.col("jpeg").is_not_null()
    return dict(_read(part, _MAKE_FRAMES, own, columns=["id", "jpeg"]).iter_rows())


def read_own_table(path: Path) -> pl.DataFrame:
    """Read a table of the user's own, Parquet or CSV (all cells as text), whatever its columns.

    Raises:
        UserError: the name of neither.
        DamagedInputError: not readable.
    """
    if path.suffix.lower() == ".parquet":
        return _read(path, "give another table")
    if path.suffix.lower() != ".csv":
        raise UserError(f"{path}: a table is read as .parquet or .csv; give one of them", path=path)
    try:
        return pl.read_csv(path, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DamagedInputError(
            f"{path}: not a readable CSV table ({_first_line(error)})", path=path
        ) from None


def _read(
    path: Path,
    remedy: str,
    *wanted: pl.Expr,
    columns: Sequence[str] | None = None,
    needed: Sequence[str] = (),
) -> pl.DataFrame:
    """Read the `wanted` rows and `columns` (None: all) of a table that has those `needed`."""
    try:
        table = pl.scan_parquet(path, glob=False)
        present = table.collect_schema()
        for name in columns or needed:
            if name not in present:
                raise DamagedInputError(f"{path}: lacks the column '{name}'; {remedy}", path=path)
        return table.filter(*wanted).select(columns or pl.all()).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DamagedInputError(
            f"{path}: not a readable Parquet table ({_first_line(error)}); {remedy}", path=path
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _how_to_make(path: Path) -> str:
    if path.name == INDEX_FILE:
        return "make the shards again with 'curate shards'"
    if path.stem in ("labels", "dedup", "split", "cap"):
        return f"make it with 'curate {path.stem}' or 'dvc repro'"
    return "give a table that a stage of curate has written"
