"""What the charts share: the style file, colours, titles, labels that do not overlap, saving."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from scipy.optimize import isotonic_regression

from curate.viz.html import Picture, data_uri

_STYLE = Path(__file__).with_name("framewise.mplstyle")
_TITLE_WIDTH = 84  # characters of a title that fit across 10 inches
_LONG_TITLE = 170  # characters from which a title is set smaller
_JPEG = {"quality": 88, "subsampling": 0, "optimize": True}  # words stay crisp

# Sizes of words in points, beside the style file's: names of lines, counts, lists of frames.
NAME, SMALL, FINE = 10, 9, 8.5

# Okabe and Ito's palette, told apart by colour-blind readers too.
BLUE, SKY, GREEN, ORANGE = "#0072B2", "#56B4E9", "#009E73", "#E69F00"
VERMILION, PURPLE, GRAY, LIGHT = "#D55E00", "#CC79A7", "#7A7A7A", "#CFCFCF"
WORDS, RULE = "#333333", "#888888"  # words that are no line's name; lines that are no data

PROBES = {"seen": BLUE, "unseen": SKY, "dropped": GRAY, "moments": ORANGE, "people": PURPLE}
# A cause of the gap has the colour of the probe at its upper edge.
CAUSES = {
    "memorised": PROBES["unseen"],
    "near_duplicate_moments": PROBES["moments"],
    "same_people": PROBES["moments"],
    "people": PROBES["people"],
}
SPLITS = {"train": BLUE, "validation": PURPLE, "moments": ORANGE, "validation_balanced": GREEN}


@contextmanager
def in_style() -> Iterator[None]:
    """Apply the charts' style file, as a decorator or in a `with` block."""
    with matplotlib.rc_context(fname=_STYLE):
        yield


def new_figure(width: float, height: float, title: str) -> Figure:
    """Make a figure of `width` x `height` inches whose title, flush left, is the finding."""
    figure = Figure(figsize=(width, height))
    size = 11 if len(title) > _LONG_TITLE else 14
    across = int(_TITLE_WIDTH * width / 10 * 14 / size)
    lines = [textwrap.fill(line, across) for line in title.splitlines()]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=size)
    return figure


@in_style()
def draw_message(title: str, sentence: str) -> Figure:
    """Draw what stands in for a chart without data: a sentence that gives the reason."""
    figure = new_figure(10, 2.4, title)
    figure.text(0.01, 0.4, textwrap.fill(sentence, 95), ha="left", va="center", color=WORDS)
    return figure


@in_style()
def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, or as JPEG where `path` ends in .jpg: photographs are smaller so.

    The same figure gives the same bytes.
    """
    _fix_layout(figure)
    if path.suffix == ".jpg":
        figure.savefig(path, format="jpg", pil_kwargs=_JPEG)
    else:
        figure.savefig(path, format="png", metadata={"Software": None})


def save_chart(figure: Figure, path: Path, shown: str) -> Picture:
    """Write a chart, and return it as a page shows it; `shown` describes it below its title."""
    save(figure, path)
    title = " ".join(figure.get_suptitle().split()).removesuffix(".")
    width, height = (round(side) for side in figure.get_size_inches() * figure.dpi)
    return Picture(data_uri(path.read_bytes(), path.suffix), f"{title}. {shown}", width, height)


def _fix_layout(figure: Figure) -> None:
    """Format once and round: the last digits of the layout's solver differ from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(left, 4), round(bottom, 4), round(width, 4), round(height, 4)))
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((round(x, 4), round(y, 4)))


def ink(color: str) -> str:
    """Darken a colour until it reads as text on white."""
    red, green, blue = to_rgb(color)
    return to_hex((0.62 * red, 0.62 * green, 0.62 * blue))


def halo() -> list[AbstractPathEffect]:
    """Surround text with white, so that it reads on top of lines."""
    return [withStroke(linewidth=2.5, foreground="white")]


def format_epochs(epoch: float) -> str:
    """Write a number of epochs as people say it: "1/4 epoch", "1 epoch", "8 epochs"."""
    fraction = Fraction(epoch).limit_denominator(16)
    return f"{fraction} epoch" if fraction <= 1 else f"{fraction} epochs"


def spread(wanted: Sequence[float], least: float) -> list[float]:
    """Move label positions apart to at least `least`, as little as can be, in the same order."""
    if not wanted:
        return []
    order = np.argsort(wanted, kind="stable")
    steps = least * np.arange(len(wanted))
    moved = np.empty(len(wanted))
    moved[order] = isotonic_regression(np.asarray(wanted, float)[order] - steps).x + steps
    return [float(position) for position in moved]
