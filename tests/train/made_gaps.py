"""Gaps and losses of probes made up by hand, of the figures that a test is about."""

from __future__ import annotations

from typing import Any

import polars as pl

from train.gap.losses import PROBES
from train.gap.verdict import UNKNOWN, Gap, Verdict

FIGURES = ("gap", "memorised", "near_duplicate_moments", "same_people", "people", "dropped")


def make_gap(epoch: float = 1.0, cause: str = UNKNOWN, **given: Any) -> Gap:
    """Make a gap of the figures `given`, all others unknown.

    `low` and `high` hold the ends of those figures that have an interval.
    """
    unknown: dict[str, Any] = dict.fromkeys(FIGURES)
    ends = {end: unknown | given.pop(end, {}) for end in ("low", "high")}
    rest: dict[str, Any] = {"worth": None, "shares": {}, "shares_low": {}, "shares_high": {}}
    return Gap(epoch=epoch, cause=cause, **(unknown | rest | ends | given))


def make_verdict(early: Gap, final: Gap) -> Verdict:
    """Make a verdict on two gaps; the weights kept are those of the final one's epoch."""
    return Verdict(early, final, round(final.epoch))


def make_probes(epochs: list[float], people: list[float | None]) -> pl.DataFrame:
    """Make a table of probes whose losses on frames fed fall; those of `people` are given."""
    columns: dict[str, Any] = {
        "epoch": epochs,
        "seen": [0.4 - 0.1 * epoch for epoch in epochs],
        "unseen": [0.42 - 0.1 * epoch if epoch < 1 else None for epoch in epochs],
        "dropped": [0.41 - 0.1 * epoch for epoch in epochs],
        "moments": [0.45 for _ in epochs],
        "people": people,
    }
    for name in PROBES:
        column = pl.Series(columns[name], dtype=pl.Float64)
        columns[f"{name}_low"], columns[f"{name}_high"] = column - 0.02, column + 0.02
        columns[f"{name}_frames"] = [120.0] * len(epochs)
    columns["frames_fed"] = [160 * epoch for epoch in epochs]
    return pl.DataFrame(columns, dict.fromkeys(columns, pl.Float64))
