"""Stage `fit`: train the head on the frozen backbone, and score the five probes on the way.

Probes are scored in inference mode. The backbone is frozen and probes are not augmented, so their
features are computed once; a probe then costs one pass through the dense layers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import polars as pl
import tensorflow as tf
from dvclive import Live
from numpy.typing import NDArray

from curate import console
from curate.errors import UserError
from curate.params import Parameters
from curate.table import whole_folder
from train import gap
from train.data import (
    Builder,
    action_units,
    count,
    image_size,
    inference,
    measuring_pipeline,
    open_shards,
    training_pipeline,
)
from train.loss import masked_cross_entropy_from_logits
from train.model import Network, build_network, save_network
from train.verdict import Gap, dissect, sentence

_HELD_OUT = {"dropped": "dropped", "moments": "moments", "people": "validation"}
_EARLY = 0.25  # of the first epoch: where the source of the gap shows before it is memorised


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


class Recorder(keras.callbacks.Callback):
    """Scores the probes at their steps, and writes down what they and the epochs say."""

    def __init__(self, probes: Probes, live: Live, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._probes, self._live, self._advance = probes, live, advance
        self._step = 0
        self.scores: list[dict[str, float | int | None]] = []
        self.history: list[dict[str, float | int]] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count the step; score where the schedule says so; stop when the loss has run away."""
        self._step += 1
        self._advance(1)
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            raise UserError(
                f"the training loss is no longer a number at step {self._step}; lower lr"
            )
        if self._step in self._probes.points:
            self._record(self._probes.points[self._step])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write down the epoch's training loss."""
        rate = float(self.model.optimizer.learning_rate)
        self.history.append(
            {"epoch": epoch + 1, "loss": float((logs or {})["loss"]), "learning_rate": rate}
        )
        self._live.log_metric("train/loss", self.history[-1]["loss"])

    def _record(self, epoch: float) -> None:
        losses, plain, frames = self._probes.score(self._step)
        row: dict[str, float | int | None] = {
            "epoch": epoch,
            "frames_fed": self._step * self._probes._batch_size,
        }
        row |= losses
        row |= {f"{name}_frames": n for name, n in frames.items()}
        row |= {f"{name}_plain": loss for name, loss in plain.items()}
        self.scores.append(row)
        self._live.step = self._step
        for name, loss in losses.items():
            if loss is not None:
                self._live.log_metric(f"probe/{name}", loss)


def fit_stage(shards: Path, output: Path, parameters: Parameters) -> list[Gap]:
    """Train from `shards` and write model, history, probes and gap to `output`, whole.

    Raises:
        UserError: no shards, an unknown backbone, or a loss that ran away.
    """
    keras.utils.set_random_seed(parameters.seed)
    tf.config.experimental.enable_op_determinism()
    builder = open_shards(shards)
    network = build_network(action_units(builder), image_size(builder), parameters)
    with whole_folder(output, "model.keras") as building:
        recorder = _train(builder, network, parameters, building)
        save_network(network.whole, building / "model.keras")
        names = json.dumps(action_units(builder))
        (building / "action_units.json").write_text(names + "\n")
        return write_scores(recorder.scores, recorder.history, building)


def _train(builder: Builder, network: Network, parameters: Parameters, folder: Path) -> Recorder:
    frames = count(builder, "train")
    steps = -(-frames // parameters.batch_size)
    with console.progress("probe features", None) as advance:
        probes = Probes(builder, network, parameters, advance)
    feed = training_pipeline(builder, parameters.batch_size, parameters.epochs, parameters.seed)
    with (
        Live(str(folder / "dvclive"), dvcyaml=None, save_dvc_exp=False) as live,
        console.progress("training", steps * parameters.epochs) as advance,
    ):
        recorder = Recorder(probes, live, advance)
        network.training.fit(
            feed,
            epochs=parameters.epochs,
            steps_per_epoch=steps,
            callbacks=[recorder],
            shuffle=False,  # the pipeline does
            verbose=0,
        )
    return recorder


def write_scores(scores: list[dict], history: list[dict], folder: Path) -> list[Gap]:
    """Write probes.csv, history.csv and gap.json; answer the gap early and at the end."""
    pl.DataFrame(scores, infer_schema_length=None).write_csv(
        folder / "probes.csv", float_precision=6
    )
    pl.DataFrame(history).write_csv(folder / "history.csv", float_precision=6)
    early = next((s for s in scores if s["epoch"] >= _EARLY), scores[-1])
    gaps = [_gap(early), _gap(scores[-1])]
    words = [sentence(g) for g in gaps]
    content = {
        "early": gaps[0].as_dict(),
        "final": gaps[1].as_dict(),
        "early_verdict": words[0],
        "final_verdict": words[1],
        "verdict": " ".join(words),
    }
    (folder / "gap.json").write_text(json.dumps(content, indent=2) + "\n")
    return gaps


def _gap(row: dict) -> Gap:
    losses = {name: row[name] for name in gap.PROBES}
    frames = {name: row[f"{name}_frames"] for name in gap.PROBES}
    unseen = "unseen" if row["epoch"] < 1 else "dropped"
    return dissect(row["epoch"], losses, frames, unseen)
