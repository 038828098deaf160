"""The signature picture: five probes' loss within the first epoch and after, and the gap's causes.

Areas between the curves are the causes: seen to unseen is memorised, unseen to moments is
near-duplicate moments, moments to people is people. The light shade around each curve is its 95 %
interval.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator
from numpy.typing import NDArray

from curate.viz.style import CAUSES, NAME, PROBES, RULE, halo, in_style, ink, new_figure, spread
from train.gap.losses import MEANING
from train.gap.verdict import Verdict
from train.report.charts.gap_causes import draw_causes

_FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4)
_LATER_WIDTH = 0.55  # width of all later epochs, in widths of the first
_LEAST_RANGE = 0.15  # of losses shown, in nats
_LABEL = 0.105  # height of a line's name, in heights of the axes

Values = NDArray[np.float64]


@in_style()
def draw(probes: pl.DataFrame, verdict: Verdict, *, narrow: bool = False) -> Figure:
    """Draw the anatomy of the gap; `narrow`: one panel below the other, for a phone.

    `probes` has epoch and the losses seen, unseen, dropped, moments and people, null where there
    is no such probe, and where known the ends of their 95 % intervals (seen_low, seen_high, ...).
    Only one epoch, and probes that are null all along, are drawn as what they are.
    """
    # The title: what was found, early and at the end on a line each; the parts are drawn.
    title = f"{verdict.early.finding}\n{verdict.final.finding}"
    if narrow:
        figure = new_figure(5.2, 10, title)
        curves, causes = figure.subplots(2, 1)
    else:
        figure = new_figure(10, 5.5, title)
        curves, causes = figure.subplots(1, 2, width_ratios=[1.4, 1])
    table = probes.sort("epoch")
    _draw_causes(curves, table)
    _draw_intervals(curves, table)
    _draw_lines(curves, table)
    _scale_epochs(curves, table["epoch"].to_numpy(), _FRACTIONS[narrow:])
    draw_causes(causes, [verdict.early, verdict.final], 0.055 if narrow else 0.045)
    return figure


def _draw_causes(axes: Axes, table: pl.DataFrame) -> None:
    # Once all training frames are fed, dropped ones stand in for unseen ones, as in gap.json.
    later = pl.when(pl.col("epoch") >= 1).then("dropped")
    between = table.with_columns(pl.coalesce("unseen", later).alias("not fed"))
    split = between.drop_nulls("not fed")
    merged = table.filter(pl.col("epoch") >= (split["epoch"].max() if len(split) else 0))
    _fill(axes, split, "seen", "not fed", "memorised")
    _fill(axes, split, "not fed", "moments", "near_duplicate_moments")
    _fill(axes, merged, "seen", "moments", "same_people", hatch="//")
    _fill(axes, table, "moments", "people", "people")


def _fill(
    axes: Axes, table: pl.DataFrame, low: str, high: str, cause: str, hatch: str | None = None
) -> None:
    both = table.drop_nulls([low, high])
    axes.fill_between(
        both["epoch"].to_numpy(),
        both[low].to_numpy(),
        both[high].to_numpy(),
        facecolor=CAUSES[cause],
        edgecolor=CAUSES["memorised"] if hatch else "none",
        hatch=hatch,
        alpha=0.24,
        linewidth=0,
    )


def _draw_intervals(axes: Axes, table: pl.DataFrame) -> None:
    """Shade each probe's interval, where the table has one, lightly: five of them overlap."""
    for probe, color in PROBES.items():
        ends = [f"{probe}_low", f"{probe}_high"]
        if not set(ends) <= set(table.columns):
            continue
        band = table.drop_nulls(ends)
        epochs, low, high = (band[name].to_numpy() for name in ("epoch", *ends))
        axes.fill_between(epochs, low, high, color=color, alpha=0.08, linewidth=0)


def _draw_lines(axes: Axes, table: pl.DataFrame) -> None:
    """Draw each probe, with its name at its end."""
    ends: dict[str, tuple[float, float]] = {}
    for probe, color in PROBES.items():
        line = table.drop_nulls(probe)
        if line.is_empty():
            continue
        epochs, losses = line["epoch"].to_numpy(), line[probe].to_numpy()
        dashes = (0, (4, 2)) if probe == "dropped" else "-"
        axes.plot(epochs, losses, color=color, marker="o", markersize=4, linestyle=dashes)
        ends[probe] = (line["epoch"][-1], line[probe][-1])
    _name_lines(axes, table, ends)


def _name_lines(axes: Axes, table: pl.DataFrame, ends: dict[str, tuple[float, float]]) -> None:
    """Write each line's name: outside the axes, or below all lines where it ends early."""
    low, high = _open(axes, _LEAST_RANGE)
    last = table["epoch"].max()
    outside = [probe for probe, (epoch, _) in ends.items() if epoch == last]
    heights = spread([ends[probe][1] for probe in outside], _LABEL * (high - low))
    for probe, height in zip(outside, heights, strict=True):
        _name_line(axes, probe, (ends[probe][0], height))
    for probe in [probe for probe in ends if probe not in outside]:
        so_far = table.filter(pl.col("epoch") <= ends[probe][0]).select(list(PROBES))
        lowest = so_far.min().min_horizontal()[0]
        _point_at(axes, probe, ends[probe], lowest - 0.035 * (high - low))


def _open(axes: Axes, least: float) -> tuple[float, float]:
    """Widen the losses shown to at least `least`, so that noise does not look like a gap."""
    low, high = axes.get_ylim()
    more = max(0.0, least - (high - low)) / 2
    low, high = low - more - 0.1 * (high - low), high + more
    axes.set_ylim(low, high)
    return low, high


def _name_line(axes: Axes, probe: str, place: tuple[float, float]) -> None:
    axes.annotate(
        _name(probe),
        place,
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        color=ink(PROBES[probe]),
        fontsize=NAME,
        linespacing=1.1,
        annotation_clip=False,
    )


def _point_at(axes: Axes, probe: str, end: tuple[float, float], height: float) -> None:
    """Name a line that ends among others: from the free space below, with a leader."""
    axes.annotate(
        _name(probe),
        end,
        xytext=(end[0] * 0.97, height),
        ha="right",
        va="top",
        color=ink(PROBES[probe]),
        fontsize=NAME,
        linespacing=1.1,
        path_effects=halo(),
        arrowprops={"arrowstyle": "-", "color": ink(PROBES[probe]), "relpos": (1, 0.9)},
    )


def _name(probe: str) -> str:
    return f"$\\bf{{{probe}}}$\n{MEANING[probe]}"


def _scale_epochs(axes: Axes, epochs: Values, fractions: tuple[float, ...]) -> None:
    """Give the first epoch most of the width, on a square-root scale; later ones share the rest.

    `fractions` of the first epoch are named.
    """
    last = float(epochs.max())
    axes.set_xscale("function", functions=_widths(last))
    axes.set_xlim(min(float(epochs.min()), 1 / 16) * 0.6, max(last, 1.0))
    step = max(1, round(last / 6))
    ticks = [*map(Fraction, fractions), 1, *range(1 + step, int(last) + 1, step)]
    axes.set_xticks([float(tick) for tick in ticks], list(map(str, ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("epochs fed: the first one stretched" if last > 1 else "epochs fed")
    axes.set_title("Loss of each probe, dropout and augmentation off")
    if last > 1:
        axes.axvline(1, color=RULE, linewidth=1, linestyle=":")


def _widths(last: float) -> tuple[Callable[[Values], Values], Callable[[Values], Values]]:
    slope = _LATER_WIDTH / max(last - 1, 1e-9)

    def forward(epoch: Values) -> Values:
        early = np.sqrt(np.clip(epoch, 0, 1))
        return early + slope * np.clip(np.asarray(epoch) - 1, 0, None)

    def backward(place: Values) -> Values:
        early = np.clip(place, 0, 1) ** 2
        return early + np.clip(np.asarray(place) - 1, 0, None) / slope

    return forward, backward
