"""The training itself: what is fed, what watches it, and the epochs one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from curate.base import console
from curate.base.stage_params import FitParameters
from train.data import Shards
from train.fit.checkpoint import Checkpoint, Stateful
from train.fit.divergence import Divergence
from train.fit.features import Features, cached_epoch, split_features
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
    """Train the network, or go on with a training from `scratch`; the kept weights stay in it.

    Returns what was recorded, and the epoch, counted from 1, whose weights are kept. DVCLive's
    files are written to `folder`.

    Raises:
        UserError: a loss that ran away.
    """
    steps = -(-shards.count("train") // parameters.batch_size)
    model, feed = _feed(shards, network, parameters, scratch)
    weights = _weights(shards, parameters)
    compile_training(network, model, parameters, steps * parameters.epochs, weights)
    with console.progress("probe features", None) as advance:
        probes = build_probes(shards, network, parameters, advance)
    with (
        LiveLog(folder / "dvclive") as live,
        console.progress("training", steps * parameters.epochs) as advance,
    ):
        divergence, recorder = (
            Divergence(parameters),
            Recorder(probes, parameters.batch_size, live, advance),
        )
        monitor = _monitor(shards, network, parameters, recorder, scratch)
        records: dict[str, Stateful] = {"divergence": divergence, "recorder": recorder}
        checkpoint = Checkpoint(
            scratch, network, model, records, monitor, seconds_between_checkpoints
        )
        checkpoint.resume()
        advance(checkpoint.epoch * steps + checkpoint.step)
        callbacks = [divergence, recorder, *([monitor] if monitor else []), checkpoint]
        while checkpoint.epoch < parameters.epochs and not (monitor and monitor.stopped):
            _train_epoch(model, feed, checkpoint, steps, callbacks)
    if not monitor:
        return recorder, checkpoint.epoch
    monitor.keep_best()
    return recorder, monitor.kept_epoch(checkpoint.epoch)


def _train_epoch(
    model: keras.Model,
    feed: Feed,
    checkpoint: Checkpoint,
    steps: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Train an epoch, or the rest of one, from where the checkpoint says; it says so after."""
    model.fit(
        feed(checkpoint.epoch, checkpoint.step),
        initial_epoch=checkpoint.epoch,
        epochs=checkpoint.epoch + 1,
        steps_per_epoch=steps - checkpoint.step,
        callbacks=callbacks,
        shuffle=False,  # the feed is
        verbose=0,
    )


def _feed(
    shards: Shards, network: Network, parameters: FitParameters, scratch: Path
) -> tuple[keras.Model, Feed]:
    """Choose what trains and on what: the head on features where pictures never change."""
    size, seed = parameters.batch_size, parameters.seed
    if augments(parameters):
        return network.training, lambda epoch, step: shards.training_epoch(size, seed, epoch, step)
    cached = _features(shards, network, "train", scratch)
    return network.training_on_features, lambda epoch, step: cached_epoch(
        cached, size, seed, epoch, step
    )


def _features(shards: Shards, network: Network, split: str, scratch: Path) -> Features:
    with console.progress(f"{split} features", shards.count(split)) as advance:
        return split_features(shards, network, split, scratch / split, advance)


def _weights(shards: Shards, parameters: FitParameters) -> list[float] | None:
    """Return the weight of each action unit's positives; None where all weigh the same."""
    if parameters.weight == "none":
        return None
    known = shards.labels("train")
    return inverse_weights(np.sum(known == 1, axis=0), np.sum(known == 0, axis=0))


def _monitor(
    shards: Shards, network: Network, parameters: FitParameters, recorder: Recorder, scratch: Path
) -> Monitor | None:
    if not watches(parameters):
        return None
    validation = _features(shards, network, SPLIT, scratch)
    return Monitor(parameters, network.head, validation, recorder.history)
