"""Sets and folds of subjects: like everyone in rates and size, the same whatever the order."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.model_selection import StratifiedGroupKFold

from curate.split.stratify import Aim, choose_set, stratify


def subjects(number: int, units: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make subjects of unlike lengths, each with action unit rates of their own."""
    generator = np.random.default_rng(seed)
    frames = generator.integers(20, 150, number).astype(float)
    rates = generator.beta(0.5, 4, (number, units))
    return frames, np.round(frames[:, None] * rates)


def spread(frames: np.ndarray, positives: np.ndarray, assigned: np.ndarray) -> tuple[float, float]:
    """Measure relative differences of the folds: the mean of the rates', the largest size's."""
    member = assigned == np.unique(assigned)[:, None]
    size = member @ frames
    overall = positives.sum(axis=0) / frames.sum()
    rates = np.abs(member @ positives / size[:, None] / overall - 1)
    return float(rates.mean()), float(np.abs(size * len(member) / frames.sum() - 1).max())


def library_folds(frames: np.ndarray, positives: np.ndarray, folds: int) -> np.ndarray:
    """Assign subjects with scikit-learn; the class of a frame is its rarest action unit."""
    classes, groups = [], []
    rarest = np.argsort(positives.sum(axis=0))
    for subject in range(len(frames)):
        labels = np.zeros((int(frames[subject]), len(rarest)), bool)
        for unit, count in enumerate(positives[subject].astype(int)):
            labels[np.random.default_rng(unit).permutation(len(labels))[:count], unit] = True
        ordered = labels[:, rarest]
        classes += np.where(ordered.any(axis=1), ordered.argmax(axis=1), len(rarest)).tolist()
        groups += [subject] * len(labels)
    assigned = np.zeros(len(frames), np.int64)
    splitter = StratifiedGroupKFold(folds)
    for fold, (_, held) in enumerate(splitter.split(np.zeros(len(classes)), classes, groups)):
        assigned[np.unique(np.array(groups)[held])] = fold
    return assigned


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.int64, st.tuples(st.integers(2, 9), st.integers(0, 3)), elements=st.integers(0, 30)),
    st.data(),
)
def test_every_fold_has_a_subject(positives: np.ndarray, data: st.DataObject) -> None:
    number = len(positives)
    frames = data.draw(arrays(np.int64, number, elements=st.integers(30, 90))).astype(float)
    folds = data.draw(st.integers(2, number))
    assigned = stratify(frames, positives.astype(float), folds, data.draw(st.integers(0, 20)))
    assert set(assigned.tolist()) == set(range(folds))
    assert len(assigned) == number


@pytest.mark.parametrize("seed", range(6))
def test_folds_of_few_subjects_are_the_cheapest_there_are(seed: int) -> None:
    frames, positives = subjects(7, 3, seed)
    aim = Aim(frames.sum(), positives.sum(axis=0), 1 / 2, np.zeros(3), 4.0)

    def cost(assigned: np.ndarray) -> float:
        member = assigned == np.arange(2)[:, None]
        return float((aim.cost(member @ frames, member @ positives) ** 2).sum())

    everything = [np.array(a) for a in product(range(2), repeat=7) if len(set(a)) == 2]
    assert cost(stratify(frames, positives, 2, 0)) == pytest.approx(min(map(cost, everything)))


@pytest.mark.parametrize(("number", "folds"), [(27, 3), (41, 3), (60, 5)])
def test_rates_are_closer_than_in_the_library_s_folds(number: int, folds: int) -> None:
    frames, positives = subjects(number, 12, number)
    ours = spread(frames, positives, stratify(frames, positives, folds, 0))
    theirs = spread(frames, positives, library_folds(frames, positives, folds))
    assert ours[0] < 0.9 * theirs[0]
    assert ours[1] < 0.1


def test_rare_positives_are_dealt_to_every_fold() -> None:
    # Three of nine subjects have ten each: rates and sizes alone are not enough to say that.
    frames = np.full(9, 100.0)
    positives = np.zeros((9, 1))
    positives[:3] = 10
    assigned = stratify(frames, positives, 3, 10)
    assert sorted(assigned[:3]) == [0, 1, 2]
    assert np.bincount(assigned).tolist() == [3, 3, 3]


def test_a_set_with_enough_positives_is_preferred_where_there_is_one() -> None:
    # Each of ten subjects is a tenth; everyone's rate is 4 %, which subjects 2 to 9 have.
    frames = np.full(10, 100.0)
    positives = np.array([12.0, 12, 2, 2, 2, 2, 2, 2, 2, 2])[:, None]
    assert positives[choose_set(frames, positives, 0.1, 0, 0)].sum() == 2
    assert positives[choose_set(frames, positives, 0.1, 10, 0)].sum() == 12


def test_a_wish_that_is_met_changes_nothing() -> None:
    frames, positives = subjects(20, 6, 3)
    plain = choose_set(frames, positives, 0.2, 0, 0)
    least = int(positives[plain].sum(axis=0).min())
    assert np.array_equal(choose_set(frames, positives, 0.2, least, 0), plain)
