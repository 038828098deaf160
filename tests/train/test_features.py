"""Features computed once: those of the frozen part, fed in the order of the pictures."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from curate.base.params import Parameters
from train.data import Shards
from train.fit.features import cached_epoch, split_features
from train.model.network import build_network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    images = keras.Input((32, 32, 3))
    small = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(images))
    path = tmp_path_factory.mktemp("backbone") / "quarters.keras"
    keras.Model(images, keras.layers.Flatten()(small)).save(path)
    return build_network(2, 32, Parameters(backbone=str(path), units=[4]))


@pytest.fixture
def cached(shards, network, tmp_path):
    counted = []
    cached = split_features(Shards.open(shards), network, "train", tmp_path / "it", counted.append)
    assert sum(counted) == len(cached.labels) == 30
    return cached


@pytest.mark.parametrize(("epoch", "first_step"), [(0, 0), (1, 0), (2, 3)])
def test_the_batches_are_those_of_the_pictures(shards, network, cached, epoch, first_step):
    pictures = list(Shards.open(shards).training_epoch(7, 5, epoch, first_step))
    features = list(cached_epoch(cached, 7, 5, epoch, first_step))
    assert len(pictures) == len(features) == 5 - first_step
    for (images, labels), (batch, known) in zip(pictures, features, strict=True):
        np.testing.assert_array_equal(known, labels)
        np.testing.assert_allclose(batch, network.backbone(np.float32(images)), rtol=1e-5)


def test_what_is_there_is_not_computed_again(shards, network, cached, tmp_path):
    counted = []
    again = split_features(Shards.open(shards), network, "train", tmp_path / "it", counted.append)
    assert counted == []
    np.testing.assert_array_equal(again.features, cached.features)
    np.testing.assert_array_equal(again.labels, cached.labels)
