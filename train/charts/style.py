"""What the charts share: the style file, colours, titles, labels that do not overlap, saving."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager, ContextDecorator
from pathlib import Path
from typing import cast

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

_STYLE = Path(__file__).with_name("framewise.mplstyle")
_TITLE_WIDTH = 84  # characters of a title that fit across 10 inches

# Okabe and Ito's palette, told apart by colour-blind readers too.
BLUE, SKY, GREEN, ORANGE = "#0072B2", "#56B4E9", "#009E73", "#E69F00"
VERMILION, PURPLE, GRAY, LIGHT = "#D55E00", "#CC79A7", "#7A7A7A", "#CFCFCF"

PROBES = {"seen": BLUE, "unseen": SKY, "dropped": GRAY, "moments": ORANGE, "people": PURPLE}
# A cause of the gap has the colour of the probe at its upper edge.
CAUSES = {
    "memorised": PROBES["unseen"],
    "near_duplicate_moments": PROBES["moments"],
    "same_people": PROBES["moments"],
    "people": PROBES["people"],
}
SPLITS = {"train": BLUE, "validation": PURPLE, "moments": ORANGE, "validation_balanced": GREEN}


class _Style(AbstractContextManager[None], ContextDecorator): ...


def in_style() -> _Style:
    """Apply the charts' style file, as a decorator or in a `with` block."""
    return cast(_Style, matplotlib.rc_context(fname=_STYLE))


def new_figure(width: float, height: float, title: str) -> Figure:
    """Make a figure of `width` x `height` inches whose title, flush left, says the finding."""
    figure = Figure(figsize=(width, height))
    wrapped = textwrap.fill(title, int(_TITLE_WIDTH * width / 10))
    figure.suptitle(wrapped, x=0.01, ha="left")
    return figure


@in_style()
def message(title: str, sentence: str) -> Figure:
    """Draw the picture that stands in where there is nothing to draw: a sentence that says why."""
    figure = new_figure(10, 2.4, title)
    figure.text(0.01, 0.4, textwrap.fill(sentence, 95), ha="left", va="center", color="#333333")
    return figure


@in_style()
def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the same figure gives the same bytes."""
    figure.savefig(path, format="png", metadata={"Software": None})


def ink(color: str) -> str:
    """Darken a colour until it reads as text on white."""
    return to_hex([0.62 * part for part in to_rgb(color)])


def spread(wanted: Sequence[float], least: float) -> list[float]:
    """Move label positions apart to at least `least`, as little as can be, in the same order."""
    if not wanted:
        return []
    order = np.argsort(wanted, kind="stable")
    steps = least * np.arange(len(wanted))
    moved = np.empty(len(wanted))
    moved[order] = isotonic_regression(np.asarray(wanted, float)[order] - steps).x + steps
    return [float(position) for position in moved]
