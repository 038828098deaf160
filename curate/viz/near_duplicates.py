"""A contact sheet of near-duplicates: the frame kept, the frame dropped, what differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from curate.base.text import plural
from curate.viz.pictures import AMPLIFIED, difference, shorten
from curate.viz.style import FINE, draw_message, in_style, new_figure

_COLUMNS = 3
# Inches: the sheet's width, what lies above the pairs, a pair's place, its words and pictures.
_WIDTH, _TOP, _MARGIN = 10.0, 0.5, 0.1
_COLUMN, _ROW = 3.33, 1.72
_WORDS, _SIDE, _SPACE = 0.38, 1.0, 0.06
_NAMES = ("kept", "dropped", f"difference × {AMPLIFIED}")


@dataclass(frozen=True)
class Pair:
    """A dropped frame and the one that it repeats; pictures (height, width, 3) uint8, RGB."""

    kept_id: str
    dropped_id: str
    distance: int
    kept: NDArray[np.uint8]
    dropped: NDArray[np.uint8]


def choose_pairs(dedup: pl.DataFrame, count: int = 12) -> list[tuple[str, str, int]]:
    """Choose near-duplicates for show: (kept id, dropped id, bits), by distance.

    Distances take turns, and each takes the subject shown least so far: the same table gives the
    same choice. `dedup` has the columns of `curate.tables.DEDUP`.
    """
    dropped = dedup.filter(pl.col("reason") == "near_duplicate").sort("id")
    first = dropped.group_by("distance", "subject", maintain_order=True).head(count)
    pools: dict[int, list[dict[str, Any]]] = {}
    for row in first.sort("distance", "id").to_dicts():
        pools.setdefault(row["distance"], []).append(row)
    shown: Counter[str] = Counter()
    chosen: list[tuple[str, str, int]] = []
    while len(chosen) < count and any(pools.values()):
        for distance in [d for d in pools if pools[d]][: count - len(chosen)]:
            row = min(pools[distance], key=lambda r: (shown[r["subject"]], r["id"]))
            pools[distance].remove(row)
            shown[row["subject"]] += 1
            chosen.append((row["duplicate_of"], row["id"], distance))
    return sorted(chosen, key=lambda pair: (pair[2], pair[1]))


@in_style()
def draw(pairs: list[Pair], dropped: int) -> Figure:
    """Draw the sheet; `dropped` is how many near-duplicates there are in all."""
    if not pairs:
        return draw_message(
            "No near-duplicates were dropped",
            "No frame lay within `distance` bits of a frame kept before it.",
        )
    rows = -(-len(pairs) // _COLUMNS)
    figure = new_figure(
        _WIDTH,
        _TOP + _ROW * rows,
        f"{dropped:,} frames dropped as near-duplicates: {len(pairs)} of them, nearest first",
    )
    figure.set_layout_engine("none")  # every place is known: nothing to solve
    for number, pair in enumerate(pairs):
        row, column = divmod(number, _COLUMNS)
        _draw_pair(figure, _MARGIN + column * _COLUMN, _TOP + row * _ROW, pair)
    return figure


def _draw_pair(figure: Figure, left: float, top: float, pair: Pair) -> None:
    """Draw a pair at `left` and `top`, in inches from the figure's upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(
        left / width,
        1 - top / height,
        f"{plural(pair.distance, 'bit')}: {shorten(pair.kept_id)}\nand {shorten(pair.dropped_id)}",
        va="top",
        fontsize=FINE,
        linespacing=1.15,
    )
    pictures = (pair.kept, pair.dropped, difference(pair.kept, pair.dropped))
    for number, (picture, name) in enumerate(zip(pictures, _NAMES, strict=True)):
        x, y = left + number * (_SIDE + _SPACE), height - top - _WORDS - _SIDE
        axes = figure.add_axes((x / width, y / height, _SIDE / width, _SIDE / height))
        axes.imshow(picture)
        axes.set_axis_off()
        axes.text(0.5, -0.03, name, transform=axes.transAxes, ha="center", va="top", fontsize=FINE)
