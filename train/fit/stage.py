"""Stage `fit`: train, score the five probes on the way, keep the weights, choose thresholds."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

from curate.base.console import Summary
from curate.base.errors import UserError
from curate.base.files import atomic_folder
from curate.base.stage_params import FitParameters
from train.data import Shards
from train.fit.augmented_sheet_writing import write_samples
from train.fit.checkpoint import fingerprint, open_folder
from train.fit.label_gaps import require_known, threshold_notes, training_notes
from train.fit.loop import train
from train.fit.monitor import SPLIT, check_validation, watches
from train.gap.verdict import summarize
from train.metrics.scores import choose_thresholds
from train.model.file import MODEL, Description, write_model
from train.model.network import Network, build_network

logger = logging.getLogger(__name__)
FILES = (
    *(MODEL, "gap.json", "metrics.json", "probes.csv", "history.csv", "augmented.jpg"),
    *("dvclive", "tensorboard"),
)
# The most that a killed training has to do again. Writing takes some 50 ms at the default units.
SECONDS_BETWEEN_CHECKPOINTS = 10.0


def run(
    shards: Path,
    output: Path,
    parameters: FitParameters,
    *,
    seconds_between_checkpoints: float = SECONDS_BETWEEN_CHECKPOINTS,
) -> Summary:
    """Train from `shards`; write model, history, probes and gap to `output`, or nothing of them.

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
        notes = label_notes(opened)
    scratch = open_folder(output, fingerprint(shards, parameters))
    try:
        with atomic_folder(output, *FILES) as building, opened.readable_errors():
            network = build_network(
                len(opened.action_units),
                opened.image_size,
                parameters,
                number_format(parameters.precision),
            )
            recorder, kept_epoch = train(
                opened, network, parameters, building, scratch, seconds_between_checkpoints
            )
            inference = full_precision(network, opened, parameters)
            write_model(inference, describe(inference, opened, notes), building / MODEL)
            write_samples(opened, parameters, building / "augmented.jpg")
            verdict = recorder.write(building, kept_epoch)
    except UserError:  # resumed, it would come again
        shutil.rmtree(scratch)
        raise
    shutil.rmtree(scratch)
    return summarize(output, verdict)


def label_notes(shards: Shards) -> list[str]:
    """Log, and return, what the labels cannot teach, and what the shards do not tell.

    Raises:
        UserError: no frame to train on, or none with a known label.
    """
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


def number_format(precision: Literal["auto", "float32", "mixed_float16"]) -> str:
    """Name the Keras dtype policy to train in: half precision on a GPU, unless it is chosen."""
    if precision != "auto":
        return precision
    return "mixed_float16" if tf.config.list_physical_devices("GPU") else "float32"


def full_precision(network: Network, shards: Shards, parameters: FitParameters) -> keras.Model:
    """Return the network for inference in float32: its file is for any machine."""
    if network.inference.dtype_policy.name == "float32":
        return network.inference
    same = build_network(len(shards.action_units), shards.image_size, parameters).inference
    same.set_weights(network.inference.get_weights())
    return same


def describe(model: keras.Model, shards: Shards, notes: Sequence[str]) -> Description:
    """Choose the model's thresholds on held-out moments, and describe what it takes and gives."""
    thresholds = choose_thresholds(*shards.outputs(model, "moments"))
    return Description(
        action_units=tuple(shards.action_units),
        thresholds=tuple(thresholds.tolist()),
        image_size=shards.image_size,
        crop=shards.crop,
        notes=tuple(notes),
    )
