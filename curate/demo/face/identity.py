"""Who a subject is: face geometry, colours, hair, and habits of expression, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.demo.face.units import ACTION_UNITS

Colour = tuple[float, float, float]
"""Blue, green, red as displayed, each 0-1."""

SKIN_TONES: tuple[Colour, ...] = (
    (0.66, 0.74, 0.93),
    (0.35, 0.46, 0.66),
    (0.55, 0.66, 0.86),
    (0.22, 0.30, 0.46),
    (0.60, 0.70, 0.89),
    (0.44, 0.56, 0.77),
    (0.62, 0.69, 0.94),
    (0.29, 0.38, 0.56),
    (0.50, 0.62, 0.83),
)
HAIR_COLOURS: tuple[Colour, ...] = (
    (0.10, 0.12, 0.16),
    (0.16, 0.24, 0.37),
    (0.38, 0.56, 0.74),
    (0.12, 0.17, 0.26),
    (0.17, 0.31, 0.58),
    (0.60, 0.62, 0.64),
    (0.22, 0.35, 0.52),
)
DARK_HAIR = (0, 3)
IRIS_COLOURS: tuple[Colour, ...] = (
    (0.16, 0.26, 0.40),
    (0.62, 0.52, 0.34),
    (0.36, 0.50, 0.42),
    (0.12, 0.18, 0.28),
    (0.54, 0.54, 0.44),
)
CLOTHES: tuple[Colour, ...] = (
    (0.45, 0.33, 0.24),
    (0.32, 0.36, 0.62),
    (0.42, 0.52, 0.40),
    (0.80, 0.82, 0.84),
    (0.22, 0.20, 0.22),
    (0.36, 0.58, 0.72),
    (0.52, 0.34, 0.48),
)


@dataclass(frozen=True)
class HairStyle:
    """A cut: lengths and volumes in half face widths, `curl` from straight (0) to curly (1)."""

    hairline: float
    top: float
    side: float
    front_length: float
    back_length: float
    curl: float
    fringe: float
    parting: float
    opening: float


HAIR_STYLES: tuple[HairStyle, ...] = (
    HairStyle(-0.92, 0.13, 0.06, 0.10, 0.30, 0.1, 0.10, -0.5, 1.00),
    HairStyle(-0.86, 0.14, 0.16, 1.05, 2.20, 0.1, 0.16, 0.35, 0.86),
    HairStyle(-0.90, 0.20, 0.10, 0.15, 0.30, 0.9, 0.05, 0.0, 0.98),
    HairStyle(-0.68, 0.13, 0.15, 0.85, 1.15, 0.0, 0.02, 0.0, 0.88),
    HairStyle(-1.02, 0.05, 0.02, 0.05, 0.10, 0.5, 0.02, 0.0, 1.02),
    HairStyle(-0.84, 0.22, 0.26, 0.95, 1.60, 1.0, 0.10, -0.2, 0.88),
    HairStyle(-0.94, 0.20, 0.07, 0.12, 0.30, 0.2, 0.22, 0.6, 0.99),
    HairStyle(-0.94, 0.10, 0.05, 0.12, 0.55, 0.0, 0.12, 0.2, 0.95),
    HairStyle(-0.78, 0.14, 0.13, 1.25, 2.30, 0.4, 0.28, -0.5, 0.86),
    HairStyle(-1.08, 0.04, 0.05, 0.08, 0.15, 0.3, 0.16, 0.0, 1.02),
)
LONG_HAIR = (1, 3, 5, 7, 8)
"""Styles whose wearers get no beard here and finer brows."""


@dataclass(frozen=True)
class Identity:
    """One subject. Lengths are in half face widths, from between the eyes; v points down."""

    number: int
    width: float
    chin: float
    jaw_power: float
    jaw_squareness: float
    eye_spacing: float
    eye_width: float
    eye_openness: float
    eye_tilt: float
    brow_height: float
    brow_thickness: float
    brow_arch: float
    nose_width: float
    nose_length: float
    nose_height: float
    mouth_width: float
    mouth_height: float
    lip_upper: float
    lip_lower: float
    cheek: float
    age: float
    beard: float
    glasses: bool
    skin: Colour
    lips: Colour
    hair: Colour
    brows: Colour
    iris: Colour
    clothes: Colour
    background: tuple[Colour, Colour]
    style: HairStyle
    amplitude: NDArray[np.float32]
    """How far this subject moves at intensity 5, one factor an action unit."""
    asymmetry: float
    """Positive: the left half of the picture moves more."""
    texture_seed: int


def make_identity(subject: int, *, seed: int = 0) -> Identity:
    """Draw the subject of this number: the same for the same seed, whoever else is drawn."""
    rng = np.random.default_rng([seed, subject, 1])
    turn = subject + int(np.random.default_rng([seed, 7]).integers(1000))
    style_index = turn % len(HAIR_STYLES)
    long_hair = style_index in LONG_HAIR
    skin = _vary(rng, SKIN_TONES[turn * 4 % len(SKIN_TONES)], 0.025)
    dark = skin[2] < 0.7
    hair_index = DARK_HAIR[turn % 2] if dark else turn * 3 % len(HAIR_COLOURS)
    hair = _vary(rng, HAIR_COLOURS[hair_index], 0.02)
    age = float(rng.uniform(0.5, 1.0) if hair_index == 5 else rng.uniform(0.0, 0.6))
    bearded = not long_hair and turn // 2 % 2 == 0
    return Identity(
        number=subject,
        **_geometry(rng, long_hair),
        age=age,
        beard=float(rng.uniform(0.45, 1.0)) if bearded else 0.0,
        glasses=turn % 5 == 2,
        skin=skin,
        lips=_lip_colour(rng, skin, long_hair),
        hair=hair,
        brows=_mix(hair, (0.10, 0.13, 0.18), 0.45),
        iris=IRIS_COLOURS[3 if dark else turn * 2 % len(IRIS_COLOURS)],
        clothes=_vary(rng, CLOTHES[turn * 5 % len(CLOTHES)], 0.04),
        background=_background(rng),
        style=HAIR_STYLES[style_index],
        amplitude=rng.uniform(0.88, 1.12, len(ACTION_UNITS)).astype(np.float32),
        asymmetry=float(rng.uniform(-0.14, 0.14)),
        texture_seed=int(rng.integers(2**31)),
    )


def _geometry(rng: np.random.Generator, long_hair: bool) -> dict[str, float]:
    """Lengths of one face; a finer jaw and brow go with long hair."""
    heavy = 0.0 if long_hair else 1.0
    ranges = {
        "width": (0.88 + 0.03 * heavy, 1.00 + 0.03 * heavy),
        "chin": (1.24, 1.42),
        "jaw_power": (1.75 + 0.2 * heavy, 2.2 + 0.6 * heavy),
        "jaw_squareness": (1.55, 1.85 + 0.35 * heavy),
        "eye_spacing": (0.385, 0.445),
        "eye_width": (0.200, 0.240),
        "eye_openness": (0.85, 1.15),
        "eye_tilt": (-0.03, 0.12),
        "brow_height": (0.27, 0.35),
        "brow_thickness": (0.026 + 0.014 * heavy, 0.042 + 0.020 * heavy),
        "brow_arch": (0.3, 1.0),
        "nose_width": (0.82, 1.25),
        "nose_length": (0.42, 0.52),
        "nose_height": (0.8, 1.25),
        "mouth_width": (0.325, 0.40),
        "mouth_height": (0.73, 0.80),
        "lip_upper": (0.066, 0.105),
        "lip_lower": (0.085, 0.130),
        "cheek": (0.6, 1.3),
    }
    return {name: float(rng.uniform(low, high)) for name, (low, high) in ranges.items()}


def _lip_colour(rng: np.random.Generator, skin: Colour, made_up: bool) -> Colour:
    rosy = (0.36, 0.32, 0.72) if made_up else (0.42, 0.42, 0.70)
    darker = (skin[0] * 0.82, skin[1] * 0.74, skin[2] * 0.92)
    return _vary(rng, _mix(darker, rosy, 0.5 if skin[2] > 0.6 else 0.25), 0.02)


def _background(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Two quiet colours of one wall, the upper and the lower."""
    grey = rng.uniform(0.28, 0.78)
    tint = rng.uniform(-0.08, 0.08, 3)
    upper = np.clip(grey + tint, 0.05, 0.95)
    lower = upper * rng.uniform(0.55, 0.8)
    return _colour(upper), _colour(lower)


def _vary(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    return _colour(
        np.clip(np.array(colour) + rng.normal(0, spread) + rng.normal(0, 0.012, 3), 0, 1)
    )


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    return _colour(np.array(first) * (1 - share) + np.array(second) * share)


def _colour(values: NDArray[np.float64]) -> Colour:
    return (float(values[0]), float(values[1]), float(values[2]))
