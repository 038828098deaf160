"""Stage `fit`: train, score the five probes on the way, keep the weights, choose thresholds."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import tensorflow as tf

from curate.errors import UserError
from curate.params import Parameters
from curate.whole import whole_folder
from train.augment_samples import write_samples
from train.checkpoint import fingerprint, open_folder
from train.data import (
    Builder,
    action_units,
    damage_told,
    image_size,
    open_shards,
    outputs,
)
from train.model import build_network, set_thresholds
from train.monitor import watches
from train.recorder import write_scores
from train.saving import save_network
from train.thresholds import choose
from train.training import train
from train.verdict import Gap

# The most that a killed training has to do again. Writing takes some 50 ms at the default units.
SECONDS_BETWEEN_CHECKPOINTS = 10.0


def fit_stage(
    shards: Path,
    output: Path,
    parameters: Parameters,
    seconds_between_checkpoints: float = SECONDS_BETWEEN_CHECKPOINTS,
) -> list[Gap]:
    """Train from `shards` and write model, history, probes and gap to `output`, whole.

    A run that was killed is gone on with, and ends as it would have ended.

    Raises:
        UserError: no or damaged shards, an unknown backbone, or a loss that ran away.
    """
    keras.utils.set_random_seed(parameters.seed)
    tf.config.experimental.enable_op_determinism()
    builder = open_shards(shards)
    with damage_told(builder):
        watches(builder, parameters)
    scratch = open_folder(output, fingerprint(shards, parameters))
    try:
        with whole_folder(output, "model.keras") as building, damage_told(builder):
            gaps = _fit(builder, parameters, building, scratch, seconds_between_checkpoints)
    except UserError:  # gone on with, it would come again
        shutil.rmtree(scratch)
        raise
    shutil.rmtree(scratch)
    return gaps


def _fit(
    builder: Builder, parameters: Parameters, building: Path, scratch: Path, seconds: float
) -> list[Gap]:
    names, side = action_units(builder), image_size(builder)
    precision = number_format(parameters)
    network = build_network(names, side, parameters, precision)
    recorder, kept_epoch = train(builder, network, parameters, building, scratch, seconds)
    whole = network.whole
    if precision != "float32":  # the file is for any machine
        whole = build_network(names, side, parameters).whole
        whole.set_weights(network.whole.get_weights())
    set_thresholds(whole, choose(*outputs(builder, whole, "moments")).tolist())
    save_network(whole, building / "model.keras")
    write_samples(builder, parameters, building / "augmented.jpg")
    return write_scores(recorder.scores, recorder.history, building, kept_epoch)


def number_format(parameters: Parameters) -> str:
    """Name the Keras dtype policy to train in: half precision on a GPU, unless it is chosen."""
    if parameters.precision != "auto":
        return parameters.precision
    return "mixed_float16" if tf.config.list_physical_devices("GPU") else "float32"
