from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from train.augment import (
    FusedAugmentation,
    about_centre,
    compose,
    flip_matrix,
    rotation_matrix,
    shear_matrix,
    shift_matrix,
    transform,
    warp,
    zoom_matrix,
)

PARAMETERS = ["rotation", "shear", "zoom", "right", "down", "flip", "brightness"]
TOLERANCE = 0.01  # of 255: float32 coordinates, rounded differently


@pytest.fixture(scope="module")
def images():
    """Noise, the hardest case for interpolation; higher than wide to tell the axes apart."""
    return np.random.default_rng(0).uniform(0, 255, (4, 64, 48, 3)).astype("float32")


def transformed(images, **values):
    """Transform all images by the same named parameters; the others are zero."""
    parameters = np.zeros((len(images), 7), "float32")
    for name, value in values.items():
        parameters[:, PARAMETERS.index(name)] = value
    return transform(images, parameters).numpy()


TURN = 10 / 360
KERAS_LAYERS = {
    "rotation": (layers.RandomRotation((TURN, TURN)), {"rotation": np.radians(10)}),
    "zoom out": (layers.RandomZoom((0.2, 0.2)), {"zoom": 0.2}),
    "zoom in": (layers.RandomZoom((-0.2, -0.2)), {"zoom": -0.2}),
    "shift": (layers.RandomTranslation((0.05, 0.05), (0.1, 0.1)), {"right": 0.1, "down": 0.05}),
    "brighter": (layers.RandomBrightness((0.3, 0.3)), {"brightness": 0.3}),
    "darker": (layers.RandomBrightness((-0.3, -0.3)), {"brightness": -0.3}),
}


@pytest.mark.parametrize("case", KERAS_LAYERS)
def test_each_transformation_equals_the_keras_layer(images, case):
    layer, parameters = KERAS_LAYERS[case]
    expected = layer(images, training=True)
    np.testing.assert_allclose(transformed(images, **parameters), expected, atol=TOLERANCE)


def test_flip_equals_the_keras_layer_where_it_flipped(images):
    expected = np.asarray(layers.RandomFlip("horizontal", seed=1)(images, training=True))
    flipped = np.any(expected != images, axis=(1, 2, 3))
    assert flipped.any()
    np.testing.assert_array_equal(transformed(images, flip=-1)[flipped], expected[flipped])


def test_shear_equals_the_keras_layer_about_the_origin(images):
    """Keras shears about the top left corner, and either way at random."""
    expected = np.asarray(layers.RandomShear((0.1, 0.1), 0.0, seed=1)(images, training=True))
    angle = np.full(len(images), np.arctan(0.1), "float32")
    both = [np.asarray(warp(images, shear_matrix(sign * angle))) for sign in (1, -1)]
    for number, image in enumerate(expected):
        assert min(np.abs(image - way[number]).max() for way in both) < TOLERANCE


def test_composition_equals_one_warp_after_another_up_to_blur():
    """A smooth image hardly blurs, so that warping once and five times agree inside."""
    y, x = np.mgrid[:96, :96].astype("float32")
    smooth = 127 + 60 * np.sin(x / 15) + 60 * np.cos(y / 18)
    images = np.repeat(smooth[None, :, :, None], 3, axis=3)
    once = transformed(images, rotation=0.1, shear=0.05, zoom=-0.1, right=0.03, down=0.02, flip=-1)
    chained = transformed(images, flip=-1)
    steps = ({"zoom": -0.1}, {"shear": 0.05}, {"rotation": 0.1}, {"right": 0.03, "down": 0.02})
    for step in steps:
        chained = transformed(chained, **step)
    np.testing.assert_allclose(once[:, 20:-20, 20:-20], chained[:, 20:-20, 20:-20], atol=1)


def test_matrices_at_known_values():
    quarter = ops.convert_to_tensor([np.pi / 2], "float32")
    np.testing.assert_allclose(
        rotation_matrix(quarter)[0], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-6
    )
    np.testing.assert_allclose(
        shear_matrix(quarter / 2)[0], [[1, 1, 0], [0, 1, 0], [0, 0, 1]], atol=1e-6
    )
    np.testing.assert_array_equal(zoom_matrix(ops.ones(1) * 2)[0], np.diag([2, 2, 1]))
    np.testing.assert_array_equal(
        shift_matrix(ops.ones(1) * 3, ops.ones(1) * 4)[0], [[1, 0, -3], [0, 1, -4], [0, 0, 1]]
    )
    np.testing.assert_array_equal(
        flip_matrix(ops.convert_to_tensor([True]))[0], np.diag([-1, 1, 1])
    )


@settings(max_examples=20, deadline=None)
@given(st.floats(-3, 3), st.floats(0.2, 3), st.integers(1, 300), st.integers(1, 300))
def test_the_centre_stays_where_it_is(angle, factor, height, width):
    matrix = compose(
        rotation_matrix(ops.full((1,), angle, "float32")), zoom_matrix(ops.full((1,), factor))
    )
    centre = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    moved = np.asarray(about_centre(matrix, height, width))[0] @ centre
    np.testing.assert_allclose(moved, centre, atol=1e-3)


def test_zero_magnitudes_and_inference_change_nothing(images):
    np.testing.assert_array_equal(FusedAugmentation()(images, training=True), images)
    np.testing.assert_array_equal(FusedAugmentation(rotation=30)(images, training=False), images)
    np.testing.assert_array_equal(FusedAugmentation(rotation=30)(images), images)


def test_brightness_alone_moves_no_pixel(images):
    result = np.asarray(FusedAugmentation(brightness=0.2, seed=0)(images, training=True))
    for before, after in zip(images, result, strict=True):
        inside = (after > 0) & (after < 255)
        assert np.ptp((after - before)[inside]) < 1e-3


def every_kind(seed=7):
    return FusedAugmentation(10, 5, 0.1, 0.05, True, 0.15, seed=seed)


def test_same_seed_same_sequence_and_each_step_differs(images):
    first, second = every_kind(), every_kind()
    sequences = [[np.asarray(a(images, training=True)) for _ in range(2)] for a in (first, second)]
    np.testing.assert_array_equal(sequences[0], sequences[1])
    assert not np.array_equal(sequences[0][0], sequences[0][1])
    assert not np.array_equal(sequences[0][0], every_kind(8)(images, training=True))


def test_images_of_a_batch_are_drawn_apart(images):
    same = np.repeat(images[:1], 4, axis=0)
    result = np.asarray(every_kind()(same, training=True))
    assert len(np.unique(result.reshape(4, -1), axis=0)) == 4


def test_bytes_come_out_as_float32_within_0_and_255(images):
    result = FusedAugmentation(brightness=1.0, seed=0)(images.astype("uint8"), training=True)
    assert result.dtype == "float32"
    assert float(ops.min(result)) >= 0
    assert float(ops.max(result)) <= 255


def test_runs_in_a_model_graph_with_any_batch_size_and_survives_saving(images, tmp_path):
    model = keras.Sequential([keras.Input((64, 48, 3)), every_kind()])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_config() == model.layers[0].get_config()

    @tf.function
    def step(network, batch):
        return network(batch, training=True)

    for size in (4, 3):
        expected = step(model, images[:size])
        np.testing.assert_allclose(step(loaded, images[:size]), expected, atol=TOLERANCE)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), images)


def test_half_precision_policy_keeps_float32_coordinates(images):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert every_kind()(images, training=True).dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("magnitudes", [{"rotation": -1}, {"shear": 90}, {"zoom": 1}])
def test_magnitudes_out_of_range_are_refused(magnitudes):
    with pytest.raises(ValueError, match="at least 0, shear under 90, zoom under 1"):
        FusedAugmentation(**magnitudes)
