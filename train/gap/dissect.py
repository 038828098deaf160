"""The gap taken apart: from the probes' losses to its parts, their shares and the cause."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from train.gap.intervals import Estimate
from train.gap.losses import FEW_FRAMES
from train.gap.verdict import NO_GAP, NONE, UNKNOWN, Gap

Bounds = dict[str, float | None]


def dissect(
    epoch: float,
    losses: dict[str, Estimate | None],
    frames: dict[str, int],
    unseen: str = "unseen",
) -> Gap:
    """Split the gap by cause from the probes' losses at one time.

    `unseen` names the probe of frames near the fed ones that were not fed themselves. Figures are
    rounded to 4 digits once, here, so that file, table, picture and words show the same.
    """
    known = {
        name: loss
        for name, loss in losses.items()
        if loss is not None and frames[name] >= FEW_FRAMES
    }
    figures = _differences(known, unseen)
    values = {name: _rounded(figure.value) if figure else None for name, figure in figures.items()}
    low, high = _bounds(figures)
    gap = Gap(
        epoch, **values, cause=UNKNOWN, low=low, high=high,
        worth=_rounded(NO_GAP * known["seen"].value) if "seen" in known else None,
        shares={}, shares_low={}, shares_high={},
    )  # fmt: skip
    gap = replace(gap, cause=_cause(gap))
    return gap if gap.cause in (NONE, UNKNOWN) else _with_shares(gap, figures)


def _differences(known: dict[str, Estimate], unseen: str) -> dict[str, Estimate | None]:
    """Subtract the losses that each figure of the gap leads from and to; None: one is missing."""
    held_out = [name for name in ("moments", "people") if name in known]
    worse = max(held_out, key=lambda name: known[name].value, default="people")
    pairs = {
        "gap": ("seen", worse),
        "memorised": ("seen", unseen),
        "near_duplicate_moments": (unseen, "moments"),
        "same_people": ("seen", "moments"),
        "people": ("moments", "people"),
        "dropped": ("seen", "dropped"),
    }
    return {
        name: known[upper] - known[lower] if lower in known and upper in known else None
        for name, (lower, upper) in pairs.items()
    }


def _bounds(figures: dict[str, Estimate | None]) -> tuple[Bounds, Bounds]:
    """Return the ends of each figure's 95 % interval, low and high."""
    bounds = {name: figure.bounds() if figure else (None, None) for name, figure in figures.items()}
    low = {name: _rounded(ends[0]) for name, ends in bounds.items()}
    return low, {name: _rounded(ends[1]) for name, ends in bounds.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _number(value: float | None) -> float:
    """Return a figure, NaN where it is not known: no comparison with NaN holds."""
    return math.nan if value is None else value


def _cause(gap: Gap) -> str:
    """Return the largest part, of a gap worth naming, that stands out of the noise."""
    return next((cause for holds, cause in _CAUSES if holds(gap)), None) or _largest_sure(gap)


def _is_small(gap: Gap) -> bool:
    """Whether the gap, though it may be above 0, is not worth naming, or surely not."""
    worth, low, high = _number(gap.worth), _number(gap.low["gap"]), _number(gap.high["gap"])
    return _number(gap.gap) < worth and (low > 0 or high <= worth)


def _may_be_nothing(gap: Gap) -> bool:
    """Whether neither the gap nor what is lost on the same people is surely above 0.

    Few validation subjects can leave the gap open, and not what is lost on the same people.
    """
    same_people = _number(gap.same_people) >= _number(gap.worth) and _is_sure(gap, "same_people")
    return not (_is_sure(gap, "gap") or same_people)


def _is_sure(gap: Gap, name: str) -> bool:
    return _number(gap.low[name]) > 0


def _largest_sure(gap: Gap) -> str:
    sure = {part: value for part, value in gap.parts().items() if _is_sure(gap, part)}
    if not sure and _is_sure(gap, "same_people"):
        return "same_people"  # which of its two parts is not clear
    return max(sure, key=lambda part: sure[part], default=UNKNOWN)


# The first condition that holds decides; if none does, the cause is the largest part that is sure.
_CAUSES: tuple[tuple[Callable[[Gap], bool], str], ...] = (
    (lambda gap: gap.low["gap"] is None, UNKNOWN),  # a probe is missing, or came from one clip
    (_is_small, NONE),
    (_may_be_nothing, UNKNOWN),
    (lambda gap: gap.same_people is None, UNKNOWN),  # is it new people, or other moments?
)


def _with_shares(gap: Gap, figures: dict[str, Estimate | None]) -> Gap:
    """Add the shares of a named gap, and the ends of their intervals: each draw's own shares."""
    above = {part: max(value, 0.0) for part, value in gap.parts().items()}
    total = sum(above.values())
    drawn = {part: np.maximum(figure.drawn, 0.0) for part in above if (figure := figures[part])}
    totals = np.sum(list(drawn.values()), axis=0)
    totals = np.where(totals > 0, totals, np.nan)
    low, high = _bounds({part: Estimate(0.0, draws / totals) for part, draws in drawn.items()})
    shares = {part: round(value / total, 4) for part, value in above.items()}
    return replace(gap, shares=shares, shares_low=low, shares_high=high)
