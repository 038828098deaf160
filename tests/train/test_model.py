"""The network, on any Keras backend; `test_model_file.py` tests the file it is saved in."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from curate.base.params import Parameters
from train.fit.optimizer import compile_training
from train.model.network import augments, build_network

UNITS = 2


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A backbone of two blocks with batch normalisation."""
    images = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    for number in (1, 2):
        x = keras.layers.Conv2D(4, 3, strides=2, name=f"block{number}_conv")(x)
        x = keras.layers.BatchNormalization(name=f"block{number}_norm")(x)
    path = tmp_path_factory.mktemp("backbone") / "two.keras"
    keras.Model(images, x).save(path)
    return str(path)


@pytest.fixture
def parameters(backbone):
    def make(**given):
        return Parameters(**{"backbone": backbone, "units": [8], "lr": 0.01, "seed": 1} | given)

    return make


def pictures(frames=6):
    return np.random.default_rng(0).uniform(0, 255, (frames, 16, 16, 3)).astype("float32")


@pytest.mark.parametrize("unfreeze", [0, 1, 2])
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_its_sides_agree(parameters, unfreeze, precision):
    network = build_network(UNITS, 16, parameters(unfreeze=unfreeze), precision)
    features = network.backbone(pictures(), training=False)
    assert keras.backend.standardize_dtype(features.dtype) == "float32"
    logits = np.asarray(network.head(features, training=False))
    assert logits.dtype == "float32"
    np.testing.assert_array_equal(network.training(pictures(), training=False), logits)
    np.testing.assert_array_equal(network.training_on_features(features, training=False), logits)
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(network.inference(pictures(), training=False), expected, rtol=1e-5)


def test_only_the_training_graph_augments(parameters):
    network = build_network(UNITS, 16, parameters(brightness=1, dropout=0))
    before = np.asarray(network.inference(pictures(), training=False))
    np.testing.assert_array_equal(network.inference(pictures(), training=True), before)
    fed = [np.asarray(network.training(pictures(), training=True)) for _ in range(2)]
    assert not np.array_equal(*fed)


def test_without_dense_layers_features_lead_straight_to_logits(parameters):
    head = build_network(UNITS, 16, parameters(units=[], dropout=0.2)).head
    assert [layer.name for layer in head.layers] == ["dropout_1", "logits"]


def values(variables):
    """Copy the values of variables, by the last two parts of their paths."""
    return {"/".join(v.path.split("/")[-2:]): keras.ops.convert_to_numpy(v) for v in variables}


@pytest.mark.parametrize("unfreeze", [0, 1])
def test_a_step_moves_what_is_to_train(parameters, unfreeze):
    chosen = parameters(unfreeze=unfreeze)
    network = build_network(UNITS, 16, chosen)
    compile_training(network, network.training, chosen, 10)
    before = values(network.training.weights)
    labels = np.array([[1, 0], [0, 1], [-1, 1], [1, -1], [0, 0], [1, 1]], "int8")
    network.training.train_on_batch(pictures(), labels)
    after = values(network.training.weights)
    expected = {"dense_1/kernel", "dense_1/bias", "logits/kernel", "logits/bias"}
    expected |= {"block2_conv/kernel", "block2_conv/bias"} if unfreeze else set()
    assert {name for name in after if not np.array_equal(before[name], after[name])} == expected


def test_fine_tuned_blocks_have_their_own_rate(parameters):
    """Adam's first step moves every weight by its rate, but where the gradient is nearly 0."""
    chosen = parameters(unfreeze=1, unfreeze_lr=0.0001, dropout=0)
    network = build_network(UNITS, 16, chosen)
    compile_training(network, network.training, chosen, 10)
    before = values(network.training.trainable_variables)
    network.training.train_on_batch(pictures(), np.ones((6, 2), "int8"))
    after = values(network.training.trainable_variables)
    steps = {name: np.abs(after[name] - before[name]).max() for name in after}
    assert steps["logits/kernel"] == pytest.approx(0.01, rel=1e-2)
    assert steps["block2_conv/kernel"] == pytest.approx(0.0001, rel=1e-2)


@pytest.mark.parametrize("given", [{"flip": True}, {"rotation": 1}, {"brightness": 0.1}])
def test_any_augmentation_changes_pictures(parameters, given):
    still = {"rotation": 0, "shear": 0, "zoom": 0, "shift": 0, "flip": False, "brightness": 0}
    assert not augments(parameters(**still))
    assert augments(parameters(**still | given))
