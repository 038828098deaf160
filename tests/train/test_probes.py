"""The probes on a small set: what they hold, what it costs, and how their draws are paired."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

from curate.base.params import Parameters
from train.data import Shards
from train.gap import probes as module
from train.gap.probes import Probes
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
    made = Probes(opened, network, parameters, counted.append)
    return made, network, sum(counted)


def test_every_frame_is_computed_once(probes):
    assert probes[2] == 30 + 6 + 12 + 48  # train, dropped, moments, people


def test_unseen_frames_are_next_to_fed_ones(probes, shards):
    made = probes[0]
    ids = Shards.open(shards).keys("train")["id"].to_list()
    fed = {tuple(name.split("/")) for name in ids[:8]}
    order = sorted(tuple(name.split("/")) for name in ids)
    unseen = {tuple(ids[position].split("/")) for position in made._chosen[2][1]}
    beside = set()
    for one, other in itertools.pairwise(order):
        if one[0] == other[0]:
            beside |= ({one} if other in fed else set()) | ({other} if one in fed else set())
    assert unseen == beside - fed
    assert 0 < len(unseen) < 22


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
    rows = made._held_out["people"]
    labels, known = made._labels[rows], made._labels[rows] >= 0
    logits = network.head(made._features[rows], training=False).numpy()
    chance = 1 / (1 + np.exp(-logits))
    by_hand = -np.log(np.where(labels == 1, chance, 1 - chance))[known].mean()
    assert made.score(2).plain["people"] == pytest.approx(by_hand, rel=1e-5)


def test_clips_are_those_of_the_frames(probes, shards):
    made = probes[0]
    assert np.bincount(made._clips[made._held_out["people"]]).tolist() == [24, 24]
    assert np.bincount(made._clips[made._held_out["moments"]]).tolist() == [6, 6]
    assert made._weights["moments"] is made._weights["seen"]
    assert made._weights["people"] is not made._weights["seen"]


@pytest.mark.parametrize(
    ("fed", "most"), [(0, 200), (13_632, 200), (144_000, 1234), (640_000, 5485)]
)
def test_probes_are_kept_to_a_share_of_what_is_fed(fed, most):
    assert module._affordable(fed) == most
