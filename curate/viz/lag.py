"""How fast pictures change, drawn: distance of a clip's frames against the time between them."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.base.text import plural
from curate.search.lag import Lags
from curate.viz.style import (
    BLUE,
    GRAY,
    GREEN,
    NAME,
    VERMILION,
    draw_message,
    in_style,
    ink,
    new_figure,
)


@in_style()
def draw(lags: Lags, *, distance: int, stride: int) -> Figure:
    """Draw the distances; `distance` (bits, -1: none) and `stride` (frames) are lines."""
    if lags.all.is_empty():
        return draw_message(
            "No two frames of a clip to compare", "Every clip holds at most one frame."
        )
    figure = new_figure(10, 5.4, _finding(lags, stride))
    axes = figure.subplots()
    draw_on(axes, lags, distance=distance, stride=stride)
    axes.set_title(
        "Distance of perceptual hashes in bits, of 64. "
        "Thick: median of all clips, shaded: quartiles, thin: each clip"
    )
    return figure


def draw_on(axes: Axes, lags: Lags, *, distance: int, stride: int) -> None:
    """Draw the curve of each clip and of all, over frames or seconds, with both lines."""
    second = lags.interval or 1.0
    unit = "seconds" if lags.interval else "frames"
    for _, clip in lags.clips.group_by("clip", maintain_order=True):
        axes.plot(
            clip["lag"].to_numpy() * second,
            clip["median"].to_numpy(),
            color=BLUE,
            alpha=0.22,
            linewidth=0.9,
        )
    time = lags.all["lag"].to_numpy() * second
    axes.fill_between(
        time,
        lags.all["low"].to_numpy(),
        lags.all["high"].to_numpy(),
        color=BLUE,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(time, lags.all["median"].to_numpy(), color=BLUE, linewidth=3)
    axes.set_xscale("log")
    axes.set_xlim(time[0] * 0.8, max(time[-1], stride * second) * 1.2)
    highest = max(*lags.all["high"], *lags.clips["median"], lags.elsewhere or 0, distance)
    axes.set_ylim(0, highest * 1.15 + 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(f"{unit} between two frames of a clip (logarithmic)")
    _mark(axes, lags, distance, stride, second)


def _finding(lags: Lags, stride: int) -> str:
    at = lags.all.sort((pl.col("lag") - stride).abs(), "lag").row(0, named=True)
    frames = plural(at["lag"], "frame")
    time = f" ({at['lag'] * lags.interval:.2g} s)" if lags.interval else ""
    others = f"; in different clips, {lags.elsewhere:.0f}" if lags.elsewhere is not None else ""
    return f"{frames}{time} apart, pictures differ in {at['median']:.0f} of 64 bits{others}"


def _mark(axes: Axes, lags: Lags, distance: int, stride: int, second: float) -> None:
    right = axes.get_xlim()[1]
    if distance >= 0:
        axes.axhline(distance, color=VERMILION, linestyle=(0, (5, 2)), linewidth=1.6)
        _say(axes, (right, distance), f"distance {distance}: a near-duplicate", VERMILION)
    if lags.elsewhere is not None:
        axes.axhline(lags.elsewhere, color=GRAY, linestyle=":", linewidth=2)
        _say(axes, (right, lags.elsewhere), "random frames of different clips", GRAY)
    axes.axvline(stride * second, color=GREEN, linestyle=(0, (5, 2)), linewidth=1.6)
    axes.annotate(
        f"stride {stride}",
        (stride * second, axes.get_ylim()[1]),
        xytext=(5, -4),
        textcoords="offset points",
        va="top",
        color=ink(GREEN),
        fontweight="bold",
    )


def _say(axes: Axes, place: tuple[float, float], words: str, color: str) -> None:
    axes.annotate(
        words,
        place,
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=ink(color),
        fontweight="bold",
        fontsize=NAME,
    )
