"""Confusion of each action unit: how many that have it, and that lack it, are called present."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from curate.viz.style import NAME, ORANGE, SKY, SMALL, WORDS, draw_message, in_style, new_figure
from train.evaluate.predictions import Predictions, of_split
from train.evaluate.scorecard import decide

_ACROSS = 3  # action units a row, two squares each
_SPLIT = "validation"
_WIDTHS = (1, 1, 0.1) * _ACROSS


@in_style()
def draw(predictions: pl.DataFrame, scores: pl.DataFrame, threshold: float) -> Figure:
    """Draw two squares an action unit, at `threshold` and at its chosen one, of the natural set.

    `predictions` as in predictions.parquet; `scores` as in per_action_unit.csv, with the columns
    split, action_unit and chosen_threshold. Counted are frames of known label; the share
    below is of its row.
    """
    natural = of_split(predictions, _SPLIT)
    chosen = dict(scores.filter(split=_SPLIT).select("action_unit", "chosen_threshold").rows())
    names = [name for name in natural.names if (natural.labels != -1).any() and name in chosen]
    if not names:
        return draw_message(
            "Nothing to confuse: there is no labelled validation frame",
            "The picture needs validation subjects with labelled action units.",
        )
    fixed = {name: count_confusion(natural, name, threshold) for name in names}
    own = {name: count_confusion(natural, name, chosen[name]) for name in names}
    figure = new_figure(11, 1.3 + 1.95 * -(-len(names) // _ACROSS), _finding(fixed, own))
    for name, (left, right) in zip(names, _pairs(figure, len(names)), strict=True):
        _square(left, fixed[name])
        left.set_title(f"{name}   at {threshold:g}", fontweight="bold")
        _square(right, own[name])
        right.set_title(f"chosen, {chosen[name]:.2f}")
    figure.supxlabel("model says", fontsize="medium", color=WORDS)
    figure.supylabel("label says", fontsize="medium", color=WORDS)
    return figure


def count_confusion(predictions: Predictions, name: str, threshold: float) -> NDArray[np.int64]:
    """Count an action unit's frames of known label (2, 2): rows by label, columns by prediction.

    Present comes first in both.
    """
    unit = predictions.names.index(name)
    labels = predictions.labels[:, unit]
    predicted = decide(predictions.probabilities[:, [unit]], [threshold])[:, 0]
    cells = [
        [((labels == label) & (predicted == prediction)).sum() for prediction in (1, 0)]
        for label in (1, 0)
    ]
    return np.array(cells, np.int64)


def _finding(fixed: dict[str, NDArray[np.int64]], own: dict[str, NDArray[np.int64]]) -> str:
    parts = []
    for counts in (fixed, own):
        (hits, missed), (false, _) = sum(counts.values(), np.zeros((2, 2), np.int64))
        parts.append(f"{hits:,} found, {missed:,} missed, {false:,} false alarms")
    return f"Positives: {parts[0]}; at chosen thresholds: {parts[1]}"


def _pairs(figure: Figure, pairs: int) -> list[tuple[Axes, Axes]]:
    """Format two squares an action unit, close together, with room between one unit and the next.

    Only those on the outside write "present" and "absent".
    """
    rows = -(-pairs // _ACROSS)
    grid = figure.add_gridspec(rows, 3 * _ACROSS - 1, width_ratios=_WIDTHS[: 3 * _ACROSS - 1])
    squares = []
    for number in range(pairs):
        row, place = divmod(number, _ACROSS)
        both = [figure.add_subplot(grid[row, 3 * place + side]) for side in (0, 1)]
        for side, axes in enumerate(both):
            axes.set_xticks([0, 1], ["present", "absent"], fontsize=SMALL)
            axes.set_yticks([0, 1], ["present", "absent"], rotation=90, va="center", fontsize=SMALL)
            axes.tick_params(
                length=0, labelleft=side + place == 0, labelbottom=number + _ACROSS >= pairs
            )
        squares.append((both[0], both[1]))
    return squares


def _square(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Draw the four counts: what is right in one colour, what is wrong in another."""
    of_row = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(of_row, 1)
    axes.imshow(_shade(shares))
    for (row, column), number in np.ndenumerate(counts):
        share = f"\n{shares[row, column]:.0%}" if of_row[row, 0] else ""
        axes.text(column, row, f"{number:,}{share}", ha="center", va="center", fontsize=NAME)
    axes.grid(visible=False)
    axes.spines[["left", "bottom", "top", "right"]].set_visible(True)


def _shade(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mix each cell's colour with white (2, 2, 3): the larger its share, the less white."""
    right, wrong = np.array(to_rgb(SKY)), np.array(to_rgb(ORANGE))
    full = np.where(np.eye(2, dtype=bool)[:, :, None], right, wrong)
    return 1 - shares[:, :, None] * (1 - full)
