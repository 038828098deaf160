"""The learning rate over the steps of a training."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from curate.viz.style import GREEN, ink


def draw_on(axes: Axes, rates: NDArray[np.float64], steps_per_epoch: int) -> None:
    """Draw the rate over epochs, the highest named."""
    epochs = np.arange(len(rates)) / steps_per_epoch
    axes.plot(epochs, rates, color=GREEN)
    highest = int(rates.argmax())
    axes.annotate(
        f"{rates[highest]:g}",
        (epochs[highest], rates[highest]),
        xytext=(6, -8),
        textcoords="offset points",
        va="top",
        color=ink(GREEN),
        fontweight="bold",
    )
    axes.set_ylim(0, 1.15 * rates.max())
    axes.set_title("Learning rate of Adam")
