"""The causes of the gap as stacked bars, beside the curves of `gap_anatomy`."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from curate.base.text import format_interval
from curate.viz.style import CAUSES, FINE, RULE, format_epochs, ink, spread
from train.gap.verdict import Gap

_NAMES = {
    "memorised": "memorised",
    "near_duplicate_moments": "near-duplicate\nmoments",
    "same_people": "memorised and\nnear-duplicate\nmoments",
    "people": "people",
}
_LEAST_STACK = 0.06  # of the stacks' axis, in nats: just over what `train.gap.verdict` calls no gap


def draw_causes(axes: Axes, gaps: Sequence[Gap], line: float = 0.045) -> None:
    """Stack the causes of each gap, a bar a time; negative ones hang down.

    Each name gives a cause's figure and, where there is one, its 95 % interval; `line` is the
    height of a line of it, as a share of the axes'.
    """
    extent = [_stack(axes, place, gap.parts()) for place, gap in enumerate(gaps)]
    low, high = min([0.0, *(e[0] for e in extent)]), max([_LEAST_STACK, *(e[1] for e in extent)])
    below = 0.1 if low < 0 else 0.03  # room for the names of what hangs down
    axes.set_ylim(low - below * (high - low), high * 1.12)
    axes.set_xlim(-0.25, len(gaps) - 0.05)
    axes.set_xticks(range(len(gaps)), [f"after\n{format_epochs(gap.epoch)}" for gap in gaps])
    axes.axhline(0, color=RULE, linewidth=1)
    axes.set_title("The gap, by cause (loss)")
    least = line * (high - low)
    for place, gap in enumerate(gaps):
        _name_causes(axes, place, gap, least)


def bottoms_of(causes: dict[str, float]) -> dict[str, float]:
    """Return where each bar begins: positive ones above zero, negative ones below."""
    ends = {True: 0.0, False: 0.0}
    bottoms = {}
    for cause, value in causes.items():
        bottoms[cause] = ends[value >= 0]
        ends[value >= 0] += value
    return bottoms


def _stack(axes: Axes, place: int, causes: dict[str, float]) -> tuple[float, float]:
    """Draw a bar, the first cause at the bottom; return where it begins and ends."""
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


def _name_causes(axes: Axes, place: int, gap: Gap, least: float) -> None:
    causes = gap.parts()
    bottoms = bottoms_of(causes)
    names = [
        f"{_NAMES[cause]}\n{value:+.3f}{_interval(gap, cause)}" for cause, value in causes.items()
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


def _interval(gap: Gap, cause: str) -> str:
    interval = format_interval(*gap.bounds(cause))
    return f"\n({interval})" if interval else ""
