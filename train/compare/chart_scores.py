"""The gap of each experiment against its macro F1: a dot each, with 95 % intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from curate.viz.style import BLUE, GRAY, NAME, RULE, draw_message, halo, in_style, ink, new_figure
from train.compare.best import Measured
from train.compare.label_layout import Box, place_labels

_MOST_NAMES = 20  # dots that are named; more are numbered as in the table
_WIDTH = 26  # characters of a line of a name
_LEADER = 16  # points from which a name is joined to its dot by a line
_BETTER = "better: higher F1,\nsmaller gap"


@dataclass(frozen=True)
class Point:
    """One experiment, by the name that its figures have, and its number in the table."""

    number: int
    f1: Measured
    gap: Measured
    baseline: bool = False


@in_style()
def draw(points: Sequence[Point], title: str) -> Figure:
    """Draw the points; without any, a sentence instead."""
    if not points:
        return draw_message(title, "No experiment has both a gap and a macro F1.")
    figure = new_figure(10, 6.2 + 0.1 * max(0, len(points) - 8), title)
    axes = figure.subplots()
    for point in points:
        _draw_point(axes, point)
    _scale(axes, points)
    axes.set_xlabel("macro F1 on people never seen, natural validation set")
    axes.set_ylabel("gap at the end: held out - seen, in nats")
    axes.grid(axis="both")
    numbered = len(points) > _MOST_NAMES
    axes.set_title(
        "Lines are 95 % intervals"
        + ("; numbers are those of the table" if numbered else "")
        + ("; the baseline is grey" if any(point.baseline for point in points) else "")
    )
    better = axes.annotate(
        _BETTER, (1, 0), (-26, 22), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="bottom", color=ink(GRAY), fontstyle="italic", fontsize=NAME,
        arrowprops={"arrowstyle": "-|>", "color": ink(GRAY), "relpos": (1, 0), "shrinkA": 2},
    )  # fmt: skip
    better.set_in_layout(False)
    texts = _write_names(axes, points, numbered)
    _place_names(figure, axes, points, texts, better)
    return figure


def _draw_point(axes: Axes, point: Point) -> None:
    color = GRAY if point.baseline else BLUE
    across, up = _errors(point.f1), _errors(point.gap)
    axes.errorbar(
        point.f1.value, point.gap.value, xerr=across, yerr=up,
        fmt="o", markersize=9, color=color, ecolor=color, elinewidth=1, alpha=0.45, zorder=2,
    )  # fmt: skip
    axes.plot(
        point.f1.value,
        point.gap.value,
        "o",
        markersize=9,
        color=color,
        markeredgecolor="white",
        zorder=4,
    )


def _errors(measured: Measured) -> list[list[float]] | None:
    """Return how far the interval reaches below and above the value; None without one."""
    value, low, high = measured.value, measured.low, measured.high
    if low is None or high is None:
        return None
    return [[max(value - low, 0.0)], [max(high - value, 0.0)]]


def _scale(axes: Axes, points: Sequence[Point]) -> None:
    """Leave room around the dots, and the corner below right to the arrow."""
    for measured, limits, below, above in (
        ([point.f1 for point in points], axes.set_xlim, 1, 1.5),
        ([point.gap for point in points], axes.set_ylim, 1.5, 1),
    ):
        sides = [side for each in measured for side in (each.value, each.low, each.high)]
        ends = [side for side in sides if side is not None]
        room = 0.12 * max(max(ends) - min(ends), 0.02)
        limits(min(ends) - below * room, max(ends) + above * room)


def _write_names(axes: Axes, points: Sequence[Point], numbered: bool) -> list[Annotation]:
    """Write a name on each dot, to be moved aside once the figure's layout is known."""
    size = 9 if len(points) <= 10 else 8
    texts = []
    for point in points:
        name = str(point.number) if numbered else textwrap.fill(point.f1.label, _WIDTH)
        text = axes.annotate(
            name, (point.f1.value, point.gap.value), (0, 0), textcoords="offset points",
            ha="center", va="center", fontsize=size, linespacing=1.1, zorder=5,
            color=ink(GRAY if point.baseline else BLUE), path_effects=halo(),
        )  # fmt: skip
        text.set_in_layout(False)
        texts.append(text)
    return texts


def _place_names(
    figure: Figure, axes: Axes, points: Sequence[Point], texts: list[Annotation], better: Text
) -> None:
    """Move names to where nothing is; those that fit nowhere are not shown."""
    figure.draw_without_rendering()  # which lays it out
    to_points = 72 / figure.dpi
    dots = [tuple(axes.transData.transform((p.f1.value, p.gap.value)) * to_points) for p in points]
    extents = [text.get_window_extent() for text in texts]
    boxes = place_labels(
        dots,
        [(box.width * to_points + 3, box.height * to_points + 2) for box in extents],
        [box for point in points for box in _interval_boxes(axes, point, to_points)],
        _points(axes.get_window_extent(), to_points),
        [_points(better.get_window_extent(), to_points)],
    )
    for text, (x, y), box in zip(texts, dots, boxes, strict=True):
        if box is None:
            text.set_visible(False)
            continue
        offset = ((box.left + box.right) / 2 - x, (box.bottom + box.top) / 2 - y)
        text.set_position((round(offset[0], 1), round(offset[1], 1)))
        _lead(axes, text, box, (x, y))


def _lead(axes: Axes, text: Annotation, box: Box, dot: tuple[float, float]) -> None:
    """Join a name that lies apart from its dot to it by a thin line."""
    near = np.clip(dot, (box.left, box.bottom), (box.right, box.top)) - np.array(dot)
    if np.hypot(*near) < _LEADER:
        return
    line = axes.annotate(
        "", text.xy, (round(near[0], 1), round(near[1], 1)), textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": RULE, "linewidth": 0.7, "shrinkA": 0,
                    "shrinkB": 5}, zorder=3,
    )  # fmt: skip
    line.set_in_layout(False)


def _interval_boxes(axes: Axes, point: Point, to_points: float) -> list[Box]:
    """Return where the lines of a point's intervals lie."""
    f1, gap = point.f1, point.gap
    lines = []
    if f1.low is not None and f1.high is not None:
        lines.append([(f1.low, gap.value), (f1.high, gap.value)])
    if gap.low is not None and gap.high is not None:
        lines.append([(f1.value, gap.low), (f1.value, gap.high)])
    ends = [axes.transData.transform(line) * to_points for line in lines]
    return [Box(*(low - 1), *(high + 1)) for low, high in ends]


def _points(extent: Bbox, to_points: float) -> Box:
    left, bottom, right, top = (float(side) * to_points for side in extent.extents)
    return Box(left, bottom, right, top)
