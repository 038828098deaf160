"""Intervals: the same as drawing subjects one by one and scoring each draw, and wide enough."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from train.evaluate.intervals import SCORES, draw_subjects, intervals

UNITS = 2


@pytest.fixture
def frames():
    """Labels, some unknown, and probabilities of 6 subjects who differ."""
    rng = np.random.default_rng(1)
    subjects = np.repeat([f"S{i}" for i in range(6)], [10, 25, 40, 15, 30, 20])
    rate = np.repeat([0.1, 0.3, 0.6, 0.2, 0.5, 0.4], [10, 25, 40, 15, 30, 20])[:, None]
    labels = (rng.random((140, UNITS)) < rate).astype(np.int8)
    probabilities = np.round(np.clip(0.3 * labels + 0.7 * rng.random((140, UNITS)), 0, 1), 2)
    labels[rng.random((140, UNITS)) < 0.1] = -1
    return labels, probabilities, subjects


def drawn_one_by_one(labels, probabilities, subjects, score):
    """Draw the same subjects, put their frames together, and ask scikit-learn."""
    names = np.unique(subjects)
    answers = []
    for times in draw_subjects(len(names), seed=3, draws=40):
        rows = np.concatenate(
            [
                np.flatnonzero(subjects == name)
                for name, n in zip(names, times, strict=True)
                for _ in range(int(n))
            ]
        )
        known = labels[rows] >= 0
        answers.append(score(labels[rows][known], probabilities[rows][known]))
    return answers


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("precision", lambda truth, p: precision_score(truth, p >= 0.5)),
        ("recall", lambda truth, p: recall_score(truth, p >= 0.5)),
        ("f1", lambda truth, p: f1_score(truth, p >= 0.5)),
        ("average_precision", average_precision_score),
    ],
)
def test_each_draw_scores_as_scikit_learn_does(frames, name, score):
    labels, probabilities, subjects = frames
    labels, probabilities = labels[:, :1], probabilities[:, :1]
    drawn = drawn_one_by_one(labels, probabilities, subjects, score)
    assert len(drawn) == 40
    ends = intervals(
        labels, probabilities >= 0.5, probabilities, subjects.tolist(), seed=3, draws=40
    )
    unit, micro, macro = ends[name]
    assert unit == pytest.approx(np.quantile(drawn, (0.025, 0.975)))
    assert micro == pytest.approx(unit)
    assert macro == pytest.approx(unit)


def test_the_order_of_frames_and_of_subjects_does_not_matter(frames):
    labels, probabilities, subjects = frames
    shuffled = np.random.default_rng(0).permutation(len(labels))
    in_order = intervals(labels, probabilities >= 0.5, probabilities, subjects.tolist(), 0)
    reordered = intervals(
        labels[shuffled],
        probabilities[shuffled] >= 0.5,
        probabilities[shuffled],
        subjects[shuffled].tolist(),
        0,
    )
    for name in SCORES:
        np.testing.assert_allclose(in_order[name], reordered[name])


def test_micro_and_macro_come_last_and_low_is_below_high(frames):
    labels, probabilities, subjects = frames
    ends = intervals(labels, probabilities >= 0.5, probabilities, subjects.tolist(), 0)
    for name in SCORES:
        low, high = ends[name].T
        assert len(low) == UNITS + 2
        assert (low < high).all()
        assert min(low[:UNITS]) <= low[-1]
        assert high[-1] <= max(high[:UNITS])


def test_people_who_are_all_alike_have_no_width():
    labels = np.tile(np.array([[1], [1], [0], [0]], np.int8), (5, 1))
    predicted = np.tile(np.array([[True], [False], [True], [False]]), (5, 1))
    subjects = np.repeat(list("ABCDE"), 4).tolist()
    ends = intervals(labels, predicted, None, subjects, 0)
    assert set(ends) == {"precision", "recall", "f1"}
    np.testing.assert_allclose(ends["f1"], 0.5)


def test_frames_of_few_people_do_not_make_it_narrow():
    """One of four never matches, whatever the number of frames: recall reaches from 0.25 to 1."""
    labels = np.ones((4000, 1), np.int8)
    predicted = np.repeat([True, True, True, False], 1000)[:, None]
    low, high = intervals(labels, predicted, None, np.repeat(list("ABCD"), 1000).tolist(), 0)[
        "recall"
    ][0]
    assert low <= 0.25
    assert high == 1.0


def test_one_subject_and_a_score_never_defined_have_none():
    labels = np.zeros((6, 1), np.int8)
    predicted = np.zeros((6, 1), bool)
    alone = intervals(labels, predicted, None, ["A"] * 6, 0)
    assert np.isnan(alone["f1"]).all()
    never = intervals(labels, predicted, labels.astype(float), list("AABBCC"), 0)
    assert all(np.isnan(never[name]).all() for name in SCORES)
