"""Learning rates over time, and a slower one for some variables."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from train.fit.optimizer import TwoSpeedAdam, keras_rate
from train.fit.schedule import learning_rates


def test_constant_is_one_number():
    assert learning_rates(0.01, "constant", 0.5, 3).tolist() == [0.01] * 3


def test_cosine_rises_evenly_then_falls_to_nothing():
    course = learning_rates(0.01, "cosine", 0.2, 100)
    np.testing.assert_allclose(course[:21], np.linspace(0, 0.01, 21), atol=1e-8)
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(80) / 80))
    np.testing.assert_allclose(course[20:], expected, atol=1e-8)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_cosine_without_warm_up_begins_at_its_height(steps):
    course = learning_rates(0.01, "cosine", 0.0, steps)
    assert course[0] == pytest.approx(0.01)
    assert (np.diff(course) < 0).all()


@pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
def test_slow_variables_move_as_adam_would_at_their_own_rate(fraction):
    """Three steps with changing gradients, against Keras' Adam on each variable alone."""
    start = np.array([1.0, -2.0], "float32")
    fast, slow, alone = (keras.Variable(start) for _ in range(3))
    both = TwoSpeedAdam(0.01, [slow], fraction)
    own = keras.optimizers.Adam(0.01 * fraction)
    usual, like_fast = keras.optimizers.Adam(0.01), keras.Variable(start)
    for step in range(3):
        gradient = keras.ops.convert_to_tensor(np.array([0.5, -(step + 1.0)], "float32"))
        both.apply([gradient, gradient], [fast, slow])
        own.apply([gradient], [alone])
        usual.apply([gradient], [like_fast])
    np.testing.assert_array_equal(fast, like_fast)
    np.testing.assert_allclose(slow, alone, rtol=1e-6)
    assert float(both.learning_rate) == pytest.approx(0.01)


@pytest.mark.parametrize(("steps", "warm_up"), [(100, 0.2), (7, 0.0), (40, 0.05), (1, 0.5)])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_keras_follows_the_same_course(schedule, steps, warm_up):
    used = keras_rate(0.01, schedule, warm_up, steps)
    rates = [used if isinstance(used, float) else float(used(step)) for step in range(steps)]
    np.testing.assert_allclose(rates, learning_rates(0.01, schedule, warm_up, steps), atol=1e-8)
