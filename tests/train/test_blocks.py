"""Blocks of pretrained networks, and the cut before those that are fine-tuned."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from curate.base.errors import UserError
from train.model.blocks import find_blocks, unfreeze_last
from train.model.lite0 import lite0_features


def application(name):
    return getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg"
    )


@pytest.mark.parametrize(
    ("build", "blocks", "last"),
    [
        (lambda: lite0_features(32), 18, "head"),
        (lambda: application("MobileNetV2"), 18, "Conv_1"),
        (lambda: application("VGG16"), 5, "block5_conv1"),
        (lambda: application("EfficientNetB0"), 18, "top_conv"),
        (lambda: application("MobileNet"), 27, "conv_pw_13"),
    ],
    ids=["lite0", "MobileNetV2", "VGG16", "EfficientNetB0", "MobileNet"],
)
def test_a_block_is_what_its_authors_call_so(build, blocks, last):
    found = find_blocks(build())
    assert len(found) == blocks
    assert found[-1][0].name == last


def branching():
    """Two blocks, the second of which adds what goes round it; a third that reads the pixels."""
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="block1_conv")(images)
    around = x
    x = keras.layers.Conv2D(4, 3, padding="same", name="block2_conv")(x)
    x = keras.layers.BatchNormalization(name="block2_norm")(x)
    x = keras.layers.Add(name="block2_add")([x, around])
    x = keras.layers.Conv2D(4, 3, padding="same", name="block3_conv")(x)
    return images, keras.layers.GlobalAveragePooling2D()(x)


@pytest.mark.parametrize(
    ("blocks", "trained"),
    [
        (1, ["block3_conv"]),
        (2, ["block2_conv", "block3_conv"]),
        (3, ["block1_conv", "block2_conv", "block3_conv"]),
    ],
)
def test_the_two_parts_are_the_network_and_the_last_blocks_train(blocks, trained):
    network = keras.Model(*branching())
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    expected = np.asarray(network(pictures, training=False))
    before, after = unfreeze_last(network, blocks, "it")
    np.testing.assert_array_equal(after(before(pictures)), expected)
    assert before.trainable_variables == []
    assert [layer.name for layer in after.layers if layer.trainable_variables] == trained


def test_a_path_round_a_block_moves_the_cut_before_it():
    images, features = branching()
    last = keras.layers.Conv2D(2, 1, name="block4_conv")(images)
    pooled = keras.layers.GlobalAveragePooling2D()(last)
    network = keras.Model(images, keras.layers.Concatenate()([features, pooled]))
    before, after = unfreeze_last(network, 1, "it")
    assert before.weights == []  # everything hangs on the pixels, through two ways
    assert [layer.name for layer in after.layers if layer.trainable_variables] == ["block4_conv"]


def test_layers_of_other_names_are_counted_by_their_weights():
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(2, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2D(2, 3),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    kinds = [[type(layer).__name__ for layer in block] for block in find_blocks(network)]
    assert kinds == [["Conv2D", "BatchNormalization", "ReLU"], ["Conv2D", "GlobalAveragePooling2D"]]
    before, after = unfreeze_last(network, 1, "it")
    assert before.output_shape == (None, 6, 6, 2)
    assert len(after.trainable_variables) == 2


def test_more_blocks_than_there_are_is_told():
    network = keras.Model(*branching())
    with pytest.raises(UserError, match="unfreeze: 4 is more than the 3 blocks of mine; lower it"):
        unfreeze_last(network, 4, "mine")


def test_a_network_without_weights_has_nothing_to_fine_tune():
    images = keras.Input((8, 8, 3))
    network = keras.Model(images, keras.layers.AveragePooling2D(4)(images))
    sentence = "unfreeze: mine has no layer with weights to fine-tune; set unfreeze to 0"
    with pytest.raises(UserError, match=sentence):
        unfreeze_last(network, 1, "mine")


@pytest.mark.parametrize("side", [8, None], ids=["fixed", "any"])
def test_a_loaded_network_is_cut_before_its_last_blocks(side, tmp_path):
    """Loaded, the layers of a Sequential stand in more graphs than one."""
    keras.Sequential(
        [
            keras.Input((side, side, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.Conv2D(5, 3),
            keras.layers.Conv2D(6, 3),
            keras.layers.GlobalAveragePooling2D(),
        ]
    ).save(tmp_path / "own.keras")
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    for blocks, shape in ((1, (4, 4, 5)), (2, (6, 6, 4)), (3, (8, 8, 3))):
        network = keras.saving.load_model(tmp_path / "own.keras")
        expected = np.asarray(network(pictures))
        before, after = unfreeze_last(network, blocks, "it")
        activations = before(keras.Input((8, 8, 3)))
        assert activations.shape == (None, *shape)
        assert len(after.trainable_variables) == 2 * blocks
        np.testing.assert_allclose(after(before(pictures)), expected, rtol=1e-5)


def test_a_model_within_the_network_is_not_cut_open():
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)], name="inner")
    images = keras.Input((8, 8, 3), name="images")
    features = keras.layers.Dense(2)(keras.layers.Flatten()(inner(images)))
    before, after = unfreeze_last(keras.Model(images, features), 1, "it")
    assert before.output_shape == (None, 6 * 6 * 4)
    assert len(after.trainable_variables) == 2
