"""Where the frames went: a river from footage to splits, its arms as wide as they have frames."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from curate.tables import REASONS
from curate.viz.style import BLUE, GRAY, LIGHT, NAME, RULE, SPLITS, WORDS, in_style, ink, new_figure

_NODE = 0.07  # width of a node, in columns
_SPACE = 0.09  # between two arms, as a share of all frames
_SPLIT_NAMES = {"train": "training", "validation": "validation", "moments": "moments"}


@dataclass(frozen=True)
class Flow:
    """Numbers of frames: all, dropped by reason in the order of the stages, kept by split."""

    frames: int
    dropped: dict[str, int]
    kept: dict[str, int]
    balanced: int


def count_frames(cap: pl.DataFrame) -> Flow:
    """Count what became of every frame, from the last table of decisions (`curate.tables.CAP`)."""
    reasons = dict(cap.group_by("reason").len().rows())
    splits = dict(cap.filter("keep").group_by("split").len().rows())
    return Flow(
        len(cap),
        {reason: reasons[reason] for reason in REASONS if reason in reasons},
        {split: splits.get(split, 0) for split in _SPLIT_NAMES},
        len(cap.filter(pl.col("keep") & pl.col("balanced"))),
    )


@in_style()
def draw(flow: Flow) -> Figure:
    """Draw the river; reasons that no frame was dropped for have no column."""
    kept = sum(flow.kept.values())
    share = f" ({kept / flow.frames:.0%})" if flow.frames else ""
    figure = new_figure(10, 5.3, f"Of {flow.frames:,} frames, {kept:,} are used{share}")
    axes = figure.subplots()
    axes.set_axis_off()
    unit = max(flow.frames, 1)
    _node(axes, 0, 0, flow.frames, BLUE)
    axes.text(
        _NODE / 2,
        -0.03 * unit,
        f"footage\n{flow.frames:,}",
        ha="center",
        va="bottom",
        color=ink(BLUE),
        fontweight="bold",
    )
    left = flow.frames
    for column, (reason, frames) in enumerate(flow.dropped.items()):
        _drop(axes, column, left, reason, frames, unit)
        left -= frames
    _name_stages(axes, [REASONS[reason] for reason in flow.dropped], unit)
    _part(axes, len(flow.dropped), flow, unit)
    axes.set_xlim(-0.3, len(flow.dropped) + 2.2)
    axes.set_ylim(1.27 * unit, -0.16 * unit)
    return figure


def _drop(axes: Axes, column: int, left: int, reason: str, frames: int, unit: int) -> None:
    """Draw one column: the frames kept flow on at the top, those dropped end below."""
    kept, below = left - frames, left - frames + _SPACE * unit
    _arm(axes, column, (0, 0), kept, BLUE)
    _arm(axes, column, (kept, below), frames, LIGHT)
    _node(axes, column + 1, 0, kept, BLUE)
    _node(axes, column + 1, below, frames, GRAY)
    middle = column + 1 + _NODE / 2
    name = textwrap.fill(reason.replace("_", "-"), 10)
    axes.text(
        middle,
        below + frames + 0.02 * unit,
        f"{name}\n{frames:,}\n{_share(frames, unit)}",
        ha="center",
        va="top",
        color=WORDS,
        fontsize=NAME,
    )
    axes.text(middle, -0.03 * unit, f"{kept:,}", ha="center", va="bottom", color=ink(BLUE))


def _share(frames: int, unit: int) -> str:
    return "< 0.1%" if frames < unit / 1000 else f"{frames / unit:.1%}"


def _name_stages(axes: Axes, stages: list[str], unit: int) -> None:
    """Write each stage once, above the columns that it drops frames in, and underline them."""
    for stage in dict.fromkeys(stages):
        first, count = stages.index(stage), stages.count(stage)
        start, end = first + 0.5, first + count + 0.2
        axes.plot([start, end], [-0.105 * unit] * 2, color=RULE, linewidth=1)
        axes.text(
            (start + end) / 2,
            -0.115 * unit,
            stage,
            ha="center",
            va="bottom",
            color=WORDS,
            style="italic",
            fontsize=NAME,
        )


def _part(axes: Axes, column: int, flow: Flow, unit: int) -> None:
    """Draw the last column: what is kept, parted into splits."""
    start, end = 0, 0.0
    for split, frames in flow.kept.items():
        color = SPLITS[split]
        _arm(axes, column, (start, end), frames, color)
        _node(axes, column + 1, end, frames, color)
        name = f"{_SPLIT_NAMES[split]} {frames:,}"
        if split == "validation":
            name += f"\n({flow.balanced:,} of them\nbalanced)"
        axes.text(
            column + 1 + 1.8 * _NODE,
            end + frames / 2,
            name,
            va="center",
            color=ink(color),
            fontweight="bold",
            fontsize=NAME,
        )
        start += frames
        end += frames + 2 * _SPACE * unit


def _node(axes: Axes, column: float, top: float, frames: int, color: str) -> None:
    if frames:
        axes.add_patch(Rectangle((column, top), _NODE, frames, color=color, linewidth=0.8))


def _arm(axes: Axes, column: int, tops: tuple[float, float], frames: int, color: str) -> None:
    """Draw frames flowing from one column to the next, between tops of the two nodes."""
    if not frames:
        return
    start, end = column + _NODE, column + 1
    bend = (start + end) / 2
    before, after = tops
    path = Path(
        [
            (start, before),
            (bend, before),
            (bend, after),
            (end, after),
            (end, after + frames),
            (bend, after + frames),
            (bend, before + frames),
            (start, before + frames),
            (start, before),
        ],
        [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY],
    )
    axes.add_patch(PathPatch(path, facecolor=color, edgecolor=color, linewidth=0.6, alpha=0.45))
