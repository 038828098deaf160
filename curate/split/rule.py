"""Who and what is held out: other people (validation), and other moments of the same people.

Validation subjects are in no other split (`curate.split.folds` chooses them). From each training
clip one contiguous block of time is held out (`moments`); frames within `margin` of it belong to
nobody, so that no neighbour of a held-out frame is learnt. Clips that may be views of one moment
are held out at the same indices, so that no camera shows in training what another holds out.
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from curate.split.folds import choose_validation

_SAME_MOMENT = 1.05  # ratio of lengths up to which clips of a subject may be views of one moment


def decide(
    dedup: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    validation_fraction: float,
    moments_fraction: float,
    margin: int,
    seed: int,
    folds: int | str = 0,
    fold: int = 1,
    validation_positives: int = 0,
) -> pl.DataFrame:
    """Place every frame: train, validation, moments or margin; the latter is dropped.

    `dedup` is that stage's table. Frames dropped there keep their reason and are placed too, for
    the gap's anatomy asks which dropped frames lie in training time. With one subject and no
    folds there is nobody to validate on: the split is left empty. Columns: `curate.tables.SPLIT`.

    Raises:
        UserError: folds that these subjects do not have (`curate.split.folds.choose_validation`).
    """
    validation = choose_validation(
        dedup,
        labels,
        folds=folds,
        fold=fold,
        fraction=validation_fraction,
        least=validation_positives,
        seed=seed,
    )
    blocks = _blocks(dedup, validation, moments_fraction, margin, seed)
    table = dedup.join(blocks, on="clip", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("subject").is_in(validation))
        .then(pl.lit("validation"))
        .when(pl.col("index").is_between("start", pl.col("stop") - 1))
        .then(pl.lit("moments"))
        .when(pl.col("index").is_between(pl.col("start") - margin, pl.col("stop") + margin - 1))
        .then(pl.lit("margin"))
        .otherwise(pl.lit("train"))
        .alias("split")
    )
    margin_hit = pl.col("keep") & (pl.col("split") == "margin")
    return table.with_columns(
        pl.when(margin_hit).then(pl.lit("margin")).otherwise(pl.col("reason")).alias("reason")
    ).with_columns(pl.col("reason").is_null().alias("keep"))


def _blocks(
    dedup: pl.DataFrame, validation: list[str], fraction: float, margin: int, seed: int
) -> pl.DataFrame:
    """Choose the held-out block of each training clip: clip, start, stop (past the last index)."""
    training = dedup.filter(~pl.col("subject").is_in(validation))
    lengths = training.group_by("subject", "clip").agg(pl.col("index").max() + 1)
    placed = [
        (clip, *_block(min(clips), length, fraction, margin, seed))
        for length, clips in _views(lengths)
        for clip in clips
    ]
    schema = {"clip": pl.String, "start": pl.Int32, "stop": pl.Int32}
    return pl.DataFrame(placed, schema, orient="row")


def _views(lengths: pl.DataFrame) -> list[tuple[int, list[str]]]:
    """Group clips that may show one moment: those of a subject about as long as one another.

    Two cameras' clips differ by a few frames. Other clips that happen to be as long lose nothing
    by it. `lengths`: subject, clip, index (frames). Returns the shortest length, and the clips.
    """
    views: list[tuple[int, list[str]]] = []
    before: tuple[str, int] | None = None
    for subject, clip, length in lengths.sort("subject", "index", "clip").rows():
        if before and before[0] == subject and length <= _SAME_MOMENT * before[1]:
            views[-1][1].append(clip)
        else:
            views.append((length, [clip]))
        before = (subject, length)
    return views


def _block(name: str, length: int, fraction: float, margin: int, seed: int) -> tuple[int, int]:
    """Choose the held-out block of a clip: start and stop index, at a place drawn by its name.

    A clip too short to keep as many frames for training as it would hold out gives no block.
    """
    held = round(fraction * length)
    if held == 0 or length - held - 2 * margin < held:
        return (-1 - margin, -1 - margin)
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    generator = np.random.default_rng([seed, int.from_bytes(digest, "big")])
    start = int(generator.integers(0, length - held + 1))
    return (start, start + held)
