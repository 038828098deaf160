"""Stage `shards`: choose the examples of each split, and write them as TFRecords.

Training frames come in an order shuffled by the seed, so that the first epoch can be fed in file
order and "already fed" is known; the other splits are in time order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from curate.base import console
from curate.base.console import Summary
from curate.base.errors import UserError
from curate.base.stage_params import ShardsParameters
from curate.base.workers import terminated_as_exit
from curate.shards.write import write_shards
from curate.tables import CAP, KEY, SPLITS, read_table

# Why a training frame was dropped that may stand in the sample of them.
DROPPED = ("stride", "near_duplicate", "over_cap")


def run(
    frames: Path, cap: Path, labels: Path, output: Path, parameters: ShardsParameters
) -> Summary:
    """Write the frames that the decisions `cap` choose as shards; count each split's examples.

    Raises:
        UserError: no training frame is left, `output` holds something else, or `frames` lacks one.
    """
    examples = choose_examples(read_table(cap, CAP), parameters.dropped_frames, parameters.seed)
    with terminated_as_exit(), console.progress("writing", len(examples)) as advance:
        counts = write_shards(
            frames, examples, read_table(labels, KEY), output, parameters.shard_frames, advance
        )
    return Summary(f"{output}", ["split", "frames"], list(counts.items()), dict(counts))


def choose_examples(cap: pl.DataFrame, dropped_frames: int, seed: int) -> pl.DataFrame:
    """List the examples to write: the columns of `cap`, `split`, and `rank`, the order in it.

    Raises:
        UserError: no training frame is left.
    """
    generator = np.random.default_rng(seed)
    train = _kept(cap, "train")
    if train.is_empty():
        raise UserError(_no_training(cap))
    dropped = cap.filter((pl.col("split") == "train") & pl.col("reason").is_in(DROPPED))
    sample = np.sort(generator.permutation(len(dropped))[:dropped_frames])
    validation = _kept(cap, "validation")
    chosen = {
        "train": train[generator.permutation(len(train))],
        "validation": validation,
        "validation_balanced": validation.filter("balanced"),
        "moments": _kept(cap, "moments"),
        "dropped": dropped[sample],
    }
    return pl.concat(
        chosen[split].with_columns(pl.lit(split).alias("split")).with_row_index("rank")
        for split in SPLITS
    )


def _kept(cap: pl.DataFrame, split: str) -> pl.DataFrame:
    return cap.filter((pl.col("split") == split) & pl.col("keep"))


def _no_training(cap: pl.DataFrame) -> str:
    if (cap["reason"] == "unlabelled").all():
        return (
            "no frame is labelled, so there is nothing to learn; check the notes of 'curate "
            "labels', or thin without labels with 'curate dedup PATH'"
        )
    return (
        "no training frame is left after dedup, split and cap; lower stride, distance or margin, "
        "or raise cap (see the tables that those stages print)"
    )
