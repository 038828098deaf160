"""Stopping a training whose loss runs away, with the likely cause."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from curate.base.errors import UserError

# A mean over so many steps that is so many times the loss of the untrained network is no accident
# of one batch. Networks that came so far did no better than guessing afterwards, in all trials:
# their neurons are dead.
STEPS = 100
FACTOR = 3.0


class LossGuard(keras.callbacks.Callback):
    """Raises `UserError` once the training loss is no number, or stays far above where it began.

    `lr` and `tuned_lr` (of fine-tuned blocks, None without any) are the learning rates to blame,
    `units` the neurons of the dense layers, `backbone` the name of what gives the features.
    """

    def __init__(
        self, lr: float, tuned_lr: float | None, units: Sequence[int], backbone: str
    ) -> None:
        super().__init__()
        self._lr, self._tuned_lr = lr, tuned_lr
        self._units, self._backbone = list(units), backbone
        self._first: float | None = None
        self._recent: deque[float] = deque(maxlen=STEPS)
        self._epoch_steps, self._epoch_sum, self._step = 0, 0.0, 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Look at one step's loss, which Keras reports as the epoch's mean so far."""
        self._step += 1
        self._epoch_steps += 1
        so_far = float((logs or {})["loss"]) * self._epoch_steps
        loss, self._epoch_sum = so_far - self._epoch_sum, so_far
        if not np.isfinite(loss):
            raise UserError(self._no_number())
        # 0 is the loss of a batch without known labels, which is nothing to compare with.
        self._first = self._first or loss
        self._recent.append(loss)
        mean = sum(self._recent) / STEPS
        if len(self._recent) == STEPS and mean > FACTOR * self._first:
            raise UserError(
                f"the training loss runs away, {mean:.3g} over the last {STEPS} steps from "
                f"{self._first:.3g} at the first, {self._advice()}"
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Begin a new mean, as Keras does."""
        self._epoch_steps, self._epoch_sum = 0, 0.0

    def _no_number(self) -> str:
        if self._step > 1:
            return f"the training loss is no longer a number {self._advice()}"
        # Nothing has been learned yet, so no learning rate is to blame.
        return (
            f"the very first training loss is no number: the backbone {self._backbone} gives "
            f"features that are none, or far too large; check it on pictures of values 0-255"
        )

    def _advice(self) -> str:
        rates = f"lr ({self._lr:g})"
        if self._tuned_lr is not None:
            rates += f" or unfreeze_lr ({self._tuned_lr:g})"
        why = f"{rates} is too high"
        if self._units:
            why += f" for units {self._units}, and the wider the layers the lower it must be"
        return f"(step {self._step}): {why}; try lr {self._lr / 10:g}"

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to resume from here, as JSON takes it."""
        return {
            "first": self._first,
            "recent": list(self._recent),
            "epoch": [self._epoch_steps, self._epoch_sum],
            "step": self._step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a `state`."""
        self._first, self._step = state["first"], state["step"]
        self._recent.extend(state["recent"])
        self._epoch_steps, self._epoch_sum = state["epoch"]
