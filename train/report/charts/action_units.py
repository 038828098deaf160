"""Positives of each action unit: in the footage, after dedup, and in training after the cap."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.tables import action_units
from curate.viz.style import (
    BLUE,
    GRAY,
    SKY,
    SMALL,
    VERMILION,
    draw_message,
    halo,
    in_style,
    ink,
    new_figure,
)

_BARS = {"labelled": GRAY, "kept by dedup": SKY, "training, capped": BLUE}
_HEIGHT = 0.27  # of a bar, in rows


def count_positives(labels: pl.DataFrame, dedup: pl.DataFrame, cap: pl.DataFrame) -> pl.DataFrame:
    """Count positives: action_unit, and one column for each of the three stages."""
    names = action_units(labels)
    kept = dedup.filter("keep").select("id")
    training = cap.filter(pl.col("keep") & (pl.col("split") == "train")).select("id")
    tables = (
        labels,
        labels.join(kept, on="id", how="semi"),
        labels.join(training, on="id", how="semi"),
    )
    counts = {
        stage: [int((table[name] == 1).sum()) for name in names]
        for stage, table in zip(_BARS, tables, strict=True)
    }
    schema = {"action_unit": pl.String} | dict.fromkeys(_BARS, pl.Int64)
    return pl.DataFrame({"action_unit": names, **counts}, schema)


@in_style()
def draw(positives: pl.DataFrame, cap: int) -> Figure:
    """Draw what `count_positives` returns, on a logarithmic scale; `cap` 0: there is none."""
    if positives.is_empty():
        return draw_message(
            "No action unit is labelled", "The labels table has no action unit column."
        )
    rows = len(positives)
    figure = new_figure(10, 2.2 + 0.52 * rows, _finding(positives))
    axes = figure.subplots()
    most = max(max(positives[stage].to_list()) for stage in _BARS)
    for offset, (stage, color) in enumerate(_BARS.items()):
        _bars(axes, positives[stage].to_list(), (offset - 1) * _HEIGHT, color, stage)
    axes.set_xscale("log")
    axes.set_xlim(1, max(10, most, cap) * 1.9)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_yticks(range(rows), positives["action_unit"].to_list())
    axes.set_ylim(rows - 0.4, -0.6 if not cap else -0.95)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("frames with the action unit present (logarithmic)")
    _mark_cap(axes, cap)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return figure


def _finding(positives: pl.DataFrame) -> str:
    before, after = (_imbalance(positives[stage]) for stage in ("labelled", "training, capped"))
    if before is None or after is None:
        return "Positives of each action unit, before and after curation"
    return (
        f"The most frequent action unit has {before:.1f} times the positives of the rarest "
        f"in the footage, {after:.1f} times in training"
    )


def _imbalance(counts: pl.Series) -> float | None:
    """Return how many times the rarest's positives the most frequent has; None if only one has."""
    known = [count for count in counts if count]
    return max(known) / min(known) if len(known) > 1 else None


def _bars(axes: Axes, counts: list[int], offset: float, color: str, name: str) -> None:
    places = [row + offset for row in range(len(counts))]
    axes.barh(places, counts, _HEIGHT, color=color, label=name, linewidth=0)
    for place, number in zip(places, counts, strict=True):
        axes.annotate(
            f"{number:,}",
            (max(number, 1), place),
            xytext=(4, -0.5),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=ink(color),
            path_effects=halo(),
            zorder=4,
        )


def _mark_cap(axes: Axes, cap: int) -> None:
    if not cap:
        return
    axes.axvline(cap, color=VERMILION, linewidth=1.6, linestyle=(0, (5, 2)))
    axes.annotate(
        f"cap {cap:,}",
        (cap, axes.get_ylim()[1]),
        xytext=(5, -3),
        va="top",
        textcoords="offset points",
        color=ink(VERMILION),
        fontweight="bold",
    )
