"""Reliability curves: the share of frames that has an action unit against the probability given."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.viz.style import GRAY, SPLITS, draw_message, in_style
from train.report.charts.panels import unit_panels

_SPLIT = "validation"
_LARGEST = 90  # square points of a dot that holds all frames, beside the smallest dot


@in_style()
def draw(reliability: pl.DataFrame, scores: pl.DataFrame) -> Figure:
    """Draw a panel an action unit of the natural validation set.

    `reliability` as in calibration.csv: split, action_unit, frames, probability, present; `scores`
    as in per_action_unit.csv, of which calibration_error is written.
    """
    curves = reliability.filter(split=_SPLIT)
    names = curves["action_unit"].unique(maintain_order=True).to_list()
    if not names:
        return draw_message(
            "No calibration: there is no labelled validation frame",
            "The curves need validation subjects with labelled action units.",
        )
    errors = dict(
        scores.filter(split=_SPLIT).select("action_unit", "calibration_error").drop_nulls().rows()
    )
    figure, panels = unit_panels(
        len(names), _finding(errors, curves), "probability given", "share that has it"
    )
    for axes, name in zip(panels, names, strict=True):
        _curve(axes, curves.filter(action_unit=name))
        error = f"   off by {errors[name]:.2f}" if name in errors else ""
        axes.set_title(f"{name}{error}", fontweight="bold")
    return figure


def _finding(errors: dict[str, float], curves: pl.DataFrame) -> str:
    """Return how far probabilities are off, and whether they are too high or too low altogether."""
    frames = curves["frames"]
    given, present = (
        np.average(curves[column], weights=frames) for column in ("probability", "present")
    )
    apart = given - present
    way = "too high" if apart > 0 else "too low"
    mean = sum(errors.values()) / max(1, len(errors))
    return (
        f"Probabilities are off by {mean:.2f} on average (expected calibration error); "
        f"taken together they are {abs(apart):.2f} {way}"
    )


def _curve(axes: Axes, curve: pl.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=GRAY, linestyle=(0, (2, 2)), linewidth=1.2)
    given, present = curve["probability"].to_numpy(), curve["present"].to_numpy()
    axes.plot(given, present, color=SPLITS[_SPLIT], linewidth=1.4, alpha=0.6)
    share = (curve["frames"] / curve["frames"].sum()).to_numpy()
    axes.scatter(
        given,
        present,
        s=10 + _LARGEST * share,
        color=SPLITS[_SPLIT],
        edgecolor="white",
        clip_on=False,
        zorder=3,
    )
