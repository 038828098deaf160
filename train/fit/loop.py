"""The training itself: what is fed, what watches it, and the epochs one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from curate.base import console
from curate.base.stage_params import FitParameters
from train.data import Shards
from train.fit.checkpoint import Checkpoint, Stateful
from train.fit.features import Features, cached_epoch, split_features
from train.fit.loss_guard import LossGuard
from train.fit.monitor import SPLIT, Monitor, watches
from train.fit.optimizer import compile_training
from train.fit.recorder import LiveLog, Recorder
from train.gap.probes import build_probes
from train.metrics.loss import inverse_weights
from train.model.network import Network, augments

# The (features or images, labels) batches of an epoch, counted from 0, from a step of it on.
Feed = Callable[[int, int], tf.data.Dataset]


def train(
    shards: Shards,
    network: Network,
    parameters: FitParameters,
    folder: Path,
    scratch: Path,
    seconds_between_checkpoints: float,
) -> tuple[Recorder, int]:
    """Train the network, or resume a training from `scratch`; the kept weights stay in it.

    Returns what was recorded, and the epoch, counted from 1, whose weights are kept. DVCLive's
    files are written to `folder`.

    Raises:
        UserError: a loss that ran away.
    """
    p = parameters
    steps = -(-shards.count("train") // p.batch_size)  # an epoch; its last batch may be smaller
    model, feed = choose_feed(shards, network, p, scratch)
    compile_training(network, model, p, steps * p.epochs, positive_weights(shards, p.weight))
    # The probes come before the first step: which frames they hold follows from the order of the
    # feed, and the features of those from the frozen backbone. Later only the head runs on them.
    with console.progress("probe features", None) as advance:
        probes = build_probes(shards, network, p, advance)
    with (
        LiveLog(folder / "dvclive") as live,
        console.progress("training", steps * p.epochs) as advance,
    ):
        guard = LossGuard(p.lr, p.unfreeze_lr if p.unfreeze else None, p.units, p.backbone)
        recorder = Recorder(probes, p.batch_size, live, advance)
        monitor = None
        if watches(p.monitor, p.patience):
            validation = compute_features(shards, network, SPLIT, scratch)
            monitor = Monitor(p.monitor, p.patience, network.head, validation, recorder.history)
        records: dict[str, Stateful] = {"loss_guard": guard, "recorder": recorder}
        checkpoint = Checkpoint(
            scratch, network, model, records, monitor, seconds_between_checkpoints
        )
        checkpoint.resume()
        advance(checkpoint.epoch * steps + checkpoint.step)
        # Keras calls them in this order. A loss that ran away is not recorded; the monitor adds to
        # the row that the recorder began; the checkpoint writes down what all of them made of it.
        callbacks = [guard, recorder, *([monitor] if monitor else []), checkpoint]
        while checkpoint.epoch < p.epochs and not (monitor and monitor.stopped):
            # An epoch a call: the first may be the rest of one, where a killed run was resumed.
            model.fit(
                feed(checkpoint.epoch, checkpoint.step),
                initial_epoch=checkpoint.epoch,
                epochs=checkpoint.epoch + 1,
                steps_per_epoch=steps - checkpoint.step,
                callbacks=callbacks,
                shuffle=False,  # the feed is in the order that the probes count on
                verbose=0,
            )
    if monitor is None:
        return recorder, checkpoint.epoch
    monitor.keep_best()
    return recorder, monitor.kept_epoch(checkpoint.epoch)


def choose_feed(
    shards: Shards, network: Network, parameters: FitParameters, scratch: Path
) -> tuple[keras.Model, Feed]:
    """Choose what trains and on what: the head on features where pictures never change."""
    size, seed = parameters.batch_size, parameters.seed
    if augments(parameters):
        return network.training, lambda epoch, step: shards.training_epoch(size, seed, epoch, step)
    cached = compute_features(shards, network, "train", scratch)
    return network.training_on_features, lambda epoch, step: cached_epoch(
        cached, size, seed, epoch, step
    )


def compute_features(shards: Shards, network: Network, split: str, scratch: Path) -> Features:
    """Compute a split's features, or read those that a killed run left in `scratch`."""
    with console.progress(f"{split} features", shards.count(split)) as advance:
        return split_features(shards, network, split, scratch / split, advance)


def positive_weights(shards: Shards, weight: Literal["none", "inverse"]) -> list[float] | None:
    """Return the weight of each action unit's positives; None where all weigh the same."""
    if weight == "none":
        return None
    labels = shards.labels("train")
    return inverse_weights(np.sum(labels == 1, axis=0), np.sum(labels == 0, axis=0))
