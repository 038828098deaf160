"""Shape and skin of one head at rest: outline, relief, colour, and depth for parallax."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from curate.demo.face.identity import Identity
from curate.demo.face.sheet import Plane, Sheet, bell, groove, noise, slopes, smoothstep, twin

CROWN = 1.34
"""From the eyes to the top of the skull, in half face widths."""


@dataclass(frozen=True)
class Layer:
    """One painted sheet.

    `paint` is (rows, columns, 4) float32: linear blue, green, red, each times the opacity (so
    that edges blend without a fringe), and the opacity.
    `relief` is (rows, columns, 4) float32: slope along u, slope along v, share of light that
    reaches the spot, and gloss.
    """

    paint: Plane
    relief: Plane


def coloured(colour: Plane, opacity: Plane) -> Plane:
    """Paint of a Layer from a colour as displayed, (rows, columns, 3), and an opacity."""
    return np.dstack([colour * colour * opacity[..., None], opacity]).astype(np.float32)


def lay_over(below: Layer, above: Layer) -> Layer:
    """Both sheets as one."""
    opacity = above.paint[..., 3:4]
    paint = below.paint * (1 - opacity) + above.paint
    relief = below.relief + (above.relief - below.relief) * opacity
    return Layer(paint.astype(np.float32), relief.astype(np.float32))


def outline(sheet: Sheet, identity: Identity, grow: float = 0.0) -> Plane:
    """1 at the middle of the head, 0 on its outline, negative outside."""
    across = np.abs(sheet.u) / (identity.width + grow)
    below = smoothstep(-0.3, 0.5, sheet.v)
    bow = 2.2 + (identity.jaw_squareness - 2.2) * below
    skull = (np.abs(sheet.v) / (CROWN + grow)) ** 2.2
    jaw = (np.maximum(sheet.v, 0) / (identity.chin + grow)) ** identity.jaw_power
    return (1 - across**bow - np.where(sheet.v < 0, skull, jaw)).astype(np.float32)


def inside(sheet: Sheet, level: Plane, softness: float = 1.0) -> Plane:
    """Opacity of the region where `level` is positive, its edge `softness` texels wide."""
    right, down = slopes(sheet, level)
    steepness = np.maximum(np.sqrt(right**2 + down**2), 0.35) / sheet.density
    return smoothstep(-softness, softness, level / steepness)


def features(sheet: Sheet, identity: Identity) -> Plane:
    """Height of brow ridge, sockets, nose, cheeks, muzzle and chin over the bare skull."""
    tip, mouth, chin = identity.nose_length - 0.08, identity.mouth_height, identity.chin
    wide = identity.nose_width
    nose = (
        0.08 * bell(sheet, (0, -0.06), (0.095, 0.16))
        + 0.13 * bell(sheet, (0, 0.12), (0.095 * wide, 0.16))
        + 0.18 * bell(sheet, (0, tip - 0.04), (0.115 * wide, 0.13))
        + 0.10 * bell(sheet, (0, tip + 0.02), (0.075 * wide, 0.06))
        + 0.085 * twin(sheet, (0.15 * wide, tip + 0.05), (0.055, 0.055))
    )
    height = (
        0.06 * bell(sheet, (0, -0.62), (0.55, 0.25))
        + 0.05 * twin(sheet, (0.36, -0.24), (0.24, 0.07), -0.1)
        - 0.10 * twin(sheet, (identity.eye_spacing - 0.06, -0.03), (0.19, 0.11))
        + 0.055 * twin(sheet, (identity.eye_spacing, 0.0), (0.15, 0.10))
        + identity.nose_height * nose
        + 0.10 * identity.cheek * twin(sheet, (0.52, 0.27), (0.20, 0.15), -0.3)
        - 0.05 * twin(sheet, (0.62, 0.68), (0.16, 0.22))
        + 0.08 * bell(sheet, (0, mouth - 0.02), (0.30, 0.17))
        - 0.018 * bell(sheet, (0, mouth - 0.17), (0.035, 0.07))
        - 0.05 * bell(sheet, (0, mouth + 0.2), (0.20, 0.05))
        + 0.10 * bell(sheet, (0, chin - 0.17), (0.18, 0.12))
    )
    return np.asarray(height, np.float32)


def depth(sheet: Sheet, identity: Identity) -> Plane:
    """How far each spot stands toward the camera, for parallax: gentler than for shading."""
    bowl = np.clip(outline(sheet, identity, grow=0.12), 0, 1)
    height = 0.72 * bowl + 0.9 * features(sheet, identity)
    return cv2.GaussianBlur(height, (0, 0), 0.05 * sheet.density).astype(np.float32)


def paint_head(sheet: Sheet, identity: Identity) -> Layer:
    """Paint a bald head at rest, without eyes, brows and lips."""
    level = outline(sheet, identity)
    bowl = 0.80 * np.sqrt(np.clip(level, 0, 1) + 0.03)
    along, down = slopes(sheet, bowl + features(sheet, identity) - age_lines(sheet, identity))
    rng = np.random.default_rng([identity.texture_seed, 1])
    pores = slopes(sheet, 0.0009 * noise(rng, sheet.u.shape, 0.014 * sheet.density))
    open_share = occlusion(sheet, identity)
    gloss = (
        0.35 + 0.5 * bell(sheet, (0, 0.3), (0.1, 0.2)) + 0.3 * bell(sheet, (0, -0.6), (0.4, 0.2))
    )
    relief = np.dstack([along + pores[0], down + pores[1], open_share, gloss])
    skin = skin_colour(sheet, identity, rng)
    return Layer(coloured(skin, inside(sheet, level)), relief.astype(np.float32))


def age_lines(sheet: Sheet, identity: Identity) -> Plane:
    """Depth of the folds that stay on an older face at rest."""
    folds = twin_groove(sheet, [(0.21, 0.44), (0.33, 0.60), (0.38, 0.76)], 0.030)
    bags = twin_groove(sheet, [(0.26, 0.16), (0.42, 0.21), (0.56, 0.16)], 0.028)
    rows = sum(groove(sheet, [(-0.4, v), (0, v - 0.03), (0.4, v)], 0.022) for v in (-0.5, -0.63))
    return identity.age * (0.022 * folds + 0.016 * bags + 0.010 * rows).astype(np.float32)


def twin_groove(sheet: Sheet, points: list[tuple[float, float]], spread: float) -> Plane:
    """The same groove on both sides of the face; the points are those of the right one."""
    other = groove(sheet, [(-u, v) for u, v in points], spread)
    return np.maximum(groove(sheet, points, spread), other)


def occlusion(sheet: Sheet, identity: Identity) -> Plane:
    """Share of the light that reaches each spot: soft shadows in hollows and under edges."""
    base, mouth = identity.nose_length, identity.mouth_height
    wide = identity.nose_width
    shade = (
        0.34 * twin(sheet, (identity.eye_spacing - 0.20, -0.06), (0.09, 0.10), 0.3)
        + 0.20 * twin(sheet, (identity.eye_spacing, -0.11), (0.20, 0.05))
        + 0.14 * twin(sheet, (identity.eye_spacing, 0.16), (0.17, 0.05))
        + 0.42 * bell(sheet, (0, base + 0.045), (0.14 * wide, 0.035))
        + 0.22 * twin(sheet, (0.215 * wide, base - 0.01), (0.03, 0.06), 0.4)
        + 0.30 * bell(sheet, (0, mouth + 0.175), (0.18, 0.035))
        + 0.16 * twin(sheet, (identity.mouth_width + 0.05, mouth + 0.01), (0.04, 0.05))
        + 0.45 * identity.age * age_lines(sheet, identity) / 0.022
    )
    rim = smoothstep(0.0, 0.30, outline(sheet, identity))
    return np.asarray(np.clip((1 - shade) * (0.62 + 0.38 * rim), 0.15, 1), np.float32)


def skin_colour(sheet: Sheet, identity: Identity, rng: np.random.Generator) -> Plane:
    """Colour as displayed, (rows, columns, 3): flush, mottling, freckles, nostrils, stubble."""
    base, wide = identity.nose_length, identity.nose_width
    flush = (
        0.7 * twin(sheet, (0.52, 0.30), (0.20, 0.14))
        + 0.8 * bell(sheet, (0, base - 0.06), (0.12, 0.09))
        + 0.3 * bell(sheet, (0, identity.chin - 0.14), (0.2, 0.12))
    )
    mottle = 0.018 * noise(rng, sheet.u.shape, 0.07 * sheet.density)
    mottle += 0.012 * noise(rng, sheet.u.shape, 0.015 * sheet.density)
    tired = twin(sheet, (identity.eye_spacing - 0.03, 0.13), (0.16, 0.05)) * (
        0.06 + 0.1 * identity.age
    )
    tone = (1 + mottle - tired)[..., None] * np.array(identity.skin, np.float32)
    tone = tone * (1 - flush[..., None] * np.array([0.16, 0.15, 0.02], np.float32))
    tone *= (
        1 - 0.82 * twin(sheet, (0.082 * wide, base + 0.005), (0.034 * wide, 0.019), 0.25)[..., None]
    )
    if identity.beard:
        tone = _grow_beard(sheet, identity, tone, rng)
    return np.clip(tone, 0.02, 1).astype(np.float32)


def _grow_beard(sheet: Sheet, identity: Identity, tone: Plane, rng: np.random.Generator) -> Plane:
    """Darken jaw, chin and upper lip with hairs: stubble at 0.5, a full beard at 1."""
    mouth = identity.mouth_height
    sides = smoothstep(0.44, 0.66, sheet.v + 0.35 * np.abs(sheet.u) - 0.06)
    around = 1 - np.exp(-((sheet.u / 0.40) ** 4) - ((sheet.v - mouth) / 0.13) ** 4)
    moustache = bell(sheet, (0, mouth - 0.125), (0.22, 0.045))
    cover = np.clip(sides * around * smoothstep(0.25, 0.75, np.abs(sheet.u) + sheet.v - 0.05), 0, 1)
    cover = np.maximum(cover, moustache)
    hairs = noise(rng, sheet.u.shape, (0.010 * sheet.density, 0.022 * sheet.density))
    density = np.clip(identity.beard**1.5 * (0.80 + 0.22 * hairs), 0, 0.94)
    opacity = (cover * density)[..., None]
    bearded = tone + (np.array(identity.brows, np.float32) - tone) * opacity
    return np.asarray(bearded, np.float32)
