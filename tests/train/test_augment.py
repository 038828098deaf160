from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from train.model.augment import (
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
    return np.random.default_rng(0).uniform(0, 255, (12, 64, 48, 3)).astype("float32")


def transformed(images, **values):
    """Transform images by named parameters, one for all or one each; the others are zero."""
    parameters = np.zeros((len(images), 7), "float32")
    for name, value in values.items():
        parameters[:, PARAMETERS.index(name)] = value
    return np.asarray(transform(images, parameters))


def column(drawn):
    return np.asarray(drawn).reshape(-1)


# A Keras layer that draws far, so that much of the mirrored border shows, and how the parameters
# that it drew are written here.
KERAS_LAYERS = {
    "rotation": (
        layers.RandomRotation(0.5, seed=1),
        lambda drawn: {"rotation": np.radians(column(drawn["angle"]))},
    ),
    "zoom": (
        layers.RandomZoom((-0.6, 0.6), seed=1),
        lambda drawn: {"zoom": column(drawn["height_zoom"]) - 1},
    ),
    "shift": (
        layers.RandomTranslation(0.5, 0.5, seed=1),
        lambda drawn: {
            "right": np.asarray(drawn["translations"])[:, 0] / 48,
            "down": np.asarray(drawn["translations"])[:, 1] / 64,
        },
    ),
    "flip": (
        layers.RandomFlip("horizontal", seed=1),
        lambda drawn: {"flip": np.where(column(drawn["flips"]), -1, 1)},
    ),
    "brightness": (
        layers.RandomBrightness(0.5, seed=1),
        lambda drawn: {"brightness": column(drawn["rgb_delta"]) / 255},
    ),
}


@pytest.mark.parametrize("kind", KERAS_LAYERS)
def test_each_kind_equals_the_keras_layer_for_the_parameters_that_it_drew(images, kind):
    """Everywhere: in the middle, and in the border that is mirrored in."""
    layer, as_parameters = KERAS_LAYERS[kind]
    drawn = layer.get_random_transformation(images, training=True)
    expected = np.asarray(layer.transform_images(images, drawn, training=True))
    parameters = as_parameters(drawn)
    assert all(len(np.unique(values)) > 1 for values in parameters.values())
    np.testing.assert_allclose(transformed(images, **parameters), expected, atol=TOLERANCE)


def keras_shear(images):
    """Shear by Keras, which does so about the top left corner; return also the angles drawn."""
    layer = layers.RandomShear((0.1, 0.6), 0.0, seed=1)
    drawn = layer.get_random_transformation(images, training=True)
    sheared = np.asarray(layer.transform_images(images, drawn, training=True))
    return sheared, np.arctan(np.asarray(drawn["shear_factor"])[:, 0])


def test_shear_equals_the_keras_layer_about_its_corner(images):
    expected, angles = keras_shear(images)
    assert angles.min() < 0 < angles.max()
    np.testing.assert_allclose(
        np.asarray(warp(images, shear_matrix(angles))), expected, atol=TOLERANCE
    )


def test_shear_about_the_centre_is_the_keras_layer_and_a_shift(images):
    """About the corner a shear would move the whole face; the shift takes that back."""
    _, angles = keras_shear(images)
    slant = np.tan(angles)
    zero, one = np.zeros_like(slant), np.ones_like(slant)
    offset = -slant * (images.shape[1] - 1) / 2
    matrix = np.stack([one, slant, offset, zero, one, zero, zero, zero], axis=1)
    expected = ops.image.affine_transform(images, matrix, fill_mode="reflect")
    np.testing.assert_allclose(transformed(images, shear=angles), expected, atol=TOLERANCE)


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


def test_draws_span_the_magnitudes_and_no_more(images):
    """Brightness is drawn as the others are, and read off exactly."""
    gray = np.full((512, 4, 4, 3), 100, "float32")
    result = np.asarray(FusedAugmentation(brightness=0.2, seed=0)(gray, training=True))
    added = (result[:, 0, 0, 0] - 100) / 255
    assert -0.2 <= added.min() < -0.19
    assert 0.19 < added.max() <= 0.2
    assert abs(added.mean()) < 0.02


def test_half_of_the_images_are_flipped():
    ramp = np.broadcast_to(np.arange(8, dtype="float32")[:, None], (512, 4, 8, 3))
    result = np.asarray(FusedAugmentation(flip=True, seed=0)(ramp, training=True))
    flipped = np.all(result == ramp[:, :, ::-1], axis=(1, 2, 3))
    assert np.all(flipped ^ np.all(result == ramp, axis=(1, 2, 3)))
    assert 0.4 < flipped.mean() < 0.6


def test_bytes_come_out_as_float32_within_0_and_255(images):
    result = FusedAugmentation(brightness=1.0, seed=0)(images.astype("uint8"), training=True)
    assert result.dtype == "float32"
    assert float(ops.min(result)) >= 0
    assert float(ops.max(result)) <= 255


class Mean(keras.losses.Loss):
    """The mean of what a model answers: it shows what a compiled step fed it."""

    def call(self, y_true, y_pred):
        return ops.mean(y_pred)


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_runs_in_a_compiled_step_with_any_batch_size(images):
    """The same draws within a compiled training step as outside."""
    model = keras.Sequential([keras.Input((64, 48, 3)), every_kind()])
    model.compile(loss=Mean())
    alone = every_kind()
    for size in (4, 3):
        batch = images[:size]
        shown = model.train_on_batch(batch, np.zeros((size, 1)), return_dict=True)["loss"]
        expected = np.asarray(alone(batch, training=True)).mean()
        assert float(shown) == pytest.approx(expected, rel=1e-5)


def test_survives_saving_and_infers_unchanged(images, tmp_path):
    model = keras.Sequential([keras.Input((64, 48, 3)), every_kind()])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_config() == model.layers[0].get_config()
    before, after = (np.asarray(m(images, training=True)) for m in (model, loaded))
    np.testing.assert_allclose(after, before, atol=TOLERANCE)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), images)


def test_half_precision_policy_keeps_float32_coordinates(images):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert (
            keras.backend.standardize_dtype(every_kind()(images, training=True).dtype) == "float32"
        )
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("magnitudes", [{"rotation": -1}, {"shear": 90}, {"zoom": 1}])
def test_magnitudes_out_of_range_are_refused(magnitudes):
    with pytest.raises(ValueError, match="at least 0, shear under 90, zoom under 1"):
        FusedAugmentation(**magnitudes)
