"""How the weights are moved: learning rates over time, of the head and of fine-tuned blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras

from curate.base.stage_params import OptimizerParameters
from train.fit.schedule import Schedule
from train.metrics.loss import MaskedBinaryCrossentropy
from train.model.network import Network

Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule


def compile_training(
    network: Network,
    model: keras.Model,
    parameters: OptimizerParameters,
    steps: int,
    positive_weights: Sequence[float] | None = None,
) -> None:
    """Compile `model`, one of the network's two training sides, for `steps` steps in all.

    `positive_weights` (units,) weigh the present labels in the loss. Fine-tuned blocks learn at
    `unfreeze_lr` where everything else learns at `lr`; both follow the schedule.
    """
    rate = keras_rate(parameters.lr, parameters.schedule, parameters.warm_up, steps)
    optimizer = keras.optimizers.Adam(rate)
    if network.tuned is not None:
        slow = network.tuned.trainable_variables
        optimizer = TwoSpeedAdam(rate, slow, parameters.unfreeze_lr / parameters.lr)
    model.compile(
        optimizer=optimizer,
        loss=MaskedBinaryCrossentropy(from_logits=True, positive_weights=positive_weights),
        jit_compile=False,  # XLA's convolutions are many times slower on a CPU
    )


def keras_rate(lr: float, schedule: Schedule, warm_up: float, steps: int) -> Rate:
    """Return the course of `train.fit.schedule.learning_rates` as Keras works it out by step."""
    if schedule == "constant":
        return lr
    rising = round(warm_up * steps)
    falling = max(1, steps - rising)
    if not rising:
        return keras.optimizers.schedules.CosineDecay(lr, falling)
    return keras.optimizers.schedules.CosineDecay(
        0.0, falling, warmup_target=lr, warmup_steps=rising
    )


class TwoSpeedAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba, 2015) that moves the `slow` variables at a fraction of its rate.

    Scaling their gradients would do nothing, for Adam divides by their size. `learning_rate` is
    that of all other variables.
    """

    def __init__(
        self, learning_rate: Rate, slow: Sequence[keras.Variable], fraction: float, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self._slow = {id(variable) for variable in slow}
        self._fraction = fraction
        self._factors: list[float] = []

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each variable, and note which are slow."""
        self._factors = [self._fraction if id(v) in self._slow else 1.0 for v in variables]
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable along its gradient."""
        factor = self._factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)
