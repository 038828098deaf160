"""The causes of the gap as stacked bars, beside the curves of `gap_anatomy`."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from curate.viz.style import CAUSES, FINE, RULE, epochs_in_words, ink, spread

_NAMES = {
    "memorised": "memorised",
    "near_duplicate_moments": "near-duplicate\nmoments",
    "same_people": "memorised and\nnear-duplicate\nmoments",
    "people": "people",
}
_LEAST_STACK = 0.06  # of the stacks' axis, in nats: just over what `train.gap.verdict` calls no gap


def draw_causes(axes: Axes, moments: list[dict[str, Any]], line: float = 0.045) -> None:
    """Stack the causes at each of the moments (entries of gap.json); negative ones hang down.

    Each name gives a cause's figure and, where there is one, its 95 % interval; `line` is the
    height of a line of it, as a share of the axes'.
    """
    extent = [_stack(axes, place, moment) for place, moment in enumerate(moments)]
    low, high = min([0.0, *(e[0] for e in extent)]), max([_LEAST_STACK, *(e[1] for e in extent)])
    below = 0.1 if low < 0 else 0.03  # room for the names of what hangs down
    axes.set_ylim(low - below * (high - low), high * 1.12)
    axes.set_xlim(-0.25, len(moments) - 0.05)
    axes.set_xticks(range(len(moments)), [f"after\n{epochs_in_words(m['epoch'])}" for m in moments])
    axes.axhline(0, color=RULE, linewidth=1)
    axes.set_title("The gap, by cause (loss)")
    least = line * (high - low)
    for place, moment in enumerate(moments):
        _name_causes(axes, place, moment, least)


def known_causes(moment: dict[str, Any]) -> dict[str, float]:
    """Return the causes that this moment knows, from the bottom of the stack to its top."""
    causes = {cause: moment.get(cause) for cause in CAUSES}
    if causes["memorised"] is not None or causes["near_duplicate_moments"] is not None:
        causes["same_people"] = None  # the two parts say it better
    return {cause: float(value) for cause, value in causes.items() if value is not None}


def bottoms_of(causes: dict[str, float]) -> dict[str, float]:
    """Return where each bar begins: positive ones above zero, negative ones below."""
    ends = {True: 0.0, False: 0.0}
    bottoms = {}
    for cause, value in causes.items():
        bottoms[cause] = ends[value >= 0]
        ends[value >= 0] += value
    return bottoms


def _stack(axes: Axes, place: int, moment: dict[str, Any]) -> tuple[float, float]:
    causes = known_causes(moment)
    bottoms = bottoms_of(causes)
    for cause, value in causes.items():
        axes.bar(
            place,
            value,
            0.2,
            bottom=bottoms[cause],
            color=CAUSES[cause],
            linewidth=0,
            hatch="//" if cause == "same_people" else None,
            edgecolor=CAUSES["memorised"],
        )
    ends = [0.0, *(bottoms[cause] + value for cause, value in causes.items())]
    return min(ends), max(ends)


def _name_causes(axes: Axes, place: int, moment: dict[str, Any], least: float) -> None:
    causes = known_causes(moment)
    bottoms = bottoms_of(causes)
    names = [
        f"{_NAMES[cause]}\n{value:+.3f}{_interval(moment, cause)}"
        for cause, value in causes.items()
    ]
    middles = [bottoms[cause] + value / 2 for cause, value in causes.items()]
    lines = max((name.count("\n") + 1 for name in names), default=1)
    heights = spread(middles, lines * least)
    lowest = axes.get_ylim()[0] + lines * least / 2
    raised = max(0.0, lowest - min(heights, default=lowest))  # no name below the axis
    for cause, name, height in zip(causes, names, heights, strict=True):
        axes.text(
            place + 0.14,
            height + raised,
            name,
            va="center",
            fontsize=FINE,
            color=ink(CAUSES[cause]),
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # the zero line ends here
        )


def _interval(moment: dict[str, Any], cause: str) -> str:
    low, high = (moment.get(end, {}).get(cause) for end in ("low", "high"))
    return "" if low is None or high is None else f"\n({low:.3f} to {high:.3f})"
