"""Stage `split`: read dedup's decisions, hold out people and moments, write, count."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.base.console import Summary
from curate.base.errors import DamagedInputError
from curate.base.stage_params import SplitParameters
from curate.search.across import count_across
from curate.split.rule import decide
from curate.split.summary import count_splits
from curate.tables import DEDUP, KEY, SPLIT, read_frames, read_table, write_table


def run(
    dedup: Path, labels: Path, frames: Path, output: Path, parameters: SplitParameters
) -> Summary:
    """Split the frames that dedup kept, write, and count frames and rates in each split.

    Raises:
        UserError: a table is missing, the decisions are of other frames than those given, or
            these subjects do not have the folds asked for.
    """
    labels_table = read_table(labels, KEY)
    table = decide(
        read_table(dedup, DEDUP),
        labels_table,
        validation_fraction=parameters.validation_fraction,
        moments_fraction=parameters.moments_fraction,
        margin=parameters.margin,
        seed=parameters.seed,
        folds=parameters.folds,
        fold=parameters.fold,
        validation_positives=parameters.validation_positives,
    )
    hashes = read_frames(frames, ["id", "clip", "index", "hash"]).filter(
        pl.col("hash").is_not_null()
    )
    missing = table.filter("keep").join(hashes, on="id", how="anti")
    if len(missing):
        raise DamagedInputError(
            f"{frames}: lacks the frame {sorted(missing['id'])[0]}; make the decisions anew with "
            "'curate dedup'",
            path=frames,
        )
    write_table(table, output, SPLIT)
    near = count_across(table, hashes, parameters.distance)
    return count_splits(output, table, labels_table, near, parameters)
