"""Stage `fit`: train, score the five probes on the way, keep the weights, choose thresholds."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from curate.base.errors import UserError
from curate.base.files import atomic_folder
from curate.base.stage_params import FitParameters
from train.data import Shards
from train.fit.augment_samples import write_samples
from train.fit.checkpoint import fingerprint, open_folder
from train.fit.label_gaps import require_known, threshold_notes, training_notes
from train.fit.loop import train
from train.fit.monitor import SPLIT, check_validation, watches
from train.gap.verdict import Gap
from train.metrics.scores import choose_thresholds
from train.model.file import MODEL, Description, write_model
from train.model.network import build_network

logger = logging.getLogger(__name__)
FILES = (
    *(MODEL, "gap.json", "metrics.json", "probes.csv", "history.csv", "augmented.jpg"),
    *("dvclive", "tensorboard"),
)
# The most that a killed training has to do again. Writing takes some 50 ms at the default units.
SECONDS_BETWEEN_CHECKPOINTS = 10.0


def fit_stage(
    shards: Path,
    output: Path,
    parameters: FitParameters,
    seconds_between_checkpoints: float = SECONDS_BETWEEN_CHECKPOINTS,
) -> list[Gap]:
    """Train from `shards` and write model, history, probes and gap to `output`, whole.

    A run that was killed is resumed, and ends as it would have ended.

    Raises:
        UserError: no or damaged shards, no known label, an unknown backbone, or a loss that ran
            away.
    """
    keras.utils.set_random_seed(parameters.seed)
    tf.config.experimental.enable_op_determinism()
    opened = Shards.open(shards)
    with opened.readable_errors():
        if watches(parameters.monitor, parameters.patience):
            check_validation(opened.labels(SPLIT), parameters.monitor)
        notes = _notes(opened)
    scratch = open_folder(output, fingerprint(shards, parameters))
    try:
        with atomic_folder(output, *FILES) as building, opened.readable_errors():
            gaps = _fit(opened, parameters, notes, building, scratch, seconds_between_checkpoints)
    except UserError:  # resumed, it would come again
        shutil.rmtree(scratch)
        raise
    shutil.rmtree(scratch)
    return gaps


def _notes(shards: Shards) -> list[str]:
    """Log, and return, what the labels cannot teach, and what the shards do not tell."""
    training, moments = (shards.labels(split) for split in ("train", "moments"))
    require_known(shards.folder, training)
    names = shards.action_units
    notes = [*training_notes(names, training), *threshold_notes(names, moments)]
    if shards.crop is None:
        notes.append(
            "the shards do not say how their frames were cut (crop), so neither does the model; "
            "make frames and shards again to have it recorded"
        )
    for sentence in notes:
        logger.warning(sentence)
    return notes


def _fit(
    shards: Shards,
    parameters: FitParameters,
    notes: list[str],
    building: Path,
    scratch: Path,
    seconds: float,
) -> list[Gap]:
    names, side = shards.action_units, shards.image_size
    precision = number_format(parameters)
    network = build_network(len(names), side, parameters, precision)
    recorder, kept_epoch = train(shards, network, parameters, building, scratch, seconds)
    inference = network.inference
    if precision != "float32":  # the file is for any machine
        inference = build_network(len(names), side, parameters).inference
        inference.set_weights(network.inference.get_weights())
    description = Description(
        action_units=tuple(names),
        thresholds=tuple(choose_thresholds(*shards.outputs(inference, "moments")).tolist()),
        image_size=side,
        crop=shards.crop,
        notes=tuple(notes),
    )
    write_model(inference, description, building / MODEL)
    write_samples(shards, parameters, building / "augmented.jpg")
    verdict = recorder.write(building, kept_epoch)
    return [verdict.early, verdict.final]


def number_format(parameters: FitParameters) -> str:
    """Name the Keras dtype policy to train in: half precision on a GPU, unless it is chosen."""
    if parameters.precision != "auto":
        return parameters.precision
    return "mixed_float16" if tf.config.list_physical_devices("GPU") else "float32"
