"""The five probes: their features, computed once, and their scores on the way.

Probes are scored in inference mode. The backbone is frozen and probes are not augmented, so the
features of every probe frame are computed once; scoring then costs one pass of all of them through
the dense layers. A probe is a choice of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from curate.base.stage_params import FitParameters
from curate.tables import clip_of
from train.data import Shards, inference
from train.gap.choice import EARLY, HELD_OUT, Choice, Positions, choose_frames
from train.gap.intervals import Estimate, bootstrap_weights
from train.gap.losses import (
    FEW_FRAMES,
    PROBES,
    Floats,
    Probe,
    comparable_loss,
    plain_loss,
    rates,
    shared_units,
)
from train.metrics.loss import masked_cross_entropy_from_logits
from train.model.network import Network

_SCORED_AT_ONCE = 1024
# Features and labels of any number of frames to their losses (frames, units).
HeadLosses = Callable[[NDArray[np.float32], NDArray[np.int8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Scores:
    """Every probe's loss at one time: comparable, plain (None where there is none), and frames."""

    losses: dict[str, Estimate | None]
    plain: dict[str, float | None]
    frames: dict[str, int]


@dataclass(frozen=True, eq=False)
class Part:
    """Frames of one split: features (frames, ...), labels (frames, units), clips (frames,)."""

    features: NDArray[np.float32]
    labels: NDArray[np.int8]
    clips: list[str]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Probes:
    """All that scoring the probes takes, beside the weights of the head as they then are.

    `points` maps the steps after which they are scored to the epoch, `rows` those steps to the rows
    of each probe. A row is a frame: its features (rows, ...), labels (rows, units) and its clip
    (rows,), a column of the bootstrap `weights` (1 + draws, clips) of its probe. `reference`
    (units,) are the rates of training; `units` (units,) marks the action units to compare.
    """

    points: dict[int, float]
    rows: dict[int, dict[str, Positions]]
    features: NDArray[np.float32]
    labels: NDArray[np.int8]
    clips: Positions
    weights: dict[str, Floats]
    reference: Floats
    units: NDArray[np.bool_]
    head_losses: HeadLosses

    def score(self, step: int) -> Scores:
        """Score every probe after a step."""
        loss = self._loss()
        probes = {
            name: Probe(loss[rows], self.labels[rows], self.clips[rows])
            for name, rows in self.rows[step].items()
        }
        return Scores(
            {
                name: comparable_loss(probe, self.reference, self.units, self.weights[name])
                for name, probe in probes.items()
            },
            {name: plain_loss(probe) for name, probe in probes.items()},
            {name: len(probe) for name, probe in probes.items()},
        )

    def _loss(self) -> Floats:
        """Work out the loss of every row (rows, units) by the head as it now is."""
        starts = range(0, len(self.labels), _SCORED_AT_ONCE)
        blocks = [slice(start, start + _SCORED_AT_ONCE) for start in starts]
        losses = [self.head_losses(self.features[block], self.labels[block]) for block in blocks]
        return np.concatenate(losses).astype(np.float64)


def build_probes(
    shards: Shards, network: Network, parameters: FitParameters, advance: Callable[[int], None]
) -> Probes:
    """Choose the probes' frames and compute their features; `advance` counts those done."""
    choice = choose_frames(
        shards.keys("train")["id"].to_list(),
        {probe: shards.count(split) for probe, split in HELD_OUT.items()},
        batch_size=parameters.batch_size,
        epochs=parameters.epochs,
        most=parameters.probe_frames,
    )
    backbone = inference(network.backbone)
    parts = {"train": read_part(shards, "train", choice.training, backbone, advance)}
    for probe, positions in choice.held_out.items():
        parts[probe] = read_part(shards, HELD_OUT[probe], positions, backbone, advance)
    rows = choice.rows()
    labels = np.concatenate([part.labels for part in parts.values()])
    clips, weights = number_clips({n: part.clips for n, part in parts.items()}, parameters.seed)
    believed = [(labels[r], clips[r]) for r in _judged(choice, rows) if len(r) >= FEW_FRAMES]
    return Probes(
        points=choice.points,
        rows=rows,
        features=np.concatenate([part.features for part in parts.values() if len(part)]),
        labels=labels,
        clips=clips,
        weights=weights,
        reference=rates(labels[rows[max(rows)]["seen"]]),  # by then all of training is fed
        units=shared_units(believed, labels.shape[1]),
        head_losses=compile_losses(network.head),
    )


def _judged(choice: Choice, rows: dict[int, dict[str, Positions]]) -> Iterator[Positions]:
    """List the rows of what the curve must be able to speak of, all along.

    That is every probe from a quarter of the first epoch on: a rare action unit that is not among
    the very first frames stays in.
    """
    yield from (rows[max(rows)][probe] for probe in choice.held_out)
    for step, epoch in choice.points.items():
        if epoch >= EARLY:
            yield from (rows[step][probe] for probe in choice.trained[step])


def read_part(
    shards: Shards,
    split: str,
    positions: Positions,
    backbone: Callable[[tf.Tensor], tf.Tensor],
    advance: Callable[[int], None],
) -> Part:
    """Run the backbone over a split's frames at `positions`; without any, features are (0,)."""
    if not len(positions):
        return Part(np.zeros(0, np.float32), np.zeros((0, len(shards.action_units)), np.int8), [])
    features, labels = [], []
    for images, known in shards.measure(split, positions):
        features.append(backbone(images).numpy())
        labels.append(known.numpy())
        advance(len(known))
    ids = shards.keys(split)["id"][positions]
    return Part(np.concatenate(features), np.concatenate(labels), [clip_of(name) for name in ids])


def number_clips(
    parts: Mapping[str, Sequence[str]], seed: int
) -> tuple[Positions, dict[str, Floats]]:
    """Number the clips of all parts' frames (rows,), and draw the weights of each probe's clips.

    Probes of the same clips share the draws. Those of people, who have nothing to do with training,
    are numbered and drawn apart; they are the last part.
    """
    trained = [clip for name, clips in parts.items() if name != "people" for clip in clips]
    names, numbers = np.unique(np.array(trained, str), return_inverse=True)
    new_names, new_numbers = np.unique(np.array(parts["people"], str), return_inverse=True)
    weights = dict.fromkeys(PROBES, bootstrap_weights(len(names), seed))
    weights["people"] = bootstrap_weights(len(new_names), seed + 1)
    return np.concatenate([numbers, new_numbers]), weights


def compile_losses(head: keras.Model) -> HeadLosses:
    """Compile features and labels of any number of frames to their losses, traced once."""
    features = tf.TensorSpec((None, *head.input_shape[1:]), tf.float32)
    labels = tf.TensorSpec((None, head.output_shape[-1]), tf.int8)

    @tf.function(input_signature=[features, labels])
    def losses(frames: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        return masked_cross_entropy_from_logits(known, head(frames, training=False))[0]

    return lambda frames, known: losses(frames, known).numpy()
