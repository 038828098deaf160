"""The course of the learning rate, without Keras: the report draws it too."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Schedule = Literal["constant", "cosine"]


def learning_rates(
    lr: float, schedule: Schedule, warm_up: float, steps: int
) -> NDArray[np.float64]:
    """Return the learning rate at each of `steps` steps, those of a complete training.

    It is `lr` all along where the schedule is constant. Cosine: it rises evenly from 0 to `lr` over
    the share `warm_up` of the steps, then falls to 0 along half a cosine (Loshchilov and Hutter,
    "SGDR", 2017, without restarts).
    """
    if schedule == "constant":
        return np.full(steps, lr)
    rising = round(warm_up * steps)
    step = np.arange(steps)
    fallen = np.clip((step - rising) / max(1, steps - rising), 0, 1)
    falling = lr * 0.5 * (1 + np.cos(np.pi * fallen))
    return np.where(step < rising, lr * step / max(1, rising), falling)
