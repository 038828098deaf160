"""Loss of each experiment's probes over the epochs: small multiples on the same axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from curate.viz.style import PROBES, SMALL, draw_message, in_style, new_figure

SHOWN = {
    "seen": "seen: fed already",
    "moments": "moments: same people",
    "people": "people: never seen",
}
_ACROSS = 3
_WIDTH = 34  # characters of a line of a panel's title


@dataclass(frozen=True)
class Curves:
    """One experiment: its name and its table of probes, as `gap_anatomy.draw` takes it."""

    label: str
    probes: pl.DataFrame


@in_style()
def draw(curves: Sequence[Curves]) -> Figure:
    """Draw a panel for each experiment; without any, a sentence instead."""
    title = finding(curves)
    if not curves:
        return draw_message(title, "No experiment has losses of probes.")
    across = 2 if len(curves) == 4 else min(_ACROSS, len(curves))
    rows = -(-len(curves) // across)
    figure = new_figure(10, 1.5 + 2.5 * rows, title)
    grid = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False)
    panels = [axes for row in grid for axes in row]
    for number, axes in enumerate(panels):
        if number >= len(curves):
            axes.set_axis_off()
            continue
        _draw_panel(axes, curves[number])
        if number + across >= len(curves):  # nothing below it: it writes the numbers
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("epochs fed")
        if not number % across:
            axes.set_ylabel("loss (nats)")
    panels[0].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    panels[0].set_xlim(left=0)
    panels[0].set_ylim(*_losses_shown(curves))
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(SHOWN), fontsize=SMALL)
    return figure


def finding(curves: Sequence[Curves]) -> str:
    """Describe the range of losses at the end, on frames seen and on people never seen."""
    parts = []
    for probe, words in (("seen", "frames seen"), ("people", "new people")):
        known = [curve.probes[probe].drop_nulls() for curve in curves]
        last = [losses[-1] for losses in known if len(losses)]
        if last:
            ends = dict.fromkeys(f"{end:.3f}" for end in (min(last), max(last)))
            parts.append(f"{' to '.join(ends)} on {words}")
    return f"Losses end at {', '.join(parts)}" if parts else "Losses of the probes: unknown"


def _losses_shown(curves: Sequence[Curves]) -> tuple[float, float]:
    """Return the ends of the axis: by the losses, for early intervals of few people are huge."""
    losses = pl.concat([curve.probes[probe] for curve in curves for probe in SHOWN]).drop_nulls()
    low, high = min(losses, default=0.0), max(losses, default=1.0)
    room = 0.25 * max(high - low, 0.1)
    return max(0.0, low - room), high + room


def _draw_panel(axes: Axes, curves: Curves) -> None:
    axes.set_title(textwrap.fill(curves.label, _WIDTH), fontsize=SMALL)
    for probe, words in SHOWN.items():
        line = curves.probes.drop_nulls(probe)
        epochs, losses = line["epoch"].to_numpy(), line[probe].to_numpy()
        axes.plot(
            epochs, losses, color=PROBES[probe], marker="o", markersize=3, linewidth=1.8,
            label=words,
        )  # fmt: skip
        ends = [f"{probe}_low", f"{probe}_high"]
        band = line.drop_nulls(ends)
        low, high = (band[end].to_numpy() for end in ends)
        axes.fill_between(
            band["epoch"].to_numpy(), low, high, color=PROBES[probe], alpha=0.12, linewidth=0
        )
