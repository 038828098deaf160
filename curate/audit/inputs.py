"""What an audit looks at: the pipeline's tables, a split table of the user's own, or folders."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from curate.base.errors import DamagedInputError, MissingInputError, UserError
from curate.base.stage_params import FramesParameters, ThinningParameters
from curate.base.text import first_few
from curate.dedup.rule import label_sets
from curate.tables import KEY, read_frames, read_own_table, read_table

_FRAMES = ["id", "subject", "clip", "index", "time", "hash", "sharpness", "brightness", "reason"]
_FIRST = ("train", "validation", "moments")  # splits in this order, then by name
_TRUE = ("true", "1")


@dataclass(frozen=True)
class Material:
    """Frames to audit.

    `frames`: every frame of the footage, by clip and index. `splits`: the frames that are used
    (key columns, hash and, where near-duplicates have equal labels, label_set), by split, the one
    that is trained on first. `train_shares` names the splits that share their people with it by
    design. Ids tell frames of all splits apart.
    """

    title: str
    frames: pl.DataFrame
    splits: dict[str, pl.DataFrame]
    train_shares: tuple[str, ...] = ()
    labels: pl.DataFrame | None = None
    notes: list[str] = field(default_factory=list)


def read_material(
    paths: list[Path],
    frames: Path,
    labels: Path,
    split: Path | None,
    parameters: ThinningParameters,
    workers: int,
) -> Material:
    """Read the folders at `paths`, or without any the pipeline's tables.

    Raises:
        UserError: more than two, or what is there is not what it should be.
    """
    check_number(paths)
    if paths:
        return of_folders(paths, parameters, workers)
    return of_pipeline(frames, labels, split, parameters.same_labels)


def check_number(paths: list[Path]) -> None:
    """Refuse more than two folders, or the same one twice.

    Raises:
        UserError: either.
    """
    if len(paths) > 2:
        raise UserError(
            f"{paths[2]}: is one path too many; give one, or the one trained on and the one held "
            "out",
            path=paths[2],
        )
    if len({path.resolve() for path in paths}) < len(paths):
        raise UserError(
            f"{paths[0]}: is given twice; give what is trained on, then what is held out",
            path=paths[0],
        )


def of_pipeline(
    frames: Path, labels: Path, split: Path | None, same_labels: bool = True
) -> Material:
    """Read the pipeline's frames and labels, and who uses which frame: the table `split`, if any.

    With `same_labels`, as in dedup, near-duplicates are told apart by their labels.

    Raises:
        UserError: a table is not what it should be, or places frames that are not there.
    """
    table = read_frames(frames, _FRAMES)
    known = read_table(labels, KEY) if labels.exists() else None
    if known is not None and same_labels:
        table = table.with_columns(label_sets(table, known).fill_null("").alias("label_set"))
    if split is None:
        notes = ["no split yet, so all frames are audited; 'curate split' makes one"]
        return Material(str(frames), table, {"footage": usable(table)}, (), known, notes)
    placed = read_split(split)
    splits = _splits(placed, table, split, frames)
    notes = [] if len(splits) > 1 else [f"{split}: holds out nothing, so nothing can leak"]
    lost = len(placed) - sum(map(len, splits.values()))
    if lost:
        notes.append(f"{split}: places {lost:,} frames that are not usable; they are left out")
    return Material(str(split), table, splits, ("moments",), known, notes)


def of_folders(paths: list[Path], parameters: FramesParameters, workers: int) -> Material:
    """Hash one folder, or two of which the first is trained on and the second held out.

    Raises:
        UserError: nothing there that is footage.
    """
    from curate.footage.hash import hash_with_cache

    hashed = {
        str(path): hash_with_cache(path, parameters, workers, sharpness=True) for path in paths
    }
    notes = [note for result in hashed.values() for note in result.notes]
    tables = {name: result.frames.sort("clip", "index") for name, result in hashed.items()}
    splits = {name: usable(table) for name, table in tables.items()}
    if len(paths) > 1:  # two folders may hold files of one name
        tables = {name: _below(name, table) for name, table in tables.items()}
        splits = {name: _below(name, table) for name, table in splits.items()}
    return Material(" and ".join(tables), pl.concat(tables.values()), splits, notes=notes)


def _below(folder: str, table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(
        pl.concat_str(pl.lit(f"{folder.rstrip('/')}/"), name).alias(name) for name in ("id", "clip")
    )


def read_split(path: Path) -> pl.DataFrame:
    """Read who uses which frame: id and split, and subject where the table has it.

    Rows with `keep` false, or without a split, are of frames that nobody uses: they are left out.

    Raises:
        MissingInputError: no such table.
        UserError: not Parquet or CSV, or it lacks id or split.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such table; make it with 'curate split', or give --split", path=path
        )
    table = read_own_table(path)
    for name in ("id", "split"):
        if name not in table.columns:
            raise DamagedInputError(
                f"{path}: lacks the column '{name}'; a split table has id (as in the frames table) "
                "and split (train, validation, ...)",
                path=path,
            )
    if "keep" in table.columns:
        kept = pl.col("keep").cast(pl.String).str.to_lowercase().str.strip_chars().is_in(_TRUE)
        table = table.filter(kept)
    wanted = [name for name in ("id", "split", "subject") if name in table.columns]
    return table.select(pl.col(name).cast(pl.String) for name in wanted).drop_nulls("split")


def _splits(
    placed: pl.DataFrame, frames: pl.DataFrame, path: Path, folder: Path
) -> dict[str, pl.DataFrame]:
    known = [name for name in _FIRST if name in placed["split"]]
    names = known + sorted(set(placed["split"]) - set(known))
    if "train" not in names:
        present = f"its splits: {first_few(names)}" if names else "no frame is used"
        raise UserError(
            f"{path}: has no split 'train' ({present}); name the one trained on 'train'", path=path
        )
    foreign = placed.join(frames, on="id", how="anti")["id"].sort()
    if len(foreign):
        raise UserError(
            f"{path}: places {first_few(foreign.to_list(), 1)}, which {folder} does not hold; "
            "give the frames that the split was made of (--frames)",
            path=path,
        )
    joined = placed.join(frames, on="id", how="left", suffix="_known").sort(
        "clip", "index", "split"
    )
    if "subject_known" in joined.columns:
        joined = joined.with_columns(pl.coalesce("subject", "subject_known").alias("subject"))
    return {name: usable(joined.filter(pl.col("split") == name)) for name in names}


def usable(frames: pl.DataFrame) -> pl.DataFrame:
    """Keep the frames that have a hash: their key columns, it and label_set where it is known."""
    wanted = [*KEY, "hash", "label_set"]
    return frames.select(name for name in wanted if name in frames.columns).drop_nulls("hash")
