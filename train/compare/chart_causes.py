"""What each experiment's gap is made of: a bar each, in the colours of `gap_anatomy`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from curate.base.text import format_interval
from curate.viz.style import (
    CAUSES,
    FINE,
    GRAY,
    RULE,
    SMALL,
    WORDS,
    draw_message,
    halo,
    in_style,
    ink,
    new_figure,
)
from train.gap.verdict import Gap
from train.report.charts.gap_causes import bottoms_of

NAMES = {
    "memorised": "memorised frames",
    "near_duplicate_moments": "near-duplicate moments",
    "same_people": "both of them together",
    "people": "people never seen",
}
_CAUSE_IN_WORDS = {
    **NAMES,
    "same_people": "memorised frames and near-duplicate moments together",
    "none": "no gap to speak of",
    "unknown": "not enough data to say",
}
_WIDTH = 30  # characters of a line of a label
_ROOM = 0.055  # of the width: a part at least so wide holds its figure


@dataclass(frozen=True)
class Bar:
    """One experiment: its name and its gap, or why it has none."""

    label: str
    gap: Gap | None
    reason: str = ""


@in_style()
def draw(bars: Sequence[Bar]) -> Figure:
    """Draw the bars from top to bottom; an experiment without a gap has the reason in its place."""
    title = finding(bars)
    known = [bar.gap.parts() if bar.gap else {} for bar in bars]
    if not any(known):
        return draw_message(title, "No experiment has a gap that could be taken apart.")
    figure = new_figure(10, 1.9 + 0.52 * len(bars), title)
    axes = figure.subplots()
    _scale(axes, bars, known)
    for place, (bar, causes) in enumerate(zip(bars, known, strict=True)):
        if bar.gap and bar.gap.gap is not None and causes:
            _stack(axes, place, causes)
            _mark(axes, place, bar.gap.gap, *bar.gap.bounds("gap"))
        else:
            axes.text(0, place, f"  {bar.reason}", va="center", color=ink(GRAY), fontsize=SMALL)
    axes.axvline(0, color=RULE, linewidth=1)
    axes.set_yticks(range(len(bars)), [textwrap.fill(bar.label, _WIDTH) for bar in bars])
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    axes.set_xlabel("loss in nats; parts below 0 lie left of it")
    _explain(figure, known)
    return figure


def finding(bars: Sequence[Bar]) -> str:
    """Count in how many experiments each cause is the largest, as a sentence."""
    causes = [bar.gap.cause for bar in bars if bar.gap]
    counts = {cause: causes.count(cause) for cause in _CAUSE_IN_WORDS if cause in causes}
    if not counts:
        return "What the gaps are made of: unknown"
    parts = ", ".join(f"{_CAUSE_IN_WORDS[cause]} in {count}" for cause, count in counts.items())
    return f"What the gaps are made of, first of all: {parts} of {len(causes)}"


def _scale(axes: Axes, bars: Sequence[Bar], known: Sequence[dict[str, float]]) -> None:
    """Make room for the stacks, the intervals of the gap, and what is written right of them."""
    ends = [0.0, 0.02]
    for bar, causes in zip(bars, known, strict=True):
        starts = bottoms_of(causes)
        ends += [starts[cause] + value for cause, value in causes.items()]
        if bar.gap:
            sides = (bar.gap.gap, *bar.gap.bounds("gap"))
            ends += [side for side in sides if side is not None]
    low, high = min(ends), max(ends)
    axes.set_xlim(low - 0.03 * (high - low), high + 0.3 * (high - low))
    axes.set_ylim(len(bars) - 0.4, -0.6)


def _stack(axes: Axes, place: int, causes: dict[str, float]) -> None:
    starts = bottoms_of(causes)
    left, right = axes.get_xlim()
    for cause, value in causes.items():
        axes.barh(
            place, value, 0.5, left=starts[cause], color=CAUSES[cause], linewidth=0,
            hatch="//" if cause == "same_people" else None, edgecolor=CAUSES["memorised"],
        )  # fmt: skip
        if abs(value) >= _ROOM * (right - left):
            middle = starts[cause] + value / 2
            axes.text(
                middle,
                place,
                f"{value:+.3f}",
                ha="center",
                va="center",
                fontsize=FINE,
                path_effects=halo() if cause == "same_people" else None,
            )


def _mark(axes: Axes, place: int, gap: float, low: float | None, high: float | None) -> None:
    """Mark the gap and its interval below the bar; write both right of all."""
    below, color = place + 0.36, WORDS
    axes.plot(gap, below, "D", markersize=4, color=color, zorder=4)
    words = f"gap {gap:+.3f}"
    if low is not None and high is not None:
        axes.plot([low, high], [below, below], color=color, linewidth=1.2)
        words += f"\n{format_interval(low, high)}"
    axes.text(
        0.995, place + 0.05, words, va="center", ha="right", fontsize=SMALL,
        color=color, transform=axes.get_yaxis_transform(), linespacing=1.1,
        path_effects=halo(),
    )  # fmt: skip


def _explain(figure: Figure, known: Sequence[dict[str, float]]) -> None:
    shown = [cause for cause in CAUSES if any(cause in causes for causes in known)]
    patches = [
        Patch(
            facecolor=CAUSES[cause],
            hatch="//" if cause == "same_people" else None,
            edgecolor=CAUSES["memorised"] if cause == "same_people" else "none",
            label=NAMES[cause],
        )
        for cause in shown
    ]
    mark = Line2D([], [], marker="D", markersize=4, color=WORDS, linewidth=1.2)
    mark.set_label("gap, 95 % interval")
    figure.legend(
        handles=[*patches, mark], loc="outside lower center", fontsize=SMALL, ncols=len(shown) + 1,
        handlelength=1.4, columnspacing=1.6,
    )  # fmt: skip
