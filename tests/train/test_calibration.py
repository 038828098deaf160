"""Calibration, held against scikit-learn's reliability curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve

from train.evaluate.calibration import BINS, expected_error, reliability, reliability_rows

SET = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.int8, n, elements=st.integers(0, 1)),
        arrays(np.float64, n, elements=st.floats(0, 1)),
    )
)


@given(SET)
def test_the_curve_is_scikit_learns(frames):
    labels, probabilities = frames
    count, expected, present = reliability(labels, probabilities)
    filled = count > 0
    true, predicted = calibration_curve(labels, probabilities, n_bins=BINS)
    np.testing.assert_allclose(present[filled], true)
    np.testing.assert_allclose(expected[filled], predicted)
    assert count.sum() == len(labels)


def test_the_error_is_the_mean_distance_weighed_by_frames():
    """Three frames at 0.9, two present: 0.9 - 0.667; one at 0.2, absent: 0.2."""
    labels = np.array([[1], [1], [0], [0]], np.int8)
    probabilities = np.array([[0.9], [0.9], [0.9], [0.2]])
    expected = (3 * (0.9 - 2 / 3) + 1 * 0.2) / 4
    assert expected_error(labels, probabilities) == pytest.approx([expected])


def test_the_calibrated_have_no_error_and_the_overconfident_have():
    rng = np.random.default_rng(0)
    probabilities = rng.random((20_000, 1))
    labels = (rng.random((20_000, 1)) < probabilities).astype(np.int8)
    sharper = np.where(probabilities > 0.5, 0.99, 0.01)
    assert expected_error(labels, probabilities)[0] < 0.02
    assert expected_error(labels, sharper)[0] > 0.2


def test_unknown_labels_do_not_count():
    labels = np.array([[1, -1], [-1, -1]], np.int8)
    error = expected_error(labels, np.array([[0.75, 0.1], [0.0, 0.1]]))
    assert error[0] == pytest.approx(0.25)
    assert np.isnan(error[1])


def test_rows_are_the_bins_that_hold_frames():
    labels = np.array([[1], [0], [1]], np.int8)
    rows = reliability_rows(labels, np.array([[0.95], [0.95], [0.1]]), ["AU1"])
    assert [(row["from"], row["to"], row["frames"]) for row in rows] == [
        (0.0, 0.1, 1),
        (0.9, 1.0, 2),
    ]
    assert [row["present"] for row in rows] == [1.0, 0.5]
