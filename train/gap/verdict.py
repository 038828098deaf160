"""From probe losses to words: how large the gap is, what it is made of, and the largest cause.

Nothing is said that its 95 % interval does not carry: a gap is named where its interval, or that of
what is lost on the same people, lies above 0, and a cause where that of its part does. Where the
interval holds both 0 and a gap worth naming there is not enough data to say.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from curate.base.text import format_interval, plural
from train.gap.bootstrap import Estimate
from train.gap.losses import FEW_FRAMES

# A gap of less than this share of the loss on seen frames is not worth a cause.
NO_GAP = 0.1
WORDS = {
    "memorised": "memorised frames",
    "near_duplicate_moments": "near-duplicate moments",
    "people": "people it never saw",
    "same_people": "memorised frames and near-duplicate moments together",
}
_FIGURES = ("gap", "memorised", "near_duplicate_moments", "same_people", "people", "dropped")


@dataclass(frozen=True)
class Gap:
    """The gap at one time: its size and its parts in nats; None where a probe was missing.

    `gap` leads from seen frames to the worse of the two held-out probes: validation subjects can
    be easier than training's by chance, which does not undo what is lost on other moments.
    `memorised` + `near_duplicate_moments` = `same_people`; `people`, where positive, makes up the
    rest of the gap. After the first epoch no training frame is unseen; dropped frames, which lie
    between the fed ones and were never fed, then stand in for it. `dropped` is dropped - seen.

    `low` and `high` are the ends of each figure's 95 % interval, None where a probe came from one
    clip only; `worth` is the size from which a gap is worth a cause. `cause` is the largest part
    whose interval lies above 0, "none" (no gap) or "unknown" (not enough data to say); `shares` of
    a named gap by part, parts below 0 left out, add up to 1; `shares_low` and `shares_high` are the
    ends of their 95 % intervals, None where some draw has no part above 0.
    """

    epoch: float
    gap: float | None
    memorised: float | None
    near_duplicate_moments: float | None
    same_people: float | None
    people: float | None
    dropped: float | None
    cause: str
    worth: float | None
    low: dict[str, float | None]
    high: dict[str, float | None]
    shares: dict[str, float]
    shares_low: dict[str, float | None]
    shares_high: dict[str, float | None]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return asdict(self)


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

    def between(lower: str, upper: str) -> Estimate | None:
        return known[upper] - known[lower] if lower in known and upper in known else None

    held_out = [name for name in ("moments", "people") if name in known]
    worse = max(held_out, key=lambda name: known[name].value, default="people")
    pairs = (
        ("seen", worse), ("seen", unseen), (unseen, "moments"),
        ("seen", "moments"), ("moments", "people"), ("seen", "dropped"),
    )  # fmt: skip
    found = {name: between(*pair) for name, pair in zip(_FIGURES, pairs, strict=True)}
    values = {name: _rounded(one.value) if one else None for name, one in found.items()}
    ends = {name: (one and one.interval()) or (None, None) for name, one in found.items()}
    low, high = ({name: _rounded(ends[name][side]) for name in _FIGURES} for side in (0, 1))
    worth = _rounded(NO_GAP * known["seen"].value) if "seen" in known else None
    cause = _cause(values, low, high, worth)
    shares = {} if cause in ("none", "unknown") else _shares(values)
    drawn = {part: estimate for part in shares if (estimate := found[part])}
    shares_low, shares_high = _share_ends(drawn)
    return Gap(
        epoch, **values, cause=cause, worth=worth, low=low, high=high,
        shares=shares, shares_low=shares_low, shares_high=shares_high,
    )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _cause(
    values: dict[str, float | None],
    low: dict[str, float | None],
    high: dict[str, float | None],
    worth: float | None,
) -> str:
    """Name the largest part, of a gap worth naming, that stands out of the noise."""
    gap, lowest, highest = values["gap"], low["gap"], high["gap"]
    if gap is None or worth is None or lowest is None or highest is None:
        return "unknown"
    if gap < worth and (lowest > 0 or highest <= worth):
        return "none"
    # Few validation subjects can leave the whole open, and not what is lost on the same people.
    same = (values["same_people"] or 0.0) >= worth and (low["same_people"] or 0.0) > 0
    if (lowest <= 0 and not same) or values["same_people"] is None:
        return "unknown"
    sure = {part: values[part] or 0.0 for part in _parts(values) if (low[part] or 0.0) > 0}
    if not sure and (low["same_people"] or 0.0) > 0:
        return "same_people"  # which of its two parts is not clear
    return max(sure, key=lambda part: sure[part], default="unknown")


def _parts(values: dict[str, float | None]) -> list[str]:
    """List the parts that the gap is known to be made of: the finest there are."""
    fine = [part for part in ("memorised", "near_duplicate_moments") if values[part] is not None]
    same = fine or (["same_people"] if values["same_people"] is not None else [])
    return [*same, "people"] if values["people"] is not None else same


def _shares(values: dict[str, float | None]) -> dict[str, float]:
    above = {part: max(values[part] or 0.0, 0.0) for part in _parts(values)}
    whole = sum(above.values())
    return {part: round(value / whole, 4) for part, value in above.items()} if whole else {}


def _share_ends(
    parts: dict[str, Estimate],
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return low and high of each part's share, worked out in each draw as it is for the whole."""
    above = {part: np.maximum(one.drawn, 0.0) for part, one in parts.items()}
    whole = np.sum(list(above.values()), axis=0)
    known = np.where(whole > 0, whole, np.nan)
    ends = {
        part: Estimate(0.0, drawn / known).interval() or (None, None)
        for part, drawn in above.items()
    }
    low, high = ({part: _rounded(two[side]) for part, two in ends.items()} for side in (0, 1))
    return low, high


def sentence(gap: Gap) -> str:
    """Describe in plain words what the gap is, with all figures that it rests on."""
    parts = ", ".join(f"{WORDS[part]} {_figure(gap, part)}" for part in _parts(vars(gap)))
    if gap.low["gap"] is None or gap.cause == "none":
        parts = ""
    elif gap.cause != "unknown":
        parts = f" in all, of it {parts}"
    else:
        parts = f": {parts}"
    return f"{_when(gap.epoch)}: {_found(gap)}{parts}{_missing(gap)}."


def finding(gap: Gap) -> str:
    """Describe what the gap is and how large, without its parts: a title."""
    return f"{_when(gap.epoch)}: {_found(gap)}."


def _found(gap: Gap) -> str:
    if gap.gap is None or gap.worth is None:
        return f"not enough data to say; a probe holds fewer than {FEW_FRAMES} frames"
    if gap.low["gap"] is None:
        return f"not enough data to say; {gap.gap:+.3f} is the gap of a single clip"
    size = _figure(gap, "gap")
    if gap.cause == "none":
        return f"no gap to speak of: {size}, under {gap.worth:.3f}, {NO_GAP:.0%} of the loss"
    if gap.cause != "unknown":
        share = f" ({gap.shares[gap.cause]:.0%} of it)" if gap.cause in gap.shares else ""
        return f"the gap is {WORDS[gap.cause]}{share}: {size}"
    if gap.low["gap"] > 0:
        return f"a gap of {size}, but not enough data to say of what"
    worth = f"may be nothing or worth naming (from {gap.worth:.3f})"
    return f"not enough data to say; the gap of {size} {worth}"


def _figure(gap: Gap, name: str) -> str:
    """Write a figure with the ends of its interval: "+0.170 (0.120 to 0.210)"."""
    interval = format_interval(gap.low[name], gap.high[name])
    return f"{getattr(gap, name):+.3f}" + (f" ({interval})" if interval else "")


def _missing(gap: Gap) -> str:
    """Describe which part of a known gap stays unknown for want of frames to compare with."""
    if gap.gap is None or gap.people is not None:
        return ""
    if gap.same_people is None:
        return "; what other moments cost is unknown: too few frames are held out of training clips"
    return f"; what new people cost is unknown: fewer than {FEW_FRAMES} validation frames"


def _when(epoch: float) -> str:
    names = {0.0625: "1/16", 0.125: "1/8", 0.25: "1/4", 0.5: "1/2", 0.75: "3/4"}
    if epoch in names:
        return f"After {names[epoch]} of the first epoch"
    return f"After {plural(float(epoch), 'epoch')}"


def table(gaps: list[Gap]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Lay gaps out as columns and rows: one row a part; its figure and interval at each time."""
    names = ["gap", *WORDS, "dropped"]
    labels = {"gap": "gap: held out - seen", "dropped": "dropped - seen", **WORDS}
    rows = [
        (
            labels[name],
            *(
                cell
                for gap in gaps
                for cell in (getattr(gap, name), format_interval(gap.low[name], gap.high[name]))
            ),
        )
        for name in names
    ]
    columns = [cell for gap in gaps for cell in (f"epoch {gap.epoch:g}", "95 % interval")]
    return ["part", *columns], rows
