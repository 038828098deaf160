"""Lips as four curves that never cross, and between them teeth, tongue and dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.demo.face.identity import Identity
from curate.demo.face.sheet import Plane, smoothstep
from curate.demo.face.surface import Surface
from curate.demo.face.units import COLUMN

TEETH = np.array([0.88, 0.94, 0.96], np.float32) ** 2
DARK = np.array([0.09, 0.07, 0.18], np.float32) ** 2
TONGUE = np.array([0.36, 0.34, 0.66], np.float32) ** 2


@dataclass(frozen=True)
class Mouth:
    """A mouth as now moved, in half face widths; heights are v. Pairs are (left, right)."""

    half: tuple[float, float]
    corner: tuple[float, float]
    middle: float
    gap_up: float
    gap_down: float
    roundness: float
    lip_upper: float
    lip_lower: float
    pout: float
    jaw: float


def make_mouth(identity: Identity, strength: Plane) -> Mouth:
    """The mouth at these strengths, each action unit 0-1."""
    wrinkle, smile, frown, boss, stretch, part, jaw = (
        float(strength[COLUMN[unit]]) for unit in (9, 12, 15, 17, 20, 25, 26)
    )
    tilt = 1 + np.array([1.0, -1.0]) * identity.asymmetry
    half = identity.mouth_width * (
        1 + tilt * (0.26 * smile + 0.42 * stretch) - 0.07 * boss - 0.10 * jaw - 0.03 * frown
    )
    base = identity.mouth_height
    corner = base - 0.020 + tilt * (-0.150 * smile + 0.115 * frown + 0.02 * stretch) + 0.075 * jaw
    gap = 0.150 * part**0.85 + 0.20 * jaw
    middle = base - 0.012 * smile - 0.06 * boss - 0.045 * wrinkle + 0.022 * frown
    thin = 1 - 0.28 * smile - 0.24 * stretch - 0.12 * jaw
    return Mouth(
        half=(float(half[0]), float(half[1])),
        corner=(float(corner[0]), float(corner[1])),
        middle=middle,
        gap_up=gap * (0.26 + 0.16 * smile) * (1 - 0.45 * jaw) + 0.045 * wrinkle * min(1, 6 * part),
        gap_down=gap * (0.74 - 0.16 * smile) + 0.08 * jaw,
        roundness=1.0 - 0.45 * jaw,
        lip_upper=identity.lip_upper * max(thin - 0.25 * boss - 0.15 * wrinkle, 0.35),
        lip_lower=identity.lip_lower * (thin + 0.22 * boss),
        pout=boss,
        jaw=jaw,
    )


@dataclass(frozen=True)
class Curves:
    """Heights of the four edges of the lips in every pixel, from the top down."""

    top: Plane
    seam_upper: Plane
    seam_lower: Plane
    bottom: Plane
    bow: Plane
    """1 in the middle of the mouth, 0 at its corners and beyond."""
    across: Plane
    """From -1 at the left corner to 1 at the right one."""


def lip_curves(mouth: Mouth, u: Plane, v: Plane) -> Curves:
    """Heights of the edges of the lips over each point."""
    right = smoothstep(-0.06, 0.06, u)
    half = mouth.half[0] + (mouth.half[1] - mouth.half[0]) * right
    corner = mouth.corner[0] + (mouth.corner[1] - mouth.corner[0]) * right
    across = u / half
    away = np.minimum(np.abs(across), 1)
    bow = 1 - away * away
    seam = mouth.middle + (corner - mouth.middle) * away**1.9
    dip = 0.013 * (np.exp(-((across / 0.16) ** 2)) - np.exp(-(((away - 0.34) / 0.2) ** 2)))
    seam = seam + 0.7 * dip
    opened = bow**mouth.roundness
    seam_upper = seam - mouth.gap_up * opened
    seam_lower = seam + mouth.gap_down * opened
    cupid = 1 - 0.22 * np.exp(-((across / 0.14) ** 2))
    top = seam_upper - mouth.lip_upper * bow**0.75 * cupid
    bottom = seam_lower + mouth.lip_lower * bow**0.65
    return Curves(top, seam_upper, seam_lower, bottom, bow, across)


def paint_mouth(surface: Surface, identity: Identity, mouth: Mouth) -> None:
    """Paint the lips, and what shows between them."""
    reach = max(mouth.half) + 0.10
    lowest = mouth.middle + mouth.gap_down + mouth.lip_lower + 0.12
    highest = min(mouth.middle - mouth.gap_up, *mouth.corner) - mouth.lip_upper - 0.08
    part = surface.window(-reach, reach, highest, max(lowest, *mouth.corner) + 0.02)
    curves = lip_curves(mouth, part.u, part.v)
    _paint_lips(part, identity, mouth, curves)
    _paint_inside(part, mouth, curves)
    _paint_seam(part, curves)


def _paint_lips(part: Surface, identity: Identity, mouth: Mouth, curves: Curves) -> None:
    """Both lips, round and lit; the upper one darker."""
    colour = np.array(identity.lips, np.float32) ** 2
    ends = smoothstep(0.0, 0.10, curves.bow)
    upper = part.edge(part.v - curves.top, 1.3) * part.edge(curves.seam_upper - part.v) * ends
    lower = part.edge(curves.bottom - part.v, 1.5) * part.edge(part.v - curves.seam_lower) * ends
    height = np.maximum(curves.seam_upper - curves.top, 0.01)
    rise = np.clip((part.v - curves.top) / height, 0, 1)
    drop = np.clip(
        (part.v - curves.seam_lower) / np.maximum(curves.bottom - curves.seam_lower, 0.01), 0, 1
    )
    part.cover(0.90 * upper, colour * 0.80)
    part.bend(upper, 0.2 * curves.across, 0.25 - 0.9 * rise, 1 - 0.22 * rise, 0.25)
    part.cover(0.86 * lower, colour * 1.05)
    gloss = 0.9 * np.exp(-(((drop - 0.38) / 0.25) ** 2))
    part.bend(lower, 0.2 * curves.across, (1.7 + mouth.pout) * (0.42 - drop) * -1, 1.0, gloss)
    under = np.exp(-np.maximum(part.v - curves.bottom, 0) / 0.055) * (part.v > curves.bottom)
    part.darken((0.26 + 0.18 * mouth.pout) * under * curves.bow**0.7)


def _paint_inside(part: Surface, mouth: Mouth, curves: Curves) -> None:
    """Mouth cavity, tongue, lower and upper teeth, in the order in which they hide each other."""
    gap = curves.seam_lower - curves.seam_upper
    hole = part.edge(part.v - curves.seam_upper) * part.edge(curves.seam_lower - part.v)
    hole = hole * smoothstep(0.4 * part.pixel, 1.6 * part.pixel, gap)
    part.cover(hole, DARK)
    part.bend(hole, 0.0, -0.2, 0.9, 0.0)
    deep = mouth.middle + mouth.gap_down
    tongue_top = deep - 0.42 * mouth.gap_down + 0.9 * curves.across**2 * 0.12
    tongue = part.edge(part.v - tongue_top, 2.5) * smoothstep(0.10, 0.24, gap)
    part.cover(0.85 * hole * tongue, TONGUE)
    dim = (1 - 0.55 * smoothstep(0.35, 1.0, np.abs(curves.across)))[..., None]
    split = 1 - 0.10 * np.exp(-((np.sin(part.u * np.pi / 0.082) / 0.22) ** 2))
    line = mouth.middle - mouth.gap_up
    lower_edge = deep - 0.050 + 0.11 * curves.across**2
    lower = part.edge(part.v - lower_edge) * smoothstep(0.05, 0.12, gap)
    part.cover(0.80 * hole * lower, TEETH * 0.62 * dim * split[..., None])
    upper_edge = line + 0.105 - 0.02 * curves.across**2
    shadow = 1 - 0.40 * np.exp(-np.maximum(part.v - curves.seam_upper, 0) / 0.025)
    upper = part.edge(upper_edge - part.v)
    part.cover(hole * upper, TEETH * dim * (split * shadow)[..., None])


def _paint_seam(part: Surface, curves: Curves) -> None:
    """The dark line where closed lips meet, and the shade in the corners."""
    gap = curves.seam_lower - curves.seam_upper
    middle = 0.5 * (curves.seam_upper + curves.seam_lower)
    reach = 0.013 + 0.5 * part.pixel
    line = np.exp(-(((part.v - middle) / reach) ** 2)) * smoothstep(0.06, 0.0, gap)
    line = line * smoothstep(1.06, 0.94, np.abs(curves.across))
    part.darken(np.clip(0.72 * line, 0, 0.8))
    corner = np.exp(-(((np.abs(curves.across) - 1) / 0.10) ** 2) - ((part.v - middle) / 0.035) ** 2)
    part.darken(0.5 * corner)
