"""The probes on a small set: what they hold, what it costs, and how their draws are paired."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from curate.base.params import Parameters
from train.data import Shards
from train.gap.probes import build_probes
from train.model.network import build_network


@pytest.fixture(scope="module")
def probes(shards, tmp_path_factory):
    images = keras.Input((32, 32, 3))
    small = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(images))
    path = tmp_path_factory.mktemp("backbone") / "quarters.keras"
    keras.Model(images, keras.layers.Flatten()(small)).save(path)
    parameters = Parameters(backbone=str(path), units=[8], batch_size=4, epochs=2, probe_frames=50)
    opened = Shards.open(shards)
    keras.utils.set_random_seed(0)
    network = build_network(len(opened.action_units), opened.image_size, parameters)
    counted: list[int] = []
    made = build_probes(opened, network, parameters, counted.append)
    return made, network, sum(counted)


def test_every_frame_is_computed_once(probes):
    assert probes[2] == 30 + 6 + 12 + 48  # train, dropped, moments, people


def test_seen_and_the_held_out_are_counted(probes):
    scores = probes[0].score(2)
    counted = {name: scores.frames[name] for name in ("seen", "dropped", "moments", "people")}
    assert counted == {"seen": 8, "dropped": 6, "moments": 12, "people": 48}
    scores = probes[0].score(8)
    assert (scores.frames["seen"], scores.frames["unseen"]) == (30, 0)
    assert scores.losses["unseen"] is None
    assert scores.plain["unseen"] is None


def test_a_plain_loss_is_that_of_the_head(probes, shards):
    made, network, _ = probes
    rows = made.rows[2]["people"]
    labels, known = made.labels[rows], made.labels[rows] >= 0
    logits = network.head(made.features[rows], training=False).numpy()
    chance = 1 / (1 + np.exp(-logits))
    by_hand = -np.log(np.where(labels == 1, chance, 1 - chance))[known].mean()
    assert made.score(2).plain["people"] == pytest.approx(by_hand, rel=1e-5)


def test_clips_are_those_of_the_frames(probes, shards):
    made = probes[0]
    assert np.bincount(made.clips[made.rows[2]["people"]]).tolist() == [24, 24]
    assert np.bincount(made.clips[made.rows[2]["moments"]]).tolist() == [6, 6]
    assert made.weights["moments"] is made.weights["seen"]
    assert made.weights["people"] is not made.weights["seen"]
