from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from train.loss import (
    MaskedBinaryCrossentropy,
    masked_cross_entropy,
    masked_cross_entropy_from_logits,
)


@pytest.fixture
def batch():
    """Fully known labels, and logits, of 16 frames and 5 action units."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (16, 5)).astype("int8")
    return labels, rng.normal(0, 3, (16, 5)).astype("float32")


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def test_known_labels_agree_with_keras(batch):
    labels, logits = batch
    expected = float(keras.losses.BinaryCrossentropy(from_logits=True)(labels, logits))
    from_logits = MaskedBinaryCrossentropy(from_logits=True)(labels, logits)
    from_probabilities = MaskedBinaryCrossentropy()(labels, sigmoid(logits))
    assert float(from_logits) == pytest.approx(expected, abs=1e-6)
    assert float(from_probabilities) == pytest.approx(expected, abs=1e-5)


def test_some_unknown_agrees_with_sklearn_on_the_known(batch):
    labels, logits = batch
    labels[::2, 1:3] = -1
    known = labels >= 0
    expected = log_loss(labels[known], sigmoid(logits)[known])
    assert float(MaskedBinaryCrossentropy()(labels, sigmoid(logits))) == pytest.approx(
        expected, abs=1e-5
    )


def test_elementwise_loss_is_zero_and_masked_where_unknown():
    loss, known = masked_cross_entropy(
        np.array([[1, 0, -1]], "int8"), np.array([[0.25, 0.25, 0.9]], "float32")
    )
    np.testing.assert_array_equal(known, [[1, 1, 0]])
    np.testing.assert_allclose(loss, [[-np.log(0.25), -np.log(0.75), 0]], rtol=1e-6)


@pytest.mark.parametrize("from_logits", [False, True], ids=["probabilities", "logits"])
def test_all_unknown_gives_zero_and_a_zero_gradient(from_logits):
    predictions = tf.Variable([[0.0, 0.5, 1.0]])
    with tf.GradientTape() as tape:
        loss = MaskedBinaryCrossentropy(from_logits)(-np.ones((1, 3), "float32"), predictions)
    assert float(loss) == 0
    np.testing.assert_array_equal(tape.gradient(loss, predictions), [[0, 0, 0]])


def test_a_confident_mistake_stays_finite():
    loss, _ = masked_cross_entropy_from_logits(np.array([1.0, 0.0]), np.array([-1000.0, 1000.0]))
    np.testing.assert_allclose(loss, [1000, 1000])
    loss, _ = masked_cross_entropy(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(loss, [16.118, 16.118], rtol=0.02)


def test_the_gradient_is_that_of_the_known_labels_alone():
    logits = tf.Variable([[0.0, 2.0, 0.0]])
    with tf.GradientTape() as tape:
        loss = MaskedBinaryCrossentropy(from_logits=True)(np.array([[1, 0, -1]]), logits)
    expected = [[(0.5 - 1) / 2, sigmoid(2.0) / 2, 0]]
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, rtol=1e-5)


def test_fit_and_reload_with_the_registered_class(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="sigmoid")])
    model.compile("sgd", loss=MaskedBinaryCrossentropy())
    frames, labels = np.ones((8, 4), "float32"), np.full((8, 2), -1, "int8")
    labels[0] = 1
    before = model.evaluate(frames, labels, batch_size=8, verbose=0)
    model.fit(frames, labels, epochs=3, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.loss, MaskedBinaryCrossentropy)
    assert loaded.evaluate(frames, labels, batch_size=8, verbose=0) < before
