"""The flat sheet a head is painted on before it is posed, and soft shapes to paint with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]
"""Numbers on a grid, float32 throughout: (rows, columns), or with channels behind."""

LEFT, RIGHT, TOP, BOTTOM = -1.9, 1.9, -1.9, 2.45
UNIT_SHARE = 0.285
"""One half face width, as a share of the picture's size, at scale 1."""


@dataclass(frozen=True)
class Sheet:
    """Coordinates of a sheet's texels: `u` to the right, `v` down, in half face widths."""

    u: Plane
    v: Plane
    density: float

    def texels(self, u: Plane, v: Plane) -> tuple[Plane, Plane]:
        """Texel columns and rows (for `cv2.remap`) of the given coordinates."""
        return (u - LEFT) * self.density, (v - TOP) * self.density


def make_sheet(density: float) -> Sheet:
    """Format a sheet with so many texels to a half face width."""
    columns = np.arange(int((RIGHT - LEFT) * density), dtype=np.float32) / density + LEFT
    rows = np.arange(int((BOTTOM - TOP) * density), dtype=np.float32) / density + TOP
    u, v = np.meshgrid(columns, rows)
    return Sheet(u.astype(np.float32), v.astype(np.float32), density)


def smoothstep(low: float, high: float, values: Plane) -> Plane:
    """0 below `low`, 1 above `high`, smooth between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def channels(plane: Plane, count: int) -> Plane:
    """The plane repeated as (rows, columns, count): far faster to compute with than a broadcast."""
    return cv2.merge([plane] * count).astype(np.float32, copy=False)


def bell(
    sheet: Sheet,
    centre: tuple[float, float],
    spread: tuple[float, float],
    tilt: float = 0.0,
) -> Plane:
    """A Gaussian hill of height 1, its axes turned by `tilt` radians."""
    u, v = sheet.u - centre[0], sheet.v - centre[1]
    along = (u * np.cos(tilt) + v * np.sin(tilt)) / spread[0]
    across = (v * np.cos(tilt) - u * np.sin(tilt)) / spread[1]
    return np.asarray(np.exp(-0.5 * (along * along + across * across)), np.float32)


def twin(
    sheet: Sheet,
    centre: tuple[float, float],
    spread: tuple[float, float],
    tilt: float = 0.0,
) -> Plane:
    """The same hill on both sides of the face; `centre` and `tilt` are those of the right one."""
    other = bell(sheet, (-centre[0], centre[1]), spread, -tilt)
    return bell(sheet, centre, spread, tilt) + other


def groove(sheet: Sheet, points: list[tuple[float, float]], spread: float) -> Plane:
    """A soft bent line of height 1 through three points, fading at both ends."""
    first, bend, last = (np.array(point, np.float32) for point in points)
    share = np.linspace(0, 1, 7, dtype=np.float32)[:, None]
    control = 2 * bend - 0.5 * (first + last)
    path = (1 - share) ** 2 * first + 2 * share * (1 - share) * control + share**2 * last
    height = np.zeros_like(sheet.u)
    for index in range(len(path) - 1):
        (u, v), step = path[index], path[index + 1] - path[index]
        along = ((sheet.u - u) * step[0] + (sheet.v - v) * step[1]) / float(step @ step)
        along = np.clip(along, 0, 1)
        squared = (sheet.u - u - along * step[0]) ** 2 + (sheet.v - v - along * step[1]) ** 2
        fade = np.sin(np.pi * (0.12 + 0.76 * (index + along) / 6))
        height = np.maximum(height, fade * np.exp(-0.5 * squared / spread**2))
    return height.astype(np.float32)


def slopes(sheet: Sheet, height: Plane) -> tuple[Plane, Plane]:
    """Slope of a height along u and along v."""
    down, right = np.gradient(height, 1 / sheet.density)
    return np.asarray(right, np.float32), np.asarray(down, np.float32)


def noise(
    rng: np.random.Generator, shape: tuple[int, int], spread: float | tuple[float, float]
) -> Plane:
    """Smooth noise of mean 0 and deviation 1; `spread` is its grain in cells (or across, down)."""
    across, down = spread if isinstance(spread, tuple) else (spread, spread)
    grain = rng.standard_normal(shape, dtype=np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), sigmaX=across, sigmaY=down).astype(np.float32)
    return np.asarray((grain - grain.mean()) / grain.std(), np.float32)
