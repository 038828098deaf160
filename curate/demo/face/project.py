"""From the pixels of a picture back to the head: pose, parallax, and shifted skin."""

from __future__ import annotations

import cv2
import numpy as np

from curate.demo.face.scene import Pose
from curate.demo.face.sheet import UNIT_SHARE, Plane, Sheet

CENTRE_X, CENTRE_Y = 0.5, 0.475
"""Where the point between the eyes stands at rest, as shares of the picture's size."""

COARSE = 2
"""Maps are solved on every second pixel: they are smooth."""


def head_plane(pose: Pose, size: int, step: int = 1) -> tuple[Plane, Plane]:
    """Coordinates of every `step`-th pixel in the head's own plane, before parallax."""
    centres = (np.arange(0, size, step, dtype=np.float32) + 0.5 * step - 0.5) / size
    unit = UNIT_SHARE * pose.scale
    x = (centres[None, :] - CENTRE_X - pose.shift_x) / unit
    y = (centres[:, None] - CENTRE_Y - pose.shift_y) / unit
    roll = np.radians(pose.roll)
    cosine, sine = np.float32(np.cos(roll)), np.float32(np.sin(roll))
    return x * cosine + y * sine, y * cosine - x * sine


def turn(plane: tuple[Plane, Plane], pose: Pose, depth: Plane, sheet: Sheet) -> tuple[Plane, Plane]:
    """Undo yaw and pitch: where on a relief of this `depth` each point of the plane lies.

    Solves plane = u cos(yaw) + depth(u, v) sin(yaw), and likewise down, by iteration.
    """
    yaw, pitch = np.radians(pose.yaw), np.radians(pose.pitch)
    p, q = plane
    u, v = p, q
    for _ in range(4):
        height = cv2.remap(depth, *sheet.texels(u, v), cv2.INTER_LINEAR)
        u = (p - height * np.float32(np.sin(yaw))) / np.float32(np.cos(yaw))
        v = (q - height * np.float32(np.sin(pitch))) / np.float32(np.cos(pitch))
    return u, v


def turn_flat(plane: tuple[Plane, Plane], pose: Pose, depth: float) -> tuple[Plane, Plane]:
    """Undo yaw and pitch for a flat sheet that stands at this depth."""
    yaw, pitch = np.radians(pose.yaw), np.radians(pose.pitch)
    p, q = plane
    return p - np.float32(depth * np.sin(yaw)), q - np.float32(depth * np.sin(pitch))


def unshift(u: Plane, v: Plane, shift: Plane, sheet: Sheet) -> tuple[Plane, Plane]:
    """Where the skin now seen at (u, v) lies at rest."""
    moved = cv2.remap(shift, *sheet.texels(u, v), cv2.INTER_LINEAR)
    return u - moved[..., 0], v - moved[..., 1]


def refine(plane: Plane, size: int) -> Plane:
    """A coarse map at every pixel."""
    return cv2.resize(plane, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32)
