"""Thin-rimmed glasses."""

from __future__ import annotations

import numpy as np

from curate.demo.face.identity import Identity
from curate.demo.face.sheet import Plane, smoothstep
from curate.demo.face.surface import Surface

RIM = np.array([0.10, 0.10, 0.12], np.float32) ** 2


def paint_glasses(surface: Surface, identity: Identity) -> None:
    """Paint rims, bridge and temples, and a faint reflection on the lenses."""
    part = surface.window(-identity.width - 0.05, identity.width + 0.05, -0.36, 0.40)
    middle, half_width, half_height = identity.eye_spacing + 0.01, 0.315, 0.235
    u = np.abs(part.u) - middle
    inner = (
        np.maximum(np.abs(u) - half_width + 0.14, 0),
        np.maximum(np.abs(part.v - 0.035) - half_height + 0.14, 0),
    )
    distance = np.sqrt(inner[0] ** 2 + inner[1] ** 2) - 0.14
    rim = part.edge(0.018 - np.abs(distance))
    bridge = part.edge(0.016 - np.abs(part.v + 0.05 - 0.4 * part.u**2)) * (
        np.abs(part.u) < middle - half_width
    )
    temple = part.edge(0.018 - np.abs(part.v + 0.06)) * (u > half_width)
    frame = np.clip(rim + bridge + temple, 0, 1).astype(np.float32)
    part.darken(0.30 * _below(distance))
    part.cover(0.92 * frame, RIM)
    part.bend(frame, 0.0, -0.4, 1.0, 0.8)
    glare = smoothstep(0.10, 0.02, np.abs(part.u * 0.8 + part.v - 0.25)) * part.edge(-distance)
    part.shine += 0.035 * glare


def _below(distance: Plane) -> Plane:
    """The rim's soft shadow on the skin."""
    return np.asarray(np.exp(-((distance / 0.05) ** 2)), np.float32)
