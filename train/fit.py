"""Stage `fit`: train the head on the frozen backbone, and score the five probes on the way."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import tensorflow as tf
from dvclive import Live

from curate import console
from curate.params import Parameters
from curate.table import whole_folder
from train.data import Builder, action_units, count, image_size, open_shards, training_pipeline
from train.model import Network, build_network, save_network
from train.probes import Probes
from train.recorder import Recorder, write_scores
from train.verdict import Gap


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
