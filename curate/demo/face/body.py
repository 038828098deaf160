"""Neck, shoulders and clothes below the head, and the wall behind it."""

from __future__ import annotations

import cv2
import numpy as np

from curate.demo.face.head import Layer, coloured, inside
from curate.demo.face.identity import Identity
from curate.demo.face.sheet import Plane, Sheet, noise, slopes, smoothstep


def paint_body(sheet: Sheet, identity: Identity) -> Layer:
    """Neck and clothed shoulders, as one sheet."""
    rng = np.random.default_rng([identity.texture_seed, 4])
    across = np.abs(sheet.u)
    neck_width = 0.55 * identity.width + 0.16 * smoothstep(1.45, 2.0, sheet.v)
    neck = (neck_width - across).astype(np.float32)
    top = 1.52 + 0.42 * np.maximum(across - 0.50, 0) ** 1.35
    shoulders = (sheet.v - top).astype(np.float32)
    collar = shoulders + 0.26 * np.exp(-((sheet.u / 0.36) ** 2)) * -1
    clothed = inside(sheet, collar.astype(np.float32))
    neck_cover = inside(sheet, neck) * smoothstep(0.55, 0.6, sheet.v)
    cover = np.maximum(neck_cover, clothed)
    weave = 1 + 0.05 * noise(rng, sheet.u.shape, 0.02 * sheet.density)
    cloth = np.array(identity.clothes, np.float32) * weave[..., None]
    skin = np.array(identity.skin, np.float32) * np.array([0.93, 0.93, 0.98], np.float32)
    mix = clothed[..., None]
    tone = np.clip(cloth * mix + skin * (1 - mix), 0.01, 1)
    return Layer(coloured(tone, cover), _body_relief(sheet, identity, neck, shoulders, clothed))


def _body_relief(
    sheet: Sheet, identity: Identity, neck: Plane, shoulders: Plane, clothed: Plane
) -> Plane:
    """Slopes of the round neck and shoulders; the chin's shadow falls on the neck."""
    half = np.maximum(neck + np.abs(sheet.u), 0.1)
    round_neck = 0.50 * np.sqrt(np.clip(1 - (sheet.u / half) ** 2, 0, 1) + 0.05)
    round_body = 0.30 * np.sqrt(np.clip(shoulders, 0, 1) + 0.02)
    height = clothed * round_body + (1 - clothed) * round_neck
    along, down = slopes(sheet, cv2.GaussianBlur(height.astype(np.float32), (0, 0), 1.5))
    below_chin = sheet.v - identity.chin + 0.25 * sheet.u**2
    shadow = 1 - 0.62 * smoothstep(0.42, 0.0, below_chin) * (1 - clothed)
    edge = np.exp(-((shoulders / 0.06) ** 2)) * 0.2
    light = np.clip(shadow - edge, 0.2, 1)
    gloss = 0.15 * (1 - clothed)
    return np.dstack([along, down, light, gloss]).astype(np.float32)


def paint_wall(identity: Identity, size: int) -> Plane:
    """A wall out of focus, larger than the picture so that it can drift: linear, 3 channels."""
    rng = np.random.default_rng([identity.texture_seed, 5])
    side = int(size * 1.3)
    rows = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    upper, lower = (np.array(colour, np.float32) for colour in identity.background)
    wall = np.broadcast_to(upper * (1 - rows) + lower * rows, (side, side, 3)).copy()
    for _ in range(4):
        left, width = rng.uniform(0, side), rng.uniform(0.08, 0.35) * side
        height = rng.uniform(0.2, 1.0) * side
        corner = (int(left), int(side - height))
        tint = np.clip(upper * rng.uniform(0.6, 1.25) + rng.uniform(-0.03, 0.03, 3), 0, 1)
        cv2.rectangle(wall, corner, (int(left + width), side), tint.tolist(), -1)
    wall = cv2.GaussianBlur(wall, (0, 0), 0.035 * size)
    speckled = wall + 0.006 * noise(rng, (side, side), 1.0)[..., None]
    return np.clip(speckled, 0.01, 1).astype(np.float32) ** 2
