"""Gaps made up by hand, of the figures that a test is about; all others are unknown."""

from __future__ import annotations

from typing import Any

from train.gap.verdict import UNKNOWN, Gap, Verdict

FIGURES = ("gap", "memorised", "near_duplicate_moments", "same_people", "people", "dropped")


def make_gap(epoch: float = 1.0, cause: str = UNKNOWN, **given: Any) -> Gap:
    """Make a gap; `low` and `high` hold the ends of those figures that have an interval."""
    unknown: dict[str, Any] = dict.fromkeys(FIGURES)
    ends = {end: unknown | given.pop(end, {}) for end in ("low", "high")}
    rest: dict[str, Any] = {"worth": None, "shares": {}, "shares_low": {}, "shares_high": {}}
    return Gap(epoch=epoch, cause=cause, **(unknown | rest | ends | given))


def make_verdict(early: Gap, final: Gap) -> Verdict:
    """Make a verdict on two gaps; the weights kept are those of the final one's epoch."""
    return Verdict(early, final, round(final.epoch))
