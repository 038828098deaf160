"""Binary cross-entropy over the labels that are known.

An action unit that nobody coded is neither present nor absent: it is written as -1, and counts
neither in the loss nor in its mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

SMALLEST_PROBABILITY = 1e-7
MOST_WEIGHT = 10.0


def masked_cross_entropy(labels: Any, probabilities: Any) -> tuple[Any, Any]:
    """Work out each label's cross-entropy in nats, and which labels are known.

    `labels` 1 present, 0 absent, negative unknown; `probabilities` 0-1, of the same shape. Returns
    two float32 tensors of that shape: the loss (0 where unknown), and 1 where known, 0 elsewhere.
    Probabilities are clipped by 1e-7, so that a confident mistake costs 16.1 and not infinity.
    """
    labels, known = _split_known(labels)
    chance = ops.cast(probabilities, "float32")
    chance = ops.clip(chance, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    loss = -(labels * ops.log(chance) + (1 - labels) * ops.log1p(-chance))
    return loss * known, known


def masked_cross_entropy_from_logits(labels: Any, logits: Any) -> tuple[Any, Any]:
    """Work out `masked_cross_entropy` of sigmoid(logits), exact and finite for any logit.

    -log(sigmoid(z)) = softplus(-z) of a present label, and softplus(z) of an absent one. The usual
    max(z, 0) - z y + log(1 + exp(-|z|)) is the same number, but its gradient at z = 0, where an
    output that starts at zero stands, is wrong.
    """
    labels, known = _split_known(labels)
    loss = ops.softplus((1 - 2 * labels) * ops.cast(logits, "float32"))
    return loss * known, known


def _split_known(labels: Any) -> tuple[Any, Any]:
    """Return the labels with 0 in place of the unknown, and the mask of the known."""
    labels = ops.cast(labels, "float32")
    return ops.maximum(labels, 0.0), ops.cast(labels >= 0, "float32")


def inverse_weights(present: NDArray[np.int64], absent: NDArray[np.int64]) -> list[float]:
    """Return what a present label must weigh for both classes to count alike (units,).

    That is absent / present, each (units,) counts of known labels, within 1/10 to 10: a unit of a
    few positives would else hang on them alone. 1 where a unit has only one of the two.
    """
    both = (present > 0) & (absent > 0)
    ratio = np.where(both, absent / np.maximum(present, 1), 1.0)
    return np.clip(ratio, 1 / MOST_WEIGHT, MOST_WEIGHT).astype(float).tolist()


@keras.saving.register_keras_serializable(package="framewise")
class MaskedBinaryCrossentropy(keras.losses.Loss):
    """Mean binary cross-entropy over the known labels of a batch, for `model.compile`.

    Labels (batch, action units): 1 present, 0 absent, -1 unknown. Predictions of that shape:
    probabilities, or logits where `from_logits`. The mean is over labels, not frames: a frame with
    more known labels weighs more. A batch without known labels gives 0, and a gradient of 0.
    `positive_weights` (action units,) multiply the loss of the present labels; the mean divides by
    the number of known labels still, as `tf.nn.weighted_cross_entropy_with_logits` averaged does.
    """

    def __init__(
        self,
        from_logits: bool = False,
        positive_weights: Sequence[float] | None = None,
        name: str = "masked_binary_crossentropy",
        **options: Any,
    ) -> None:
        # The mean is over known labels; Keras' own reductions would count the unknown ones too.
        options["reduction"] = None
        super().__init__(name=name, **options)
        self.from_logits = from_logits
        self.positive_weights = None if positive_weights is None else list(positive_weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the scalar mean over the known labels."""
        elementwise = masked_cross_entropy_from_logits if self.from_logits else masked_cross_entropy
        loss, known = elementwise(y_true, y_pred)
        if self.positive_weights is not None:
            weights = ops.convert_to_tensor(self.positive_weights, "float32")
            loss = ops.where(ops.cast(y_true, "float32") > 0, loss * weights, loss)
        return ops.sum(loss) / ops.maximum(ops.sum(known), 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build it again."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "positive_weights": self.positive_weights,
        }
