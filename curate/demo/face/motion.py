"""How head, gaze, light and wall drift through a clip: slowly, so that neighbours look alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.demo.face.scene import Light, Pose

Series = NDArray[np.float32]

SLOW, QUICK = 45.0, 7.0
"""Grain of drift and of small movements, in frames (20 a second)."""

BLINK_SHAPE = np.array([0.25, 0.8, 1.0, 0.75, 0.4, 0.12], np.float32)


@dataclass(frozen=True)
class Motion:
    """Pose and light of each frame of a clip."""

    poses: list[Pose]
    lights: list[Light]


def make_motion(subject: int, frames: int, *, seed: int = 0) -> Motion:
    """Draw the motion of one subject's clip."""
    rng = np.random.default_rng([seed, subject, 4])
    pose = _head(rng, frames) | _gaze(rng, frames)
    light = _light(rng, frames)
    return Motion(
        [
            Pose(**{name: float(series[at]) for name, series in pose.items()})
            for at in range(frames)
        ],
        [
            Light(**{name: float(series[at]) for name, series in light.items()})
            for at in range(frames)
        ],
    )


def drift(rng: np.random.Generator, frames: int, grain: float) -> Series:
    """Smooth noise of mean 0 and deviation 1 (over many clips), `grain` frames coarse."""
    reach = int(3 * grain)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / grain) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    white = rng.standard_normal(frames + 2 * reach)
    return np.convolve(white, kernel, mode="valid").astype(np.float32)


def _head(rng: np.random.Generator, frames: int) -> dict[str, Series]:
    """Yaw, pitch and roll in degrees, shifts and scale: drift, and a little restlessness."""
    rest = {
        "yaw": 4.0,
        "pitch": 2.5,
        "roll": 1.5,
        "shift_x": 0.012,
        "shift_y": 0.008,
        "scale": 0.02,
    }
    slow = {
        "yaw": 8.5,
        "pitch": 5.0,
        "roll": 3.8,
        "shift_x": 0.032,
        "shift_y": 0.017,
        "scale": 0.035,
    }
    quick = {
        "yaw": 0.8,
        "pitch": 0.6,
        "roll": 0.4,
        "shift_x": 0.002,
        "shift_y": 0.002,
        "scale": 0.003,
    }
    limit = {"yaw": 22, "pitch": 14, "roll": 13, "shift_x": 0.10, "shift_y": 0.05, "scale": 0.10}
    series = {
        name: soft_limit(
            rest[name] * rng.standard_normal()
            + slow[name] * drift(rng, frames, SLOW)
            + quick[name] * drift(rng, frames, QUICK),
            limit[name],
        )
        for name in slow
    }
    series["scale"] = 0.97 + series["scale"]
    return series


def _gaze(rng: np.random.Generator, frames: int) -> dict[str, Series]:
    """Gaze that rests and jumps, and blinks every few seconds."""
    return {
        "gaze_x": soft_limit(0.45 * _jumps(rng, frames), 0.9),
        "gaze_y": soft_limit(0.30 * _jumps(rng, frames), 0.7),
        "blink": _blinks(rng, frames),
    }


def _jumps(rng: np.random.Generator, frames: int) -> Series:
    """Levels held for one to four seconds, with jumps of about two frames between."""
    values = np.empty(frames, np.float32)
    start = 0
    while start < frames:
        end = start + int(rng.integers(20, 80))
        values[start:end] = rng.standard_normal()
        start = end
    padded = np.pad(values, 1, mode="edge")
    return np.asarray(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:], np.float32)


def _blinks(rng: np.random.Generator, frames: int) -> Series:
    closed = np.zeros(frames + len(BLINK_SHAPE), np.float32)
    start = int(rng.integers(10, 80))
    while start < frames:
        closed[start : start + len(BLINK_SHAPE)] = BLINK_SHAPE
        start += int(rng.integers(45, 130))
    return closed[:frames]


def _light(rng: np.random.Generator, frames: int) -> dict[str, Series]:
    """Key light wandering about the head, brightness and warmth, and the wall's drift."""
    side = rng.choice([-1.0, 1.0]) * 28
    return {
        "azimuth": soft_limit(side + 24 * drift(rng, frames, 2 * SLOW), 62),
        "elevation": 34 + soft_limit(10 * drift(rng, frames, 2 * SLOW), 22),
        "key": 0.95 + soft_limit(0.14 * drift(rng, frames, SLOW), 0.32),
        "fill": 0.34 + soft_limit(0.05 * drift(rng, frames, SLOW), 0.12),
        "warmth": soft_limit(0.4 * rng.standard_normal() + 0.5 * drift(rng, frames, 2 * SLOW), 1),
        "wall_x": soft_limit(0.7 * drift(rng, frames, SLOW), 1),
        "wall_y": soft_limit(0.5 * drift(rng, frames, SLOW), 1),
    }


def soft_limit(values: Series, limit: float) -> Series:
    """Values bent so as never to pass the limit on either side."""
    return np.asarray(limit * np.tanh(values / limit), np.float32)
