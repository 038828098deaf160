"""Scores, held against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import precision_recall_fscore_support

from train.scores import macro, micro, per_action_unit, score

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
