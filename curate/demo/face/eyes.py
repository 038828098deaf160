"""Eyes: lids as curves, the ball behind them, iris, pupil, lashes and the light's reflection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.demo.face.identity import Identity
from curate.demo.face.scene import Light, Pose
from curate.demo.face.sheet import Plane, smoothstep
from curate.demo.face.surface import Surface
from curate.demo.face.units import COLUMN

WHITE = np.array([0.80, 0.83, 0.85], np.float32) ** 2
LASH = np.array([0.07, 0.08, 0.10], np.float32) ** 2
CARUNCLE = np.array([0.50, 0.52, 0.80], np.float32) ** 2


@dataclass(frozen=True)
class Lids:
    """Heights of the opening at its middle, in half eye widths above and below the corners."""

    upper: float
    lower: float
    squint: float


def make_lids(identity: Identity, strength: Plane, pose: Pose) -> Lids:
    """The lids at these strengths, each action unit 0-1."""
    raised, cheek, frown, wrinkle = (strength[COLUMN[unit]] for unit in (5, 6, 4, 9))
    squint = float(0.75 * cheek + 0.12 * frown + 0.35 * wrinkle)
    upper = identity.eye_openness * (0.43 - 0.06 * frown - 0.10 * cheek) + 0.36 * raised
    upper += -0.10 * pose.gaze_y
    lower = 0.30 * identity.eye_openness * (1 - 0.85 * min(squint, 1.0)) + 0.02 * raised
    closed = pose.blink
    return Lids(
        float(upper * (1 - closed) - 0.20 * closed),
        float(lower * (1 - closed) + 0.21 * closed),
        squint,
    )


def paint_eye(
    surface: Surface, identity: Identity, lids: Lids, pose: Pose, light: Light, side: int
) -> None:
    """Paint one eye: `side` -1 left, 1 right of the picture."""
    width, middle = identity.eye_width, side * identity.eye_spacing
    part = surface.window(middle - 1.5 * width, middle + 1.5 * width, -1.25 * width, 0.95 * width)
    across = side * (part.u - middle) / width
    height = part.v / width + identity.eye_tilt * across * 1.2
    bow = np.clip(1 - across * across, 0, 1)
    lean = 1 - 0.16 * across
    upper = -lids.upper * bow**0.72 * lean
    lower = lids.lower * bow**0.85 * (1 + 0.22 * across)
    opening = np.minimum(height - upper, lower - height)
    opening = np.where(np.abs(across) < 1, opening, -1).astype(np.float32)
    cover = part.edge(opening * width, 0.7)
    _paint_ball(part, identity, across, height, cover, upper, pose, light, side)
    _paint_edges(part, lids, across, height, upper, lower)


def _paint_ball(
    part: Surface,
    identity: Identity,
    across: Plane,
    height: Plane,
    cover: Plane,
    upper: Plane,
    pose: Pose,
    light: Light,
    side: int,
) -> None:
    """Eyeball, iris, pupil, the lid's shadow and the reflection, within the opening."""
    width = identity.eye_width
    iris_x = side * (0.34 * pose.gaze_x + 0.006 * pose.yaw) - 0.02
    iris_y = -0.05 + 0.22 * pose.gaze_y + 0.004 * pose.pitch
    x, y = across - iris_x, height - iris_y
    radius = np.sqrt(x * x + y * y)
    corner = smoothstep(-0.72, -1.0, across)
    white = WHITE * (1 - 0.28 * smoothstep(0.45, 1.05, np.abs(across)))[..., None]
    white += (CARUNCLE - white) * corner[..., None]
    part.cover(cover, white)
    shadow = 0.62 * np.exp(-np.maximum(height - upper, 0) / 0.13)
    part.bend(cover, side * 0.6 * across, 0.6 * height, 1 - shadow, 0.0)
    iris = np.array(identity.iris, np.float32) ** 2
    ring = 0.55 + 0.75 * smoothstep(0.16, 0.34, radius) - 1.0 * smoothstep(0.33, 0.43, radius)
    fibres = 1 + 0.22 * np.sin(np.arctan2(y, x) * 14)
    lower_glow = 1 + 0.8 * np.clip(y, -0.3, 0.4)
    tone = iris * np.clip(ring * fibres * lower_glow, 0.08, 2)[..., None]
    part.cover(cover * part.edge((0.42 - radius) * width, 1.0), tone)
    part.cover(cover * part.edge((0.185 - radius) * width, 0.9), LASH * 0.4)
    spot_x = x - side * 0.0035 * light.azimuth
    spot_y = y + 0.0042 * light.elevation
    spot = np.sqrt(spot_x**2 + spot_y**2)
    part.shine += 0.85 * cover * part.edge((0.10 - spot) * width, 1.0)


def _paint_edges(
    part: Surface,
    lids: Lids,
    across: Plane,
    height: Plane,
    upper: Plane,
    lower: Plane,
) -> None:
    """Lash lines, the wet rim of the lower lid, and the crease above the eye."""
    within = smoothstep(1.10, 0.96, np.abs(across))
    flick = 0.055 + 0.05 * smoothstep(-0.4, 1.0, across)
    lashes = np.exp(-(((height - upper + 0.4 * flick) / flick) ** 2)) * within
    part.cover(np.clip(0.95 * lashes, 0, 1), LASH)
    rim = np.exp(-(((height - lower - 0.03) / 0.05) ** 2)) * within * (1 - 0.6 * lids.squint)
    part.cover(0.30 * rim, LASH * 3)
    bow = np.clip(1 - (across * 0.88) ** 2, 0, 1)
    crease_height = -(0.20 + max(lids.upper, 0.30) * 1.02) * bow**0.6 * (1 - 0.06 * across)
    crease = np.exp(-(((height - crease_height) / 0.075) ** 2)) * smoothstep(
        1.2, 0.8, np.abs(across)
    )
    part.darken(np.clip((0.25 + 0.30 * (lids.upper > 0)) * crease, 0, 0.7))
    fold = np.exp(-(((height - lower - 0.20) / 0.08) ** 2)) * bow
    part.darken(np.clip((0.10 + 0.34 * lids.squint) * fold, 0, 0.6))
