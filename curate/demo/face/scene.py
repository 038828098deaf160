"""How a head stands before the camera, where it looks, and what light falls on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pose:
    """Angles in degrees; shifts as shares of the picture's size; gaze and blink without unit."""

    yaw: float = 0.0
    """Positive turns the nose to the right of the picture."""
    pitch: float = 0.0
    """Positive nods the nose down."""
    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    scale: float = 1.0
    gaze_x: float = 0.0
    """From -1 (left of the picture) to 1."""
    gaze_y: float = 0.0
    blink: float = 0.0
    """0 with open eyes, 1 with closed ones."""


@dataclass(frozen=True)
class Light:
    """One key light over an even one."""

    azimuth: float = -35.0
    """Degrees from the camera; negative comes from the left of the picture."""
    elevation: float = 38.0
    """Degrees above the camera."""
    key: float = 0.95
    fill: float = 0.34
    warmth: float = 0.0
    """From -1 (bluish) to 1 (golden)."""
    wall_x: float = 0.0
    """Drift of the wall behind the head, from -1 to 1."""
    wall_y: float = 0.0

    def direction(self, pose: Pose) -> NDArray[np.float32]:
        """Unit vector to the key light (right, down, toward the camera) as the head sees it."""
        azimuth = np.radians(self.azimuth - pose.yaw)
        elevation = np.radians(self.elevation + pose.pitch)
        level = np.cos(elevation)
        right, down = level * np.sin(azimuth), -np.sin(elevation)
        roll = np.radians(pose.roll)
        turned = right * np.cos(roll) + down * np.sin(roll)
        down = down * np.cos(roll) - right * np.sin(roll)
        return np.array([turned, down, level * np.cos(azimuth)], np.float32)

    def colour(self) -> NDArray[np.float32]:
        """Tint of the key light: blue, green, red."""
        return np.array([1 - 0.14 * self.warmth, 1.0, 1 + 0.10 * self.warmth], np.float32)
