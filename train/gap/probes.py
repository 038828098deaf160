"""The five probes: which frames each holds, their features, and their scores on the way.

Probes are scored in inference mode. The backbone is frozen and probes are not augmented, so the
features of every probe frame are computed once; scoring then costs one pass of all of them through
the dense layers. A probe is a choice of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from curate.base.stage_params import FitParameters
from train.data import Shards, inference
from train.gap import bootstrap as bands
from train.gap import losses as gap
from train.gap.bootstrap import Estimate
from train.metrics.loss import masked_cross_entropy_from_logits
from train.model.network import Network

_SPLITS = {"dropped": "dropped", "moments": "moments", "people": "validation"}
_PARTS = {"train": "train"} | _SPLITS
_SCORED_AT_ONCE = 1024
# Probes are kept to about this share of the frames that the whole training feeds, for a frame costs
# about as much to score as to train on; but to no fewer frames each than say something.
_SHARE = 0.06
_LEAST = 200
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Every probe's loss at one time: comparable, plain (None where there is none), and frames."""

    losses: dict[str, Estimate | None]
    plain: dict[str, float | None]
    frames: dict[str, int]


@dataclass(frozen=True)
class Part:
    """Frames of one split: features (frames, ...), labels (frames, units), clips (frames,)."""

    features: NDArray[np.float32]
    labels: NDArray[np.int8]
    clips: list[str]


class Probes:
    """The probes' features, computed once, and their scores by the head as it now is."""

    def __init__(
        self,
        shards: Shards,
        network: Network,
        parameters: FitParameters,
        advance: Callable[[int], None],
    ) -> None:
        self.batch_size = parameters.batch_size
        self._train_frames = shards.count("train")
        self._most = min(
            parameters.probe_frames, _affordable(self._train_frames * parameters.epochs)
        )
        self.points = gap.schedule(self._train_frames, parameters.batch_size, parameters.epochs)
        ids = {name: shards.keys(split)["id"].to_list() for name, split in _PARTS.items()}
        trained = [name.rpartition("/") for name in ids["train"]]
        self._trained = [clip for clip, _, _ in trained], [int(index) for _, _, index in trained]
        self._chosen = {step: self._fed_and_not(step) for step in self.points}
        self._positions = np.unique(
            np.concatenate([p for two in self._chosen.values() for p in two])
        )
        positions = {"train": self._positions} | self._held_out_positions(shards)
        backbone = inference(network.backbone)
        parts = {
            name: read_part(shards, backbone, _PARTS[name], chosen, ids[name], advance)
            for name, chosen in positions.items()
        }
        self._features = np.concatenate([p.features for p in parts.values() if len(p.features)])
        self._labels = np.concatenate([part.labels for part in parts.values()])
        self._place(parts, parameters.seed)
        self._run = _compiled(network.head)
        everything = self._rows(gap.nested_sample(np.arange(self._train_frames), self._most))
        self._reference = gap.rates(self._labels[everything])
        self._units = gap.shared_units(self._judged(everything), self._labels.shape[1])

    def _held_out_positions(self, shards: Shards) -> dict[str, Positions]:
        """Choose the frames held out; of dropped ones no more than could ever be seen."""
        most = dict.fromkeys(_SPLITS, self._most)
        most["dropped"] = min(self._most, self._train_frames)
        return {
            probe: gap.sample(shards.count(split), most[probe]) for probe, split in _SPLITS.items()
        }

    def _place(self, parts: Mapping[str, Part], seed: int) -> None:
        """Number the clips and draw their weights; say where the rows of each part lie."""
        ends = np.cumsum([len(part.labels) for part in parts.values()])
        starts = dict(zip(parts, ends - [len(part.labels) for part in parts.values()], strict=True))
        self._held_out = {
            name: np.arange(starts[name], starts[name] + len(parts[name].labels))
            for name in _SPLITS
        }
        trained = [clip for name in parts if name != "people" for clip in parts[name].clips]
        names, numbers = np.unique(np.array(trained, str), return_inverse=True)
        new_names, new_numbers = np.unique(
            np.array(parts["people"].clips, str), return_inverse=True
        )
        self._clips = np.concatenate([numbers, new_numbers])
        # People's clips are drawn apart: they have nothing to do with those of training.
        self._weights = dict.fromkeys(gap.PROBES, bands.weights(len(names), seed))
        self._weights["people"] = bands.weights(len(new_names), seed + 1)

    def fed(self, step: int) -> int:
        """Count the training frames fed at least once by the end of a step."""
        return min(step * self.batch_size, self._train_frames)

    def _fed_and_not(self, step: int) -> tuple[Positions, Positions]:
        """Choose the seen and the unseen training frames at a step, evenly over file order."""
        fed = self.fed(step)
        unseen = gap.next_to_fed(*self._trained, fed)
        return (
            gap.nested_sample(np.arange(fed), self._most),
            gap.nested_sample(unseen, self._most),
        )

    def _rows(self, positions: Positions) -> Positions:
        return np.searchsorted(self._positions, positions)

    def _probe_rows(self, step: int) -> dict[str, Positions]:
        seen, unseen = (self._rows(positions) for positions in self._chosen[step])
        return {"seen": seen, "unseen": unseen, **self._held_out}

    def _judged(self, everything: Positions) -> Iterator[tuple[NDArray[np.int8], Positions]]:
        """List labels and clips of what the curve must be able to speak of, all along.

        That is every probe with enough frames to be believed, from a quarter of the first epoch on:
        a rare action unit that is not among the very first frames stays in.
        """
        chosen = [everything, *self._held_out.values()]
        for step, epoch in self.points.items():
            if epoch >= gap.EARLY:
                chosen += [self._probe_rows(step)[name] for name in ("seen", "unseen")]
        for rows in chosen:
            if len(rows) >= gap.FEW_FRAMES:
                yield self._labels[rows], self._clips[rows]

    def score(self, step: int) -> Scores:
        """Score every probe after a step."""
        loss = self._losses()
        probes = {
            name: gap.Probe(loss[rows], self._labels[rows], self._clips[rows])
            for name, rows in self._probe_rows(step).items()
        }
        return Scores(
            {
                name: gap.comparable_loss(probe, self._reference, self._units, self._weights[name])
                for name, probe in probes.items()
            },
            {name: gap.plain_loss(probe) for name, probe in probes.items()},
            {name: len(probe) for name, probe in probes.items()},
        )

    def _losses(self) -> NDArray[np.float64]:
        """Work out the loss of every probe frame (frames, units) by the head as it now is."""
        losses = [
            self._run(
                self._features[at : at + _SCORED_AT_ONCE], self._labels[at : at + _SCORED_AT_ONCE]
            )
            for at in range(0, len(self._labels), _SCORED_AT_ONCE)
        ]
        return np.concatenate(losses).astype(np.float64)


def _affordable(fed: int) -> int:
    """Return how many frames a probe may hold where training feeds `fed` frames in all.

    With n frames a probe, some 7 n are computed: 4 n of training's, which the times share, and
    those of the three probes that are held out.
    """
    return max(_LEAST, int(_SHARE * fed / 7))


def read_part(
    shards: Shards,
    backbone: Callable[[tf.Tensor], tf.Tensor],
    split: str,
    positions: Positions,
    ids: list[str],
    advance: Callable[[int], None],
) -> Part:
    """Run the backbone over a split's frames at `positions`; `ids` names all of its frames."""
    if not len(positions):
        return Part(
            np.zeros((0,), np.float32), np.zeros((0, len(shards.action_units)), np.int8), []
        )
    features, labels = [], []
    for images, known in shards.measure(split, positions):
        features.append(backbone(images).numpy())
        labels.append(known.numpy())
        advance(len(known))
    clips = [ids[position].rpartition("/")[0] for position in positions]
    return Part(np.concatenate(features), np.concatenate(labels), clips)


def _compiled(head: keras.Model) -> Callable[[NDArray[np.float32], NDArray[np.int8]], NDArray]:
    """Compile features and labels of any number of frames to their losses, traced once."""
    features = tf.TensorSpec((None, *head.input_shape[1:]), tf.float32)
    labels = tf.TensorSpec((None, head.output_shape[-1]), tf.int8)

    @tf.function(input_signature=[features, labels])
    def losses(frames: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        return masked_cross_entropy_from_logits(known, head(frames, training=False))[0]

    return lambda frames, known: losses(frames, known).numpy()
