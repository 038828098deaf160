"""The five probes: which frames each holds, their features, and their scores on the way.

Probes are scored in inference mode. The backbone is frozen and probes are not augmented, so their
features are computed once; a probe then costs one pass through the dense layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from curate.params import Parameters
from train import gap
from train.data import Builder, action_units, count, inference, measuring_pipeline
from train.loss import masked_cross_entropy_from_logits
from train.model import Network

_HELD_OUT = {"dropped": "dropped", "moments": "moments", "people": "validation"}


@dataclass(frozen=True)
class Features:
    """Backbone features (frames, channels) float32 and labels (frames, units) int8."""

    features: NDArray[np.float32]
    labels: NDArray[np.int8]

    def rows(self, chosen: NDArray[np.int64]) -> Features:
        """Take some frames."""
        return Features(self.features[chosen], self.labels[chosen])


class Probes:
    """The probes' features, computed once, and their scores by the head as it now is."""

    def __init__(
        self,
        builder: Builder,
        network: Network,
        parameters: Parameters,
        advance: Callable[[int], None],
    ) -> None:
        self._head = network.head
        self._train_frames = count(builder, "train")
        self._most = parameters.probe_frames
        self.points = gap.schedule(self._train_frames, parameters.batch_size, parameters.epochs)
        self._batch_size = parameters.batch_size
        wanted = [p for step in self.points for p in self._positions(step)]
        self._positions_kept = np.unique(np.concatenate(wanted))
        backbone = inference(network.backbone)
        self._train = _features(builder, backbone, "train", self._positions_kept, advance)
        self._held_out = {
            probe: _features(
                builder, backbone, split, gap.sample(count(builder, split), self._most), advance
            )
            for probe, split in _HELD_OUT.items()
        }
        everything = gap.sample(self._train_frames, self._most)
        self._reference = gap.rates(self._rows(everything).labels)

    def fed(self, step: int) -> int:
        """Count the training frames fed at least once by the end of a step."""
        return min(step * self._batch_size, self._train_frames)

    def _positions(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Choose the seen and the unseen training frames at a step, evenly over file order."""
        fed = self.fed(step)
        return gap.sample(fed, self._most), gap.sample(self._train_frames, self._most, fed)

    def _rows(self, positions: NDArray[np.int64]) -> Features:
        return self._train.rows(np.searchsorted(self._positions_kept, positions))

    def score(self, step: int) -> tuple[dict[str, float | None], dict[str, float | None], dict]:
        """Score every probe after a step: comparable losses, plain losses, and frames in each."""
        seen, unseen = (self._rows(positions) for positions in self._positions(step))
        probes = {
            name: self._score(part)
            for name, part in {"seen": seen, "unseen": unseen, **self._held_out}.items()
        }
        losses = gap.comparable_losses(probes, self._reference)
        plain = {name: gap.plain_loss(probe) for name, probe in probes.items()}
        return losses, plain, {name: len(probe) for name, probe in probes.items()}

    def _score(self, part: Features) -> gap.Probe:
        if not len(part.labels):
            return gap.Probe(np.zeros(part.labels.shape), part.labels)
        logits = self._head(part.features, training=False)
        loss, _ = masked_cross_entropy_from_logits(part.labels, logits)
        return gap.Probe(np.asarray(loss, np.float64), part.labels)


def _features(
    builder: Builder,
    backbone: Callable[[tf.Tensor], tf.Tensor],
    split: str,
    positions: NDArray[np.int64],
    advance: Callable[[int], None],
) -> Features:
    """Run the backbone over a split's frames at `positions`."""
    features, labels = [], [np.zeros((0, len(action_units(builder))), np.int8)]
    if len(positions):
        for images, known in measuring_pipeline(builder, split, positions):
            features.append(backbone(images).numpy())
            labels.append(known.numpy())
            advance(len(known))
    return Features(np.concatenate(features or [np.zeros((0, 0))]), np.concatenate(labels))
