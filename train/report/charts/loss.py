"""Training and validation loss by epoch, the gap between them, and the learning rate below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from curate.viz.style import (
    GRAY,
    GREEN,
    NAME,
    PROBES,
    WORDS,
    format_epochs,
    in_style,
    ink,
    new_figure,
    spread,
)

_NAMES = {
    "seen": "training, as it is used\n(seen, dropout off)",
    "people": "validation (people)",
    "moments": "same people,\nother moments",
}


@dataclass(frozen=True)
class Course:
    """The learning rate at each step of the training that was planned, and an epoch's steps."""

    rates: NDArray[np.float64]
    steps_per_epoch: int


@in_style()
def draw(history: pl.DataFrame, probes: pl.DataFrame, course: Course | None = None) -> Figure:
    """Draw the losses: `history` has epoch and loss, `probes` what `gap_anatomy.draw` takes.

    Without validation subjects the held-out moments take their place. The learning rate has a panel
    of its own where its `course` is given.
    """
    held_out = "people" if probes["people"].null_count() < len(probes) else "moments"
    panels = 1 if course is None else 2
    figure = new_figure(10, 3.6 + 1.6 * panels, _finding(probes, held_out))
    grid = figure.subplots(panels, sharex=True, squeeze=False, height_ratios=[4, 1][:panels])
    axes = grid[0, 0]
    ends = [
        _line(
            axes,
            history.select("epoch", "loss"),
            GRAY,
            "training, as it is fed\n(dropout and augmentation on)",
        )
    ]
    for probe in ("seen", held_out):
        line = probes.select("epoch", probe).drop_nulls().sort("epoch")
        if len(line):
            ends.append(_line(axes, line, PROBES[probe], _NAMES[probe]))
    ends += _mark_gap(axes, probes.drop_nulls(["seen", held_out]).sort("epoch"), held_out)
    _name_ends(axes, ends)
    axes.set_xlim(0, 1.03 * max(end[0] for end in ends))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    grid[-1, 0].set_xlabel("epochs fed")
    if course is not None:
        _draw_course(grid[-1, 0], course)
    axes.set_title("Loss (cross-entropy, nats)")
    return figure


def _finding(probes: pl.DataFrame, held_out: str) -> str:
    both = probes.drop_nulls(["seen", held_out]).sort("epoch")
    if both.is_empty():
        return "Training loss: there are no held-out frames to compare it with"
    best = both.sort(held_out, "epoch").row(0, named=True)
    last = both.row(-1, named=True)
    when = format_epochs(best["epoch"])
    turn = (
        f"Validation loss still falls after {when}"
        if best["epoch"] == last["epoch"]
        else f"Validation loss is lowest after {when}"
    )
    apart = last[held_out] - last["seen"]
    return f"{turn}; it ends {abs(apart):.3f} {'above' if apart >= 0 else 'below'} training's"


def _line(axes: Axes, table: pl.DataFrame, color: str, name: str) -> tuple[float, float, str, str]:
    """Draw a line from a table of epoch and loss; return where it ends, its colour and name."""
    epochs, losses = (table[column].to_numpy() for column in table.columns)
    axes.plot(
        epochs,
        losses,
        color=color,
        marker="o",
        markersize=4,
        linestyle=(0, (4, 2)) if color == GRAY else "-",
    )
    return float(epochs[-1]), float(losses[-1]), color, name


def _name_ends(axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    low, high = axes.get_ylim()
    heights = spread([loss for _, loss, _, _ in ends], 0.12 * (high - low))
    right = max(epoch for epoch, _, _, _ in ends)
    for (_, _, color, name), height in zip(ends, heights, strict=True):
        axes.annotate(
            name,
            (right, height),
            xytext=(24, 0),
            textcoords="offset points",
            va="center",
            color=ink(color),
            fontweight="bold",
            fontsize=NAME,
            annotation_clip=False,
        )


def _mark_gap(axes: Axes, both: pl.DataFrame, held_out: str) -> list[tuple[float, float, str, str]]:
    """Draw an arrow from the training to the validation loss at the last probe; name it."""
    if both.is_empty():
        return []
    last = both.row(-1, named=True)
    epoch, low, high = last["epoch"], last["seen"], last[held_out]
    axes.annotate(
        "",
        (1.02 * epoch, high),
        (1.02 * epoch, low),
        annotation_clip=False,
        arrowprops={"arrowstyle": "<->", "color": WORDS, "shrinkA": 0, "shrinkB": 0},
    )
    return [(epoch, (low + high) / 2, WORDS, f"{held_out} - seen: {high - low:+.3f}")]


def _draw_course(axes: Axes, course: Course) -> None:
    """Draw the learning rate over epochs, the highest named."""
    rates = course.rates
    epochs = np.arange(len(rates)) / course.steps_per_epoch
    axes.plot(epochs, rates, color=GREEN)
    highest = int(rates.argmax())
    axes.annotate(
        f"{rates[highest]:g}",
        (epochs[highest], rates[highest]),
        xytext=(6, -8),
        textcoords="offset points",
        va="top",
        color=ink(GREEN),
        fontweight="bold",
    )
    axes.set_ylim(0, 1.15 * rates.max())
    axes.set_title("Learning rate of Adam")
