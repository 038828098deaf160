"""Light on a surface, and the camera that records it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.demo.face.scene import Light, Pose
from curate.demo.face.sheet import Plane
from curate.demo.face.surface import Surface

WRAP = np.array([0.16, 0.22, 0.36], np.float32)
"""How far light creeps round the skin, by channel: red the farthest, as under real skin."""


def shade(surface: Surface, light: Light, pose: Pose) -> Plane:
    """Linear colour (rows, columns, 3) of a surface under this light."""
    along, down, open_share, gloss = (surface.relief[..., channel] for channel in range(4))
    length = 1 / np.sqrt(along * along + down * down + 1)
    right, below, toward = light.direction(pose)
    facing = (toward - along * right - down * below) * length
    half = np.array([right, below, toward + 1], np.float32)
    half /= np.linalg.norm(half)
    mirror = np.clip((half[2] - along * half[0] - down * half[1]) * length, 0, 1)
    for _ in range(4):
        mirror *= mirror
    sky = light.fill * (0.85 + 0.30 * down * length)
    shine = 0.16 * light.key * mirror * gloss * open_share + surface.shine
    key = np.float32(light.key) * light.colour()
    lit = np.empty_like(surface.colour)
    for channel in range(3):
        wrap = WRAP[channel]
        plane = np.maximum(facing + wrap, 0) * (key[channel] / (1 + wrap))
        plane = (plane + sky) * open_share
        lit[..., channel] = plane * surface.colour[..., channel] + shine
    return lit


def expose(linear: Plane, grain: Plane) -> NDArray[np.uint8]:
    """Record linear colour as 8-bit BGR; highlights roll off, and `grain` is added in steps."""
    rolled = linear * (1 + 0.12 * linear) / (1 + 0.32 * linear)
    picture = np.sqrt(rolled, out=rolled)
    picture *= 268.0
    picture += grain
    return np.asarray(np.clip(picture, 0, 255, out=picture), np.uint8)
