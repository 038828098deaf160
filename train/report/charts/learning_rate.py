"""The learning rate over the steps of a training, computed from the parameters as it is used."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from curate.base.params import Parameters
from curate.viz.style import GREEN, ink


def course(parameters: Parameters, steps: int) -> NDArray[np.float64]:
    """Return the rate at each of `steps` steps, of the whole training that was planned.

    The same as `train.fit.optimizer.learning_rate`, without loading Keras to draw a line.
    """
    if parameters.schedule == "constant":
        return np.full(steps, parameters.lr)
    rising = round(parameters.warm_up * steps)
    step = np.arange(steps)
    fallen = np.clip((step - rising) / max(1, steps - rising), 0, 1)
    falling = parameters.lr * 0.5 * (1 + np.cos(np.pi * fallen))
    return np.where(step < rising, parameters.lr * step / max(1, rising), falling)


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
