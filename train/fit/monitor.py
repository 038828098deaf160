"""The weights to keep: those of the epoch that is best on validation; and when to stop."""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from curate.base.errors import BadParameterError
from train.fit.features import Features
from train.metrics.loss import masked_cross_entropy_from_logits
from train.metrics.scores import macro, per_action_unit

SPLIT = "validation"
By = Literal["last", "loss", "macro_f1"]
_SCORED_AT_ONCE = 512


def watches(monitor: By, patience: int) -> bool:
    """Return whether epochs are to be scored on validation."""
    return monitor != "last" or patience > 0


def check_validation(labels: NDArray[np.int8], monitor: By) -> None:
    """Let the labels of validation (frames, units) pass if epochs can be scored on them.

    Raises:
        UserError: there are none, or no positive to score macro F1 by.
    """
    if not len(labels):
        raise BadParameterError(
            "monitor and patience score epochs on validation, which is empty (one subject only): "
            "set monitor to last and patience to 0",
            key="monitor",
        )
    if monitor == "macro_f1" and not np.any(labels == 1):
        raise BadParameterError(
            "monitor: macro_f1 needs a positive of some action unit on validation, which has none: "
            "set monitor to loss or last",
            key="monitor",
        )


class Monitor(keras.callbacks.Callback):
    """Scores every epoch on all of validation, keeps the best weights, stops after `patience`.

    Epochs are compared by loss or by macro F1 at 0.5, as `monitor` says (by loss where it is
    "last", which matters to `patience` only); of equal ones the first is the best. The figures are
    added to the last row of `history`.
    """

    def __init__(
        self,
        monitor: By,
        patience: int,
        head: keras.Model,
        validation: Features,
        history: list[dict[str, Any]],
    ) -> None:
        super().__init__()
        self._head, self._validation, self._history = head, validation, history
        self._by, self._patience = monitor, patience
        self._best = math.inf
        self._best_epoch = 0
        self.stopped = False
        self.best_weights: list[NDArray[Any]] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Score the epoch; keep its weights if it is the best; stop if it has been too long."""
        loss, f1 = self._score()
        figures = {"validation_loss": loss, "validation_macro_f1": f1}
        self._history[-1].update({name: v for name, v in figures.items() if v is not None})
        cost = -f1 if self._by == "macro_f1" and f1 is not None else loss
        if cost < self._best:
            self._best, self._best_epoch = cost, epoch + 1
            if self._by != "last":
                self.best_weights = self._head.get_weights()
        if self._patience and epoch + 1 - self._best_epoch >= self._patience:
            self.stopped = self.model.stop_training = True

    def _score(self) -> tuple[float, float | None]:
        """Return the loss, and macro F1 where validation has a positive of some action unit."""
        frames = self._validation
        logits = np.concatenate(
            [
                self._head.predict_on_batch(np.asarray(frames.features[at : at + _SCORED_AT_ONCE]))
                for at in range(0, len(frames.labels), _SCORED_AT_ONCE)
            ]
        )
        loss, known = masked_cross_entropy_from_logits(frames.labels, logits)
        f1 = macro(per_action_unit(frames.labels, logits >= 0)).f1
        return float(np.sum(loss) / max(np.sum(known), 1)), f1

    def kept_epoch(self, last: int) -> int:
        """Return the epoch whose weights are kept, counted from 1, of `last` in all."""
        return last if self._by == "last" else self._best_epoch

    def keep_best(self) -> None:
        """Give the network the best weights back."""
        if self.best_weights:
            self._head.set_weights(self.best_weights)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to resume from here, without weights, as JSON takes it."""
        best = self._best if self._best_epoch else None
        return {"best": best, "best_epoch": self._best_epoch, "stopped": self.stopped}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a `state`; `best_weights` are to be set beside it."""
        self._best_epoch, self.stopped = state["best_epoch"], state["stopped"]
        self._best = state["best"] if self._best_epoch else math.inf
