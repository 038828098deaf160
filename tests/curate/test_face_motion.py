"""Motion of a clip: it drifts, and stays within what the renderer can show."""

from __future__ import annotations

import numpy as np

from curate.demo.face.motion import drift, make_motion, soft_limit


def test_drift_has_unit_deviation_and_is_slow() -> None:
    rng = np.random.default_rng(0)
    values = np.stack([drift(rng, 400, 45.0) for _ in range(60)])
    assert 0.85 < values.std() < 1.15
    assert np.abs(np.diff(values, axis=1)).max() < 0.15


def test_soft_limit_never_passes_the_limit() -> None:
    bent = soft_limit(np.array([-100.0, -0.1, 0.0, 0.1, 100.0], np.float32), 2.0)
    assert np.abs(bent).max() <= 2.0
    np.testing.assert_allclose(bent[1:4], [-0.1, 0.0, 0.1], atol=1e-3)


def test_poses_are_believable_and_neighbours_are_close() -> None:
    motion = make_motion(3, 600)
    yaw = np.array([pose.yaw for pose in motion.poses])
    pitch = np.array([pose.pitch for pose in motion.poses])
    assert np.abs(yaw).max() <= 22
    assert np.abs(pitch).max() <= 14
    assert np.abs(np.diff(yaw)).max() < 2
    assert np.ptp(yaw) > 8


def test_subjects_blink() -> None:
    blinks = np.array([pose.blink for pose in make_motion(1, 600).poses])
    assert blinks.max() == 1.0
    assert 0.02 < (blinks > 0.5).mean() < 0.12


def test_same_seed_same_motion() -> None:
    assert make_motion(2, 40, seed=9) == make_motion(2, 40, seed=9)
    assert make_motion(2, 40, seed=9) != make_motion(2, 40, seed=8)
