"""Precision and recall of each action unit, on the natural and the balanced validation set."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.viz.style import SMALL, SPLITS, draw_message, halo, in_style, ink, new_figure

_SETS = ("validation", "validation_balanced")
_NAMES = {"validation": "validation", "validation_balanced": "balanced validation"}
_SHIFT = {"validation": -0.17, "validation_balanced": 0.17}
_SCORES = ("precision", "recall")
_READING = {
    "precision": "Bars: 95 % intervals",
    "recall": "Lines: micro mean, dotted: macro mean",
}


@in_style()
def draw(scores: pl.DataFrame, metrics: dict[str, Any]) -> Figure:
    """Draw the scores of people never seen.

    `scores`: split, action_unit, positives, precision, recall (null where undefined), and their
    95 % intervals, such as precision_low and precision_high, where known; `metrics` is
    metrics.json, of which micro and macro means are drawn as lines.
    """
    names = scores["action_unit"].unique(maintain_order=True).to_list()
    if not names or scores["precision"].null_count() == len(scores):
        return draw_message(
            "Nothing to score: no validation frame has a positive",
            "Precision and recall need validation subjects with labelled action units.",
        )
    figure = new_figure(10, 2.5 + 0.42 * len(names), _finding(metrics))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, score in zip(panels, _SCORES, strict=True):
        for split in _SETS:
            _dots(axes, scores.filter(pl.col("split") == split), names, score, split)
            _means(axes, metrics.get(split, {}), score, SPLITS[split])
        _frame(axes, score, len(names))
    panels[0].set_yticks(range(len(names)), [_row(scores, name) for name in names])
    panels[0].set_ylabel("positives: validation / balanced")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _finding(metrics: dict[str, Any]) -> str:
    parts = []
    for split in _SETS:
        micro = metrics.get(split, {}).get("micro", {})
        if micro.get("precision") is not None and micro.get("recall") is not None:
            figures = f"precision {micro['precision']:.2f}, recall {micro['recall']:.2f}"
            parts.append(figures if split == "validation" else f"balanced: {figures}")
    return "New people: " + ("; ".join(parts) or "no mean is defined")


def _row(scores: pl.DataFrame, name: str) -> str:
    counts = dict(scores.filter(pl.col("action_unit") == name).select("split", "positives").rows())
    return f"{name}   " + " / ".join(f"{counts[s]:,}" if s in counts else "–" for s in _SETS)


def _dots(axes: Axes, scores: pl.DataFrame, names: list[str], score: str, split: str) -> None:
    """Draw one set's dots; where a score is not defined, why not."""
    color = SPLITS[split]
    known = scores.drop_nulls(score)
    places = [names.index(name) + _SHIFT[split] for name in known["action_unit"]]
    _intervals(axes, known, places, score, color)
    axes.plot(
        known[score].to_numpy(),
        places,
        "o" if split == "validation" else "D",
        color=color,
        markersize=7 if split == "validation" else 6,
        label=_NAMES[split],
        linestyle="none",
    )
    unknown = scores.filter(pl.col(score).is_null())
    for name, positives in unknown.select("action_unit", "positives").rows():
        axes.text(
            0.01,
            names.index(name) + _SHIFT[split],
            "never predicted" if positives else "no positive",
            va="center",
            fontsize=SMALL,
            color=ink(color),
            path_effects=halo(),
        )


def _intervals(
    axes: Axes, known: pl.DataFrame, places: list[float], score: str, color: str
) -> None:
    """Draw each dot's 95 % interval; from 0 a faint line where none is known."""
    ends = [f"{score}_low", f"{score}_high"]
    if not set(ends) <= set(known.columns):
        axes.hlines(places, 0, known[score].to_numpy(), color=color, linewidth=1.4, alpha=0.5)
        return
    low, high = (known[end].cast(pl.Float64).to_numpy() for end in ends)
    axes.hlines(places, low, high, color=color, linewidth=2.2, alpha=0.45)


def _means(axes: Axes, means: dict[str, Any], score: str, color: str) -> None:
    for mean, line in (("micro", "-"), ("macro", (0, (2, 2)))):
        value = means.get(mean, {}).get(score)
        if value is not None:
            axes.axvline(value, color=color, linestyle=line, linewidth=1.5, zorder=1)


def _frame(axes: Axes, score: str, rows: int) -> None:
    axes.set_xlim(-0.02, 1.03)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"{score.capitalize()}. {_READING[score]}")
