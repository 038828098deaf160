"""Stage `cap`: no action unit keeps more positives than `cap`, and as many are kept as can be.

How many frames of each label set to keep is an integer program (SciPy's HiGHS): maximise the
positives kept, subject to the cap of each action unit. Which frames of a label set: spread evenly
over subjects, and over the time of each. Frames with no action unit present are a class of their
own, capped alike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from curate.console import Counts
from curate.errors import UserError
from curate.params import Parameters
from curate.table import CAP, KEY, SPLIT, action_units, read_table, write_table


def decide(split: pl.DataFrame, labels: pl.DataFrame, *, cap: int) -> pl.DataFrame:
    """Cap the training frames, and choose a balanced subset of the validation frames alike.

    Validation's cap is `cap` scaled by its size relative to training, so that both are balanced
    to the same degree. `cap` 0 keeps all. The answer has the columns of `curate.table.CAP`, by
    clip and index; the order of the input does not matter.
    """
    split = split.sort("clip", "index")
    names = action_units(labels)
    table = split.join(labels.select("id", *names), on="id", how="left", maintain_order="left")
    train = _positions(table, "train")
    validation = _positions(table, "validation")
    over = np.zeros(len(table), bool)
    balanced = np.zeros(len(table), bool)
    if cap:
        present = table.select(pl.col(n).fill_null(0) == 1 for n in names).to_numpy()
        subjects = table["subject"].to_numpy()
        over[train] = ~choose(present[train], subjects[train], cap)
        scaled = max(1, round(cap * len(validation) / max(1, len(train))))
        balanced[validation] = choose(present[validation], subjects[validation], scaled)
    else:
        balanced[validation] = True
    return split.with_columns(
        pl.when(pl.Series(over))
        .then(pl.lit("over_cap"))
        .otherwise(pl.col("reason"))
        .alias("reason"),
        pl.Series("balanced", balanced),
    ).with_columns(pl.col("reason").is_null().alias("keep"))


def _positions(table: pl.DataFrame, split: str) -> NDArray[np.int64]:
    wanted = table.select((pl.col("split") == split) & pl.col("keep")).to_series()
    return wanted.arg_true().to_numpy().astype(np.int64)


def choose(present: NDArray[np.bool_], subjects: NDArray, cap: int) -> NDArray[np.bool_]:
    """Choose frames so that no action unit has more than `cap` positives.

    `present` (frames, action units), frames in time order within each subject. Answers (frames,)
    bool. Kept positives are as many as the caps allow; no frame could be added.
    """
    chosen = np.zeros(len(present), bool)
    if len(present) == 0:
        return chosen
    sets, member = np.unique(present, axis=0, return_inverse=True)
    member = member.reshape(-1)
    for number, quota in enumerate(frames_per_label_set(sets, np.bincount(member), cap)):
        rows = np.flatnonzero(member == number)
        chosen[rows[spread(subjects[rows], int(quota))]] = True
    return chosen


def frames_per_label_set(
    sets: NDArray[np.bool_], available: NDArray[np.int64], cap: int
) -> NDArray[np.int64]:
    """Solve the integer program: how many frames of each label set to keep.

    `sets` (label sets, action units), `available` (label sets,). The set without any action unit
    present keeps at most `cap`.
    """
    quota = np.minimum(available, cap)
    active = sets.any(axis=1)
    if not active.any():
        return quota
    members = sets[active].astype(float)
    result = milp(
        -members.sum(axis=1),
        integrality=np.ones(len(members)),
        bounds=Bounds(0, quota[active]),
        constraints=LinearConstraint(members.T, ub=np.full(sets.shape[1], cap)),
        options={"mip_rel_gap": 0.0},
    )
    if result.x is None:
        raise UserError(f"cap: the integer program found no solution ({result.message})")
    quota[active] = np.round(result.x).astype(np.int64)
    return quota


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


def cap_stage(split: Path, labels: Path, output: Path, parameters: Parameters) -> Counts:
    """Read the split, cap, write, and count positives before and after."""
    labels_table = read_table(labels, KEY)
    before = read_table(split, SPLIT)
    after = decide(before, labels_table, cap=parameters.cap)
    write_table(after, output, CAP)
    return _count(before, after, labels_table)


def _count(before: pl.DataFrame, after: pl.DataFrame, labels: pl.DataFrame) -> Counts:
    names = action_units(labels)
    in_split = pl.col("keep") & (pl.col("split") == "train")
    validation = pl.col("keep") & (pl.col("split") == "validation")
    tables = {
        "train before": before.filter(in_split),
        "train after": after.filter(in_split),
        "validation": after.filter(validation),
        "balanced": after.filter(validation & pl.col("balanced")),
    }
    joined = {
        key: table.select("id").join(labels.select("id", *names), on="id", how="left")
        for key, table in tables.items()
    }
    positives = {key: [int(t[name].sum()) for name in names] for key, t in joined.items()}
    rows: list[tuple[object, ...]] = [("frames", *(len(t) for t in joined.values()))]
    rows += [(name, *(p[i] for p in positives.values())) for i, name in enumerate(names)]
    rows.append(("no action unit", *(_without(t, names) for t in joined.values())))
    rows.append(("most / least", *(_imbalance(p) for p in positives.values())))
    data = {str(row[0]): dict(zip(joined, row[1:], strict=True)) for row in rows}
    return Counts(["positives", *joined], rows, data)


def _without(table: pl.DataFrame, names: list[str]) -> int:
    if not names:
        return len(table)
    return len(table.filter(~pl.any_horizontal(pl.col(n).fill_null(0) == 1 for n in names)))


def _imbalance(positives: list[int]) -> str | None:
    """Write the ratio of the most to the least frequent action unit that occurs at all."""
    there = [count for count in positives if count]
    return f"{max(there) / min(there):.1f}" if there else None
