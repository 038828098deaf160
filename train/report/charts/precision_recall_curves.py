"""Precision against recall over all thresholds, a panel an action unit, with the two in use."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.viz.style import GRAY, NAME, SPLITS, WORDS, draw_message, in_style
from train.evaluate.predictions import Predictions, of_split
from train.metrics.scores import area, rank
from train.report.charts.panels import unit_panels

_NAMES = {"validation": "validation", "validation_balanced": "balanced validation"}


@in_style()
def draw(predictions: pl.DataFrame, scores: pl.DataFrame) -> Figure:
    """Draw the curves of the natural and the balanced validation set.

    `predictions` as in predictions.parquet; `scores` as in per_action_unit.csv, of which precision
    and recall at the fixed (`precision`, `recall`) and at the chosen threshold (`chosen_precision`,
    `chosen_recall`) are marked, where both are defined.
    """
    sets = {split: of_split(predictions, split) for split in _NAMES}
    names = _scored(sets["validation"])
    if not names:
        return draw_message(
            "No curve: no validation frame has a positive",
            "Precision and recall need validation subjects with labelled action units.",
        )
    figure, panels = unit_panels(len(names), _finding(sets, names), "recall", "precision")
    for axes, name in zip(panels, names, strict=True):
        averages = [_curve(axes, sets[split], name, split) for split in _NAMES]
        words = " / ".join("–" if a is None else f"{a:.2f}" for a in averages)
        axes.set_title(f"{name}   {words}", fontweight="bold")
        for split in _NAMES:
            _marks(axes, scores.filter(split=split, action_unit=name), split)
    handles, labels = _legend(panels[0])
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=NAME)
    return figure


def _scored(predictions: Predictions) -> list[str]:
    """Name the action units with a positive label."""
    positive = (predictions.labels == 1).any(axis=0)
    return [predictions.names[unit] for unit in np.flatnonzero(positive)]


def _curve(axes: Axes, predictions: Predictions, name: str, split: str) -> float | None:
    """Draw one set's curve and the precision of chance; return the average precision."""
    unit = predictions.names.index(name)
    ranking = rank(predictions.labels[:, unit], predictions.probabilities[:, unit])
    hits, false_alarms = ranking.hits, ranking.false_alarms
    if not len(hits) or not hits[-1]:
        return None
    recall, precision = hits / hits[-1], hits / (hits + false_alarms)
    natural = split == "validation"
    axes.plot(
        np.append(0.0, recall),
        np.append(precision[0], precision),
        drawstyle="steps-pre",  # the steps whose area is the average precision
        color=SPLITS[split],
        linewidth=1.8 if natural else 1.2,
        zorder=3 if natural else 2,
        label=_NAMES[split],
    )
    if natural:
        axes.axhline(
            precision[-1], color=GRAY, linestyle=(0, (2, 2)), linewidth=1.2, label="chance"
        )
    return float(area(hits, false_alarms))


def _marks(axes: Axes, scores: pl.DataFrame, split: str) -> None:
    """Mark what the fixed and the chosen threshold give, on top of the curve."""
    for prefix, marker, size in (("", "o", 8), ("chosen_", "D", 7)):
        known = scores.drop_nulls([f"{prefix}precision", f"{prefix}recall"])
        if known.is_empty():  # and a mark without a place would take all the room
            continue
        axes.plot(
            known[f"{prefix}recall"].to_numpy(),
            known[f"{prefix}precision"].to_numpy(),
            marker,
            color=SPLITS[split] if split == "validation" else "white",
            markeredgecolor="white" if split == "validation" else SPLITS[split],
            markersize=size if split == "validation" else size - 2,
            markeredgewidth=1,
            clip_on=False,
            zorder=5 if split == "validation" else 4,
        )


def _legend(axes: Axes) -> tuple[list, list[str]]:
    handles, labels = axes.get_legend_handles_labels()
    for marker, name in (("o", "fixed threshold"), ("D", "chosen threshold")):
        handles += axes.plot([], [], marker, color=WORDS, markersize=7)
        labels.append(name)
    return handles, labels


def _finding(sets: dict[str, Predictions], names: list[str]) -> str:
    """Describe the mean average precision of each set, and what chance would give."""
    natural = sets["validation"]
    rates = []
    for name in names:
        labels = natural.labels[:, natural.names.index(name)]
        rates.append((labels == 1).sum() / (labels >= 0).sum())
    means = [f"{_macro(sets[split]):.2f}" for split in _NAMES if len(_scored(sets[split]))]
    balanced = f" (balanced: {means[1]})" if len(means) > 1 else ""
    return (
        f"New people: mean average precision {means[0]}{balanced}; chance gives "
        f"{np.mean(rates):.2f}"
    )


def _macro(predictions: Predictions) -> float:
    each = [rank(*u) for u in zip(predictions.labels.T, predictions.probabilities.T, strict=True)]
    return float(np.nanmean([float(area(r.hits, r.false_alarms)) for r in each]))
