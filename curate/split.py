"""Stage `split`: other people to validate on, and other moments of the same people.

Validation subjects are in no other split; they are chosen so that their action unit rates come
close to everyone's. From each training clip one contiguous block of time is held out (`moments`);
frames within `margin` of it belong to nobody, so that no neighbour of a held-out frame is learnt.
"""

from __future__ import annotations

import hashlib
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.console import Counts
from curate.errors import UserError
from curate.neighbors import count_within
from curate.params import Parameters
from curate.table import DEDUP, KEY, SPLIT, action_units, read_frames, read_table, write_table

_CANDIDATES = 20_000  # sets of validation subjects that are compared, all of them where fewer
_RARE = 1e-3  # keeps the relative difference of an action unit that nearly never occurs finite


def decide(
    dedup: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    validation_fraction: float,
    moments_fraction: float,
    margin: int,
    seed: int,
) -> pl.DataFrame:
    """Place every frame: train, validation, moments or margin; the latter is dropped.

    `dedup` is that stage's table. Frames dropped there keep their reason and are placed too, for
    the gap's anatomy asks which dropped frames lie in training time. With one subject there is
    nobody to validate on: the split is left empty. Columns: `curate.table.SPLIT`.
    """
    validation = choose_validation(dedup.filter("keep"), labels, validation_fraction, seed)
    bounds = dedup.group_by("clip", "subject").agg(pl.col("index").max() + 1).sort("clip")
    placed = [
        (clip, *_block(clip, length, moments_fraction, margin, seed))
        for clip, subject, length in bounds.rows()
        if subject not in validation
    ]
    blocks = pl.DataFrame(
        placed, schema={"clip": pl.String, "start": pl.Int32, "stop": pl.Int32}, orient="row"
    )
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


def choose_validation(
    kept: pl.DataFrame, labels: pl.DataFrame, fraction: float, seed: int
) -> list[str]:
    """Choose validation subjects: about `fraction` of the frames, action unit rates near all's.

    Raises nothing for one subject: the answer is then empty.
    """
    names = action_units(labels)
    rows = kept.select("id", "subject").join(labels.select("id", *names), on="id", how="left")
    counts = rows.group_by("subject").agg(pl.len(), *(pl.col(n).sum() for n in names))
    counts = counts.sort("subject")
    subjects = counts["subject"].to_list()
    if len(subjects) < 2:
        return []
    frames = counts["len"].to_numpy().astype(float)
    positives = counts.select(names).to_numpy().astype(float)
    candidates = _candidate_sets(len(subjects), fraction, seed)
    cost = _cost(candidates, frames, positives, fraction)
    best = candidates[int(cost.argmin())]
    return [subject for subject, chosen in zip(subjects, best, strict=True) if chosen]


def _candidate_sets(subjects: int, fraction: float, seed: int) -> NDArray[np.bool_]:
    """List sets of subjects (sets, subjects): all of the right size, or a seeded sample."""
    size = min(max(1, round(fraction * subjects)), subjects - 1)
    if comb(subjects, size) <= _CANDIDATES:
        chosen = np.array(list(combinations(range(subjects), size)))
    else:
        generator = np.random.default_rng(seed)
        shuffled = generator.random((_CANDIDATES, subjects)).argsort(axis=1)
        chosen = np.sort(shuffled[:, :size], axis=1)
    sets = np.zeros((len(chosen), subjects), bool)
    np.put_along_axis(sets, chosen, True, axis=1)
    return sets


def _cost(
    sets: NDArray[np.bool_],
    frames: NDArray[np.float64],
    positives: NDArray[np.float64],
    fraction: float,
) -> NDArray[np.float64]:
    """Price sets: relative difference of each action unit's rate, and of the size wished for.

    A set that leaves validation or training without any positive of an action unit that somebody
    has costs more than any difference of rates.
    """
    held = sets @ positives
    rate = held / (sets @ frames)[:, None]
    overall = positives.sum(axis=0) / frames.sum()
    difference = np.abs(rate - overall) / (overall + _RARE)
    there = positives.sum(axis=0) > 0
    lacking = ((held == 0) | (held == positives.sum(axis=0))) & there
    size = np.abs(sets @ frames / frames.sum() - fraction) / fraction
    return difference.sum(axis=1) + size + 100.0 * lacking.sum(axis=1)


def _block(clip: str, length: int, fraction: float, margin: int, seed: int) -> tuple[int, int]:
    """Choose the held-out block of a clip: start and stop index, at a place drawn by its name.

    A clip too short to keep as many frames for training as it would hold out gives no block.
    """
    held = round(fraction * length)
    if held == 0 or length - held - 2 * margin < held:
        return (-1 - margin, -1 - margin)
    name = hashlib.blake2b(clip.encode(), digest_size=8).digest()
    generator = np.random.default_rng([seed, int.from_bytes(name, "big")])
    start = int(generator.integers(0, length - held + 1))
    return (start, start + held)


def split_stage(
    dedup: Path, labels: Path, frames: Path, output: Path, parameters: Parameters
) -> Counts:
    """Read the decisions so far, split, write, and count: frames and rates in each split.

    Raises:
        UserError: a table is missing, or the decisions are of other frames than those given.
    """
    labels_table = read_table(labels, KEY)
    table = decide(
        read_table(dedup, DEDUP),
        labels_table,
        validation_fraction=parameters.validation_fraction,
        moments_fraction=parameters.moments_fraction,
        margin=parameters.margin,
        seed=parameters.seed,
    )
    hashes = read_frames(frames, ["id", "clip", "index", "hash"]).filter(
        pl.col("hash").is_not_null()
    )
    missing = table.filter("keep").join(hashes, on="id", how="anti")
    if len(missing):
        raise UserError(
            f"{frames}: lacks the frame {sorted(missing['id'])[0]}; make the decisions anew with "
            "'curate dedup'"
        )
    write_table(table, output, SPLIT)
    return _count(table, labels_table, near_across(table, hashes, parameters.distance))


def near_across(table: pl.DataFrame, hashes: pl.DataFrame, distance: int) -> dict[str, int]:
    """Count near-duplicate pairs between training frames and each of the held-out splits."""
    kept = table.filter("keep").join(hashes.select("id", "hash"), on="id", how="left")
    by_split = {
        split: kept.filter(pl.col("split") == split)["hash"].to_numpy()
        for split in ("train", "validation", "moments")
    }
    return {
        split: count_within(by_split["train"], by_split[split], max(distance, 0))
        for split in ("validation", "moments")
    }


def _count(table: pl.DataFrame, labels: pl.DataFrame, near: dict[str, int]) -> Counts:
    names = action_units(labels)
    kept = table.filter("keep").join(labels.select("id", *names), on="id", how="left")
    splits = ["train", "validation", "moments"]
    parts = {split: kept.filter(pl.col("split") == split) for split in splits}
    rows: list[tuple[object, ...]] = [
        ("frames", *(len(part) for part in parts.values())),
        ("subjects", *(part["subject"].n_unique() for part in parts.values())),
        ("near-duplicates of train", None, near["validation"], near["moments"]),
    ]
    notes = [
        f"near-duplicates: {count:,} pairs of a training frame and one of {split}"
        for split, count in near.items()
        if count
    ]
    if kept.is_empty():
        notes.append("no frame was kept by dedup; there is nothing to split")
    elif parts["validation"].is_empty():
        notes.append("one subject only: nobody is left to validate on; validation stays empty")
    for name in names:
        rates = [part[name].mean() if len(part) else None for part in parts.values()]
        rows.append((f"{name} rate", *rates))
        notes += [
            f"{name}: has no positive in {split}; it cannot be judged there"
            for split, part in parts.items()
            if len(part) and not part[name].sum()
        ]
    data = {str(row[0]): dict(zip(splits, row[1:], strict=True)) for row in rows}
    return Counts(["", *splits], rows, data, notes)
