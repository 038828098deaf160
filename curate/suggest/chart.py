"""Stride and distance, drawn: how fast pictures change, and what each candidate leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from curate.base.files import atomic_write, check_outside, check_suffix, check_writable
from curate.suggest.candidates import OFF, Candidate
from curate.suggest.choice import COVERED, Result
from curate.suggest.tables import format_distance
from curate.viz import lag
from curate.viz.style import GREEN, NAME, VERMILION, in_style, ink, new_figure, save

_SHADES = (0.0, 0.82)  # part of viridis that reads on white


def check_output(output: Path, footage: Path | None) -> None:
    """Refuse, before the work, a picture that is no PNG or would lie in the footage.

    Raises:
        UserError: either, or its folder cannot be written to.
    """
    check_suffix(output, "the picture", ".png")
    if footage is not None:
        check_outside(footage, output)
    check_writable(output)


def write_picture(result: Result, output: Path) -> None:
    """Draw the picture and write it; the same result gives the same bytes."""
    with atomic_write(output) as partial:
        save(draw(result), partial)


@in_style()
def draw(result: Result) -> Figure:
    """Draw the curve of each clip, frames left and events left, with the suggestion marked."""
    figure = new_figure(12.5, 6.6, _finding(result))
    counted = result.tried[0].least is not None
    grid = figure.add_gridspec(2 if counted else 1, 2, width_ratios=(1.15, 1))
    _draw_lags(figure.add_subplot(grid[:, 0]), result)
    frames = figure.add_subplot(grid[0, 1])
    total = result.tried[0].frames
    _draw_candidates(frames, result, lambda candidate: 100 * candidate.frames / total)
    frames.set_title("Frames left, % of those that can be used")
    _scale_shares(frames, result)
    frames.legend(title="distance", ncols=2, fontsize=NAME, title_fontsize=NAME, loc="upper right")
    if counted:
        events = figure.add_subplot(grid[1, 1], sharex=frames)
        _draw_candidates(events, result, _least)
        events.set_title("Positives in events that keep a frame, % (worst action unit)")
        lowest = min(_least(candidate) for candidate in result.asked)
        bottom = max(-4, min(lowest, 100 * COVERED) - 5)
        events.set_ylim(bottom, 100 + 0.06 * (100 - bottom))
        _draw_bound(events)
    figure.axes[-1].set_xlabel("stride in frames (logarithmic)")
    return figure


def _finding(result: Result) -> str:
    chosen, total = result.chosen, result.tried[0]
    distance = "no distance" if chosen.distance == OFF else f"distance {chosen.distance}"
    left = f"{chosen.frames:,} of {total.frames:,} frames ({chosen.frames / total.frames:.1%})"
    title = f"Stride {chosen.stride} and {distance} leave {left}"
    if chosen.least is None:
        return title
    events = sum(left.events for left in chosen.units.values())
    of = sum(left.events for left in total.units.values())
    return f"{title}, with a frame of {events:,} of {of:,} events"


def _least(candidate: Candidate) -> float:
    return 100 * candidate.least[1] if candidate.least is not None else 0.0


def _draw_lags(axes: Axes, result: Result) -> None:
    chosen = result.chosen
    if result.lags.all.is_empty():
        axes.set_axis_off()
        axes.text(0.5, 0.5, "No clip holds two frames.", ha="center", transform=axes.transAxes)
        return
    several = len(result.clips) > 1
    lines = "of all clips, thin: each clip" if several else "of its frames"
    axes.set_title(
        f"Distance of two frames of a clip in bits, of 64\nShaded: quartiles, thick: median {lines}"
    )
    lag.draw_on(axes, result.lags, distance=chosen.distance, stride=chosen.stride)


def _draw_candidates(axes: Axes, result: Result, value: Callable[[Candidate], float]) -> None:
    """Draw one line a distance over the strides, and a ring around the suggestion."""
    chosen = result.chosen
    distances = sorted({candidate.distance for candidate in result.asked})
    for distance, color in zip(distances, _colors(len(distances)), strict=True):
        row = [candidate for candidate in result.asked if candidate.distance == distance]
        axes.plot(
            [candidate.stride for candidate in row],
            [value(candidate) for candidate in row],
            color=color,
            marker="o",
            markersize=4,
            linewidth=3.2 if distance == chosen.distance else 1.4,
            label=format_distance(distance),
        )
    axes.plot(
        chosen.stride,
        value(chosen),
        "o",
        markersize=13,
        markerfacecolor="none",
        markeredgecolor=GREEN,
        markeredgewidth=2.5,
        zorder=5,
    )
    strides = sorted({candidate.stride for candidate in result.asked})
    axes.set_xscale("log")
    axes.set_xticks(strides, [f"{stride:,}" for stride in strides])
    axes.minorticks_off()


def _scale_shares(axes: Axes, result: Result) -> None:
    """Put shares on a logarithmic axis with round numbers, however small they are."""
    left = min((c.frames for c in result.asked if c.frames), default=1)  # 0 has no logarithm
    least = 100 * left / result.tried[0].frames
    bottom = min(least * 0.75, 40)
    rounds = [step * 10.0**power for power in range(-6, 3) for step in (1, 2, 5)]
    axes.set_yscale("log")
    axes.set_ylim(bottom, 135)
    axes.minorticks_off()
    axes.set_yticks([tick for tick in rounds if bottom <= tick <= 100])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _colors(count: int) -> Sequence[str]:
    least, most = _SHADES
    steps = [least + (most - least) * i / max(1, count - 1) for i in range(count)]
    return [to_hex(matplotlib.colormaps["viridis"](step)) for step in steps]


def _draw_bound(axes: Axes) -> None:
    axes.axhline(100 * COVERED, color=VERMILION, linestyle=(0, (5, 2)), linewidth=1.4)
    axes.annotate(
        f"{COVERED:.0%}",
        (0.0, 100 * COVERED),
        xycoords=("axes fraction", "data"),
        xytext=(4, -3),
        textcoords="offset points",
        va="top",
        color=ink(VERMILION),
        fontweight="bold",
        fontsize=NAME,
    )
