"""Tracks of action units: base rates, company, smooth events, and what a label says."""

from __future__ import annotations

import numpy as np
import pytest

from curate.demo.face.tracks import labels, make_tracks
from curate.demo.face.units import ACTION_UNITS, BASE_RATES, COLUMN, POSITIVE_INTENSITY

SUBJECTS, FRAMES = 20, 600


@pytest.fixture(scope="module", params=[0, 5])
def tracks(request: pytest.FixtureRequest) -> np.ndarray:
    """Every subject's tracks, (subjects, frames, action units)."""
    return np.stack([make_tracks(s, FRAMES, seed=request.param) for s in range(1, SUBJECTS + 1)])


@pytest.fixture(scope="module")
def positive(tracks: np.ndarray) -> np.ndarray:
    return labels(tracks) >= POSITIVE_INTENSITY


def share(positive: np.ndarray, unit: int, given: int) -> float:
    """Share of the frames positive for `given` that are positive for `unit`."""
    return float(positive[..., COLUMN[unit]][positive[..., COLUMN[given]]].mean())


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_base_rates_are_close_to_spontaneous_ones(positive: np.ndarray, unit: int) -> None:
    allowed = max(0.25 * BASE_RATES[unit], 0.02)
    assert positive[..., COLUMN[unit]].mean() == pytest.approx(BASE_RATES[unit], abs=allowed)


def test_every_subject_shows_every_action_unit(positive: np.ndarray) -> None:
    assert positive.any(axis=1).all()


def test_rates_differ_between_subjects(positive: np.ndarray) -> None:
    rates = positive.mean(axis=1)
    assert (rates.max(axis=0) > 1.5 * rates.min(axis=0)).all()


def test_usual_company(positive: np.ndarray) -> None:
    assert share(positive, 6, given=12) > 1.3 * BASE_RATES[6]
    assert share(positive, 1, given=2) > 2 * BASE_RATES[1]
    assert share(positive, 15, given=17) > 2 * BASE_RATES[15]
    assert share(positive, 4, given=12) < BASE_RATES[4]


def test_a_dropped_jaw_always_parts_the_lips(tracks: np.ndarray) -> None:
    assert (tracks[..., COLUMN[25]] >= tracks[..., COLUMN[26]]).all()


def test_rare_action_units_come_in_several_events(positive: np.ndarray) -> None:
    starts = np.diff(positive.astype(int), axis=1, prepend=0) == 1
    events = starts.sum(axis=1)
    assert (np.median(events, axis=0) >= 2).all()


def test_onset_apex_and_offset_are_smooth(tracks: np.ndarray) -> None:
    steps = np.abs(np.diff(tracks, axis=1))
    assert steps.max() < 1.5
    assert np.quantile(steps, 0.9) < 0.3
    assert tracks.min() >= 0
    assert tracks.max() <= 5


def test_labels_are_the_rounded_intensities() -> None:
    drawn = np.array([0.0, 0.4, 1.49, 1.51, 3.2, 4.8], np.float32)
    assert labels(drawn).tolist() == [0, 0, 1, 2, 3, 5]


def test_tracks_depend_on_seed_and_subject_only() -> None:
    np.testing.assert_array_equal(make_tracks(7, 90, seed=3), make_tracks(7, 90, seed=3))
    assert not np.array_equal(make_tracks(7, 90, seed=3), make_tracks(8, 90, seed=3))
    assert not np.array_equal(make_tracks(7, 90, seed=3), make_tracks(7, 90, seed=4))


@pytest.mark.parametrize("frames", [2, 3, 17, 1500])
def test_clips_of_any_length(frames: int) -> None:
    tracks = make_tracks(1, frames)
    assert tracks.shape == (frames, len(ACTION_UNITS))
    assert np.isfinite(tracks).all()
