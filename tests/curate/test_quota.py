"""Quotas: the optimum of the integer program, and what holds when its search is cut short."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curate.cap.quota import WORK, fill, frames_per_label_set


def label_sets(present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(present, axis=0, return_counts=True)


PRESENT = arrays(bool, st.tuples(st.integers(1, 60), st.integers(1, 6)))


def check(sets: np.ndarray, available: np.ndarray, frames: np.ndarray, cap: int) -> None:
    """Assert that the cap is not exceeded, and that no frame could be added."""
    assert (frames >= 0).all()
    assert (frames <= available).all()
    positives = frames @ sets
    assert (positives <= cap).all()
    for row, left in zip(sets, available - frames, strict=True):
        if left and row.any():
            assert (positives + row > cap).any()
        elif left:
            assert frames[~sets.any(axis=1)].sum() == cap


def test_quota_of_each_label_set() -> None:
    # One frame with both units is worth two, yet ten with one each fill both caps as well.
    sets = np.array([[False, False], [False, True], [True, False], [True, True]])
    answer = frames_per_label_set(sets, np.array([50, 2, 8, 3]), 5)
    assert answer.frames.tolist() == [5, 2, 2, 3]
    assert answer.short == 0


@settings(deadline=None, max_examples=60)
@given(PRESENT, st.integers(1, 12), st.sampled_from([0, 1, WORK]))
def test_the_cap_holds_and_nothing_could_be_added_however_short_the_search(
    present: np.ndarray, cap: int, work: int
) -> None:
    sets, available = label_sets(present)
    answer = frames_per_label_set(sets, available, cap, work)
    check(sets, available, answer.frames, cap)
    assert answer.short >= 0


@settings(deadline=None, max_examples=40)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 4))), st.integers(1, 3))
def test_the_optimum_is_reached_or_how_far_it_is_is_said(present: np.ndarray, cap: int) -> None:
    sets, available = label_sets(present)
    choices = np.array(list(product(*(range(count + 1) for count in available))))
    positives = choices @ sets
    best = positives[(positives <= cap).all(axis=1)].sum(axis=1).max()
    whole = frames_per_label_set(sets, available, cap)
    assert ((whole.frames @ sets).sum(), whole.short) == (best, 0)
    cut = frames_per_label_set(sets, available, cap, work=0)
    kept = (cut.frames @ sets).sum()
    assert kept <= best <= kept + cut.short


@settings(deadline=None, max_examples=40)
@given(PRESENT, st.integers(1, 12), st.integers(1, 6))
def test_many_label_sets_are_decided_as_few_are(present: np.ndarray, cap: int, exact: int) -> None:
    sets, available = label_sets(present)
    best = (frames_per_label_set(sets, available, cap).frames @ sets).sum()
    answer = frames_per_label_set(sets, available, cap, exact=exact)
    check(sets, available, answer.frames, cap)
    kept = (answer.frames @ sets).sum()
    assert kept <= best <= kept + answer.short


def test_twenty_six_action_units_and_more_label_sets_than_are_solved_at_once() -> None:
    generator = np.random.default_rng(1)
    present = generator.random((1500, 26)) < generator.uniform(0.02, 0.6, 26)
    sets, available = label_sets(present)
    assert len(sets) > 1400
    answers = [frames_per_label_set(sets, available, 300, work=3000, exact=300) for _ in range(2)]
    check(sets, available, answers[0].frames, 300)
    assert answers[0].short <= 26
    assert np.array_equal(answers[0].frames, answers[1].frames)


def test_fill_adds_frames_with_most_action_units_first() -> None:
    sets = np.array([[True, False, False], [True, True, False], [False, False, True]])
    filled = fill(sets, np.array([5, 2, 1]), np.array([1, 0, 0]), 4)
    assert filled.tolist() == [2, 2, 1]
