"""Stage `cap`: no action unit keeps more positives than `cap`, and as many are kept as can be.

How many frames of each label set to keep is an integer program (`curate.cap.quota`): maximise the
positives kept, subject to the cap of each action unit. Which frames of a label set: spread evenly
over subjects, and over the time of each. Frames with no action unit present are a class of their
own, capped alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.cap.quota import WORK, frames_per_label_set
from curate.tables import action_units

Cap = int | Literal["auto"]


@dataclass(frozen=True)
class Capped:
    """What was decided: the table, the caps that held, and how far from the optimum at most.

    `table` has the columns of `curate.tables.CAP`. A cap of 0 is none. `short` says for train and
    balanced how many positives more there may be at the optimum: 0 where it was reached.
    """

    table: pl.DataFrame
    cap: int
    validation_cap: int
    short: dict[str, int]


def apply(split: pl.DataFrame, labels: pl.DataFrame, cap: Cap, work: int = WORK) -> Capped:
    """Cap the training frames, and choose a balanced subset of the validation frames alike.

    Validation's cap is `cap` scaled by its size relative to training, so that both are balanced
    to the same degree. `cap` 0 keeps all; "auto" is what `resolve` returns. The table is by clip
    and index; the order of the input does not matter. `work` bounds the integer program.
    """
    split = split.sort("clip", "index")
    train, validation = _positions(split, "train"), _positions(split, "validation")
    most = resolve(cap, split, labels)
    scaled = max(1, round(most * len(validation) / max(1, len(train)))) if most else 0
    present = _present(split, labels)
    subjects = split["subject"].rank("dense").to_numpy()
    chosen = np.zeros(len(split), bool)
    short = {}
    for name, rows, limit in (("train", train, most), ("balanced", validation, scaled)):
        chosen[rows], short[name] = choose_frames(present[rows], subjects[rows], limit, work)
    over, balanced = np.zeros((2, len(split)), bool)
    over[train] = ~chosen[train]
    balanced[validation] = chosen[validation]
    reason = pl.when(pl.Series(over)).then(pl.lit("over_cap")).otherwise(pl.col("reason"))
    capped = split.with_columns(reason.alias("reason"), pl.Series("balanced", balanced))
    capped = capped.with_columns(pl.col("reason").is_null().alias("keep"))
    return Capped(capped, most, scaled, short)


def resolve(cap: Cap, table: pl.DataFrame, labels: pl.DataFrame) -> int:
    """Return the cap in positives; "auto" is the median of the training positives before the cap.

    Only action units that occur count; the median is rounded down, and 0 (no cap) where none
    occurs. `table` is the split's or the cap's: frames over the cap count as before it.
    """
    if cap != "auto":
        return cap
    before = pl.col("keep") | (pl.col("reason") == "over_cap").fill_null(False)
    training = table.filter((pl.col("split") == "train") & before).select("id")
    rows = labels.join(training, on="id", how="semi")
    counts = [int((rows[name] == 1).sum()) for name in action_units(labels)]
    occurring = [count for count in counts if count]
    return int(np.median(occurring)) if occurring else 0


def _positions(table: pl.DataFrame, split: str) -> NDArray[np.int64]:
    wanted = table.select((pl.col("split") == split) & pl.col("keep")).to_series()
    return wanted.arg_true().to_numpy().astype(np.int64)


def _present(split: pl.DataFrame, labels: pl.DataFrame) -> NDArray[np.bool_]:
    """Return which action units are present in each frame: (frames, action units)."""
    names = action_units(labels)
    table = split.join(labels.select("id", *names), on="id", how="left", maintain_order="left")
    present = table.select(pl.col(name).fill_null(0) == 1 for name in names).to_numpy()
    return present.reshape(len(split), len(names))


def choose_frames(
    present: NDArray[np.bool_], subjects: NDArray, cap: int, work: int = WORK
) -> tuple[NDArray[np.bool_], int]:
    """Choose frames so that no action unit has more than `cap` positives; a `cap` of 0 is none.

    `present` (frames, action units), frames in time order within each subject. Returns (frames,)
    bool, and how many positives more there may be at the optimum. Kept positives are as many as
    the caps allow where that is 0; no frame could be added.
    """
    if len(present) == 0 or cap == 0:
        return np.ones(len(present), bool), 0
    sets, member, available = _label_sets(present)
    quota = frames_per_label_set(sets, available, cap, work)
    chosen = (quota.frames == available)[member]
    rows = np.argsort(member, kind="stable")
    stops = np.cumsum(available)
    for number in np.flatnonzero((quota.frames > 0) & (quota.frames < available)):
        own = rows[stops[number] - available[number] : stops[number]]
        chosen[own[spread(subjects[own], int(quota.frames[number]))]] = True
    return chosen, quota.short


def _label_sets(
    present: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """List the label sets in lexicographic order, the set of each frame, the frames of each.

    Label sets are compared as bytes, which sort as their cells do, many times faster.
    """
    padded = np.pad(present, ((0, 0), (1, 0)))  # one byte at least, even of no action unit
    packed = np.packbits(padded, axis=1)
    keys = packed.view(f"S{packed.shape[1]}").reshape(-1)
    _, first, member, available = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return present[first], member, available


def spread(subjects: NDArray, quota: int) -> NDArray[np.int64]:
    """Choose `quota` of the rows, evenly over subjects and over the time of each.

    `subjects` (rows,), rows in time order within a subject. Subjects with few rows give all of
    them; the others share what is left, the first in order getting one more where it must be.
    """
    names, member = np.unique(subjects, return_inverse=True)
    shares = _share(np.bincount(member, minlength=len(names)), quota)
    rows = [
        own[_evenly(len(own), int(share))]
        for own, share in zip(
            (np.flatnonzero(member == number) for number in range(len(names))), shares, strict=True
        )
    ]
    return np.sort(np.concatenate(rows)) if rows else np.zeros(0, np.int64)


def _share(available: NDArray[np.int64], quota: int) -> NDArray[np.int64]:
    """Split a quota equally among pools, none giving more than it has."""
    shares = np.zeros(len(available), np.int64)
    left = min(quota, int(available.sum()))
    while left:
        open_pools = np.flatnonzero(shares < available)
        each = left // len(open_pools)
        if each == 0:
            shares[open_pools[:left]] += 1
            break
        given = np.minimum(available[open_pools] - shares[open_pools], each)
        shares[open_pools] += given
        left -= int(given.sum())
    return shares


def _evenly(length: int, count: int) -> NDArray[np.int64]:
    """Choose `count` of `length` positions at even distances, away from the ends."""
    return ((np.arange(count) + 0.5) * length / max(count, 1)).astype(np.int64)
