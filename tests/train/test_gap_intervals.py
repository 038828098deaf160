from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from train.gap.intervals import CONFIDENCE, Estimate, bootstrap_weights, estimate


def mean_of(values: np.ndarray, seed: int = 0) -> Estimate:
    """Estimate the mean of one value a clip."""
    weights = bootstrap_weights(len(values), seed)
    return estimate(weights @ values / weights.sum(axis=1), len(values))


def test_the_figure_itself_counts_every_clip_once():
    assert mean_of(np.array([1.0, 2.0, 6.0])).value == pytest.approx(3.0)


@pytest.mark.parametrize("clips", [3, 5, 20, 100])
def test_the_band_of_a_mean_is_as_wide_as_students_interval(clips):
    values = np.random.default_rng(clips).normal(size=clips)
    level = (1 + CONFIDENCE) / 2
    wanted = stats.sem(values) * stats.t.ppf(level, clips - 1) / stats.norm.ppf(level)
    assert mean_of(values).drawn.std() == pytest.approx(wanted, rel=0.08)


def test_of_many_clips_it_is_scipys_bootstrap():
    values = np.random.default_rng(0).exponential(size=400)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=5000, rng=np.random.default_rng(1)
    ).confidence_interval
    low, high = mean_of(values).bounds()
    assert low == pytest.approx(theirs.low, rel=0.02)
    assert high == pytest.approx(theirs.high, rel=0.02)


def test_it_holds_the_truth_about_as_often_as_it_says_even_with_few_clips():
    rng = np.random.default_rng(0)
    intervals = [mean_of(rng.normal(size=5), seed).bounds() for seed in range(300)]
    assert 0.91 < np.mean([low < 0 < high for low, high in intervals]) < 0.99


def test_what_a_clip_adds_to_both_cancels():
    rng = np.random.default_rng(0)
    clip = rng.normal(0, 1, 12)
    low, high = (mean_of(clip + 0.1) - mean_of(clip)).bounds()
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.1)
    apart = mean_of(clip + 0.1, seed=1) - mean_of(clip, seed=2)
    low, high = apart.bounds()
    assert high - low > 0.5


def test_one_clip_has_no_band():
    single, pair = mean_of(np.array([0.4])), mean_of(np.array([0.4, 0.5]))
    assert single.value == 0.4
    assert single.bounds() == (None, None)
    assert (single - pair).bounds() == (None, None)
    assert pair.bounds() != (None, None)


def test_the_same_seed_gives_the_same_band():
    values = np.arange(6.0)
    assert mean_of(values, 3).bounds() == mean_of(values, 3).bounds()
    assert mean_of(values, 3).bounds() != mean_of(values, 4).bounds()
