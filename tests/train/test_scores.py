"""Scores, held against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from train.metrics.scores import (
    average_precision,
    macro,
    micro,
    micro_average_precision,
    per_action_unit,
    rank,
    rounded,
    score,
)

LABELS = arrays(np.int8, st.tuples(st.integers(2, 30), st.just(3)), elements=st.integers(0, 1))


@given(LABELS, st.randoms(use_true_random=False))
def test_scores_equal_scikit_learns(labels, random):
    predicted = np.array([[random.random() < 0.5 for _ in row] for row in labels])
    expected = precision_recall_fscore_support(labels, predicted, zero_division=np.nan)
    for got, precision, recall, f1 in zip(
        per_action_unit(labels, predicted), *expected[:3], strict=True
    ):
        assert _same(got.precision, precision)
        assert _same(got.recall, recall)
        if got.f1 is not None:
            assert _same(got.f1, f1)
    together = precision_recall_fscore_support(
        labels, predicted, average="micro", zero_division=np.nan
    )
    got = micro(labels, predicted)
    assert _same(got.precision, together[0])
    assert _same(got.recall, together[1])


def _same(got, expected):
    return got is None if np.isnan(expected) else got == pytest.approx(expected)


def test_unknown_labels_count_neither_way():
    labels = np.array([[1], [0], [-1], [-1]], np.int8)
    predicted = np.array([[True], [False], [True], [False]])
    assert per_action_unit(labels, predicted)[0] == score(1, 0, 0)


def test_no_positive_means_no_recall_and_no_f1():
    assert score(0, 3, 0).recall is None
    assert score(0, 3, 0).f1 is None
    assert score(0, 3, 0).precision == 0.0


def test_macro_leaves_units_without_a_positive_out():
    assert macro([score(1, 0, 0), score(0, 3, 0)]).f1 == 1.0


def test_macro_counts_a_unit_never_predicted_as_zero():
    mean = macro([score(1, 0, 0), score(0, 0, 4)])
    assert mean.precision == 0.5
    assert mean.recall == 0.5


def test_macro_of_nothing_is_undefined():
    assert macro([score(0, 1, 0)]).f1 is None


SET = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        arrays(np.int8, (n, 3), elements=st.integers(-1, 1)),
        arrays(np.float64, (n, 3), elements=st.sampled_from([0.1, 0.25, 0.5, 0.7, 0.9])),
    )
)


@given(SET)
def test_average_precision_equals_scikit_learns_over_known_labels(frames):
    labels, probabilities = frames
    for unit, got in enumerate(average_precision(labels, probabilities)):
        known = labels[:, unit] >= 0
        truth = labels[known, unit]
        if (truth == 1).any():
            assert got == pytest.approx(average_precision_score(truth, probabilities[known, unit]))
        else:
            assert np.isnan(got)


def test_micro_average_precision_equals_scikit_learns():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (200, 4)).astype(np.int8)
    probabilities = np.round(rng.random((200, 4)), 2)
    expected = average_precision_score(labels, probabilities, average="micro")
    assert micro_average_precision(labels, probabilities) == pytest.approx(expected)


def test_average_precision_of_no_frames_is_undefined():
    assert np.isnan(average_precision(np.zeros((0, 2), np.int8), np.zeros((0, 2)))).all()


def test_a_threshold_lies_only_between_distinct_probabilities():
    ranking = rank(np.array([1, 0, -1, 1], np.int8), np.array([0.5, 0.5, 0.4, 0.2]))
    assert ranking.order.tolist() == [0, 1, 3]
    assert ranking.probabilities.tolist() == [0.5, 0.2]
    assert ranking.hits.tolist() == [1, 2]
    assert ranking.false_alarms.tolist() == [1, 1]


def test_undefined_figures_are_none_and_others_have_four_digits():
    assert rounded(None) is None
    assert rounded(float("nan")) is None
    assert rounded(2 / 3) == 0.6667
