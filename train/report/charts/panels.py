"""Small multiples: a panel an action unit, in rows, all on the same axes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.viz.style import new_figure

ACROSS = 4
_HEIGHT = 2.55  # inches of a row of panels


def unit_panels(panels: int, title: str, x: str, y: str) -> tuple[Figure, list[Axes]]:
    """Make a figure of square panels from 0 to 1 either way, `ACROSS` a row, labelled outside."""
    rows = -(-panels // ACROSS)
    figure = new_figure(10, 1.3 + _HEIGHT * rows, title)
    grid = figure.subplots(rows, ACROSS, sharex=True, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for number, panel in enumerate(axes):
        if number >= panels:
            panel.set_axis_off()
        if number + ACROSS >= panels:  # nothing below it: it writes the numbers and what they are
            panel.tick_params(labelbottom=True)
            panel.set_xlabel(x)
        if not number % ACROSS:
            panel.set_ylabel(y)
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        panel.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        panel.grid(axis="both")
    return figure, axes[:panels]
