"""Labels of any footage: found by clip and index, for an image is called by its path."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.base.errors import UserError


def labels_of(
    frames: pl.DataFrame, labels: pl.DataFrame, table: Path, path: Path
) -> tuple[pl.DataFrame, list[str]]:
    """Call labels by the ids of the frames of the same clip and index; note those of no frame.

    `table` is where the labels are from, `path` the footage of the frames.

    Raises:
        UserError: no label is of any of the frames.
    """
    place = ["clip", "index"]
    matched = labels.drop("id").join(frames.select("id", *place), on=place, how="inner")
    if matched.is_empty() and len(labels) and len(frames):
        raise UserError(
            f"{table}: no label is of a frame of {path}: labels are of clips such as "
            f"'{labels['clip'][0]}', and its clips are such as '{frames['clip'][0]}'; give the "
            "folder below which clips are called so",
            path=table,
        )
    lost = len(labels) - len(matched)
    return matched, [f"{table}: {lost:,} labels are of no frame of {path}"] if lost else []
