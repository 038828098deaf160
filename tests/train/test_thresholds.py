"""Thresholds: the best by F1 that any cut of the ranking gives, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, precision_recall_curve

from train.metrics.scores import choose_thresholds

FRAMES = st.integers(2, 25)
SET = FRAMES.flatmap(
    lambda n: st.tuples(
        arrays(np.int8, (n, 2), elements=st.integers(-1, 1)),
        arrays(np.float64, (n, 2), elements=st.sampled_from([0.05, 0.2, 0.4, 0.5, 0.6, 0.8, 0.95])),
    )
)


def column(*values):
    return np.array(values)[:, None]


@given(SET)
def test_no_threshold_of_scikit_learns_curve_is_better(chosen_on):
    labels, probabilities = chosen_on
    thresholds = choose_thresholds(labels, probabilities)
    for unit, threshold in enumerate(thresholds):
        known = labels[:, unit] >= 0
        truth, chances = labels[known, unit], probabilities[known, unit]
        if len(set(truth.tolist())) < 2:
            assert threshold == 0.5
            continue
        precision, recall, _ = precision_recall_curve(truth, chances)
        best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
        assert f1_score(truth, chances >= threshold) == pytest.approx(best)
        assert 0 < threshold < 1


@given(SET, st.randoms(use_true_random=False))
def test_the_order_of_frames_does_not_matter(chosen_on, random):
    labels, probabilities = chosen_on
    order = list(range(len(labels)))
    random.shuffle(order)
    np.testing.assert_array_equal(
        choose_thresholds(labels[order], probabilities[order]),
        choose_thresholds(labels, probabilities),
    )


def test_it_lies_midway_between_the_frames_that_it_parts():
    labels = column(1, 1, 0, 0).astype(np.int8)
    assert choose_thresholds(labels, column(0.9, 0.4, 0.2, 0.1)) == pytest.approx([0.3])


def test_of_equal_f1_the_nearest_to_one_half_is_taken():
    """One frame predicted of two present is F1 2/3, and so are all four: cuts 0.8 and 0.05."""
    labels = column(1, 0, 0, 1).astype(np.int8)
    assert choose_thresholds(labels, column(0.9, 0.7, 0.6, 0.1)) == pytest.approx([0.8])


def test_unknown_labels_do_not_choose():
    labels = column(1, -1, -1, 0).astype(np.int8)
    assert choose_thresholds(labels, column(0.8, 0.99, 0.01, 0.6)) == pytest.approx([0.7])


@pytest.mark.parametrize(
    "labels", [[[0], [0]], [[1], [1]], [[-1], [-1]]], ids=["absent", "present", "unknown"]
)
def test_nothing_to_tell_apart_is_one_half(labels):
    assert choose_thresholds(np.array(labels, np.int8), column(0.2, 0.1)).tolist() == [0.5]


def test_no_frames_and_no_units_are_no_error():
    assert choose_thresholds(np.zeros((0, 2), np.int8), np.zeros((0, 2))).tolist() == [0.5, 0.5]
    assert choose_thresholds(np.zeros((4, 0), np.int8), np.zeros((4, 0))).shape == (0,)
