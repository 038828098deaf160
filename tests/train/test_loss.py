from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from train.metrics.loss import (
    MaskedBinaryCrossentropy,
    inverse_weights,
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


def gradient(loss, labels, predictions):
    """Read the gradient of a loss off one step of plain descent at rate 1, on any backend."""
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(predictions.shape[1], use_bias=False)]
    )
    model.set_weights([predictions])
    model.compile(keras.optimizers.SGD(1.0), loss=loss, jit_compile=False)
    model.train_on_batch(np.ones((1, 1), "float32"), labels)
    return predictions - model.get_weights()[0]


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
    labels, predictions = -np.ones((1, 3), "float32"), np.array([[0.0, 0.5, 1.0]], "float32")
    loss = MaskedBinaryCrossentropy(from_logits)
    assert float(loss(labels, predictions)) == 0
    np.testing.assert_array_equal(gradient(loss, labels, predictions), [[0, 0, 0]])


def test_a_confident_mistake_stays_finite():
    loss, _ = masked_cross_entropy_from_logits(np.array([1.0, 0.0]), np.array([-1000.0, 1000.0]))
    np.testing.assert_allclose(loss, [1000, 1000])
    loss, _ = masked_cross_entropy(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(loss, [16.118, 16.118], rtol=0.02)


def test_the_gradient_is_that_of_the_known_labels_alone():
    labels, logits = np.array([[1, 0, -1]], "int8"), np.array([[0.0, 2.0, 0.0]], "float32")
    expected = [[(0.5 - 1) / 2, sigmoid(2.0) / 2, 0]]
    result = gradient(MaskedBinaryCrossentropy(from_logits=True), labels, logits)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-7)


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


def test_weights_of_present_labels_agree_with_scikit_learn():
    """Its sample weights, but for the divisor: the number of labels, not the sum of weights."""
    rng = np.random.default_rng(5)
    labels, logits = rng.integers(0, 2, (6, 3)), rng.normal(0, 2, (6, 3)).astype("float32")
    weights = [0.5, 1.0, 4.0]
    expected = log_loss(
        labels.ravel(),
        sigmoid(logits).ravel(),
        sample_weight=np.where(labels == 1, weights, 1.0).ravel(),
        normalize=False,
    )
    loss = MaskedBinaryCrossentropy(from_logits=True, positive_weights=weights)
    assert float(loss(labels, logits)) == pytest.approx(expected / labels.size, rel=1e-5)
    again = MaskedBinaryCrossentropy.from_config(loss.get_config())
    assert float(again(labels, logits)) == float(loss(labels, logits))
    some, known = np.where(labels == 0, -1, labels), (labels == 1).sum()
    expected = (np.logaddexp(0, -logits) * weights)[labels == 1].sum() / known
    assert float(loss(some, logits)) == pytest.approx(expected, rel=1e-5)


def test_inverse_weights_make_both_classes_count_alike_within_bounds():
    present, absent = np.array([10, 50, 1, 99, 0, 7]), np.array([90, 50, 99, 1, 100, 0])
    weights = inverse_weights(present, absent)
    np.testing.assert_allclose(weights, [9, 1, 10, 0.1, 1, 1])
