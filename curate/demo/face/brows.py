"""Brows: a curve through three heights, so that inner and outer ends rise on their own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from curate.demo.face.identity import Identity
from curate.demo.face.sheet import Plane, noise, smoothstep
from curate.demo.face.surface import Surface
from curate.demo.face.units import COLUMN

INNER, OUTER = 0.13, 0.70
"""Ends of a brow at rest, from the midline, in half face widths."""


@dataclass(frozen=True)
class Brow:
    """One brow as now raised or lowered; heights are v, smaller is higher."""

    start: float
    end: float
    inner: float
    middle: float
    outer: float
    thickness: float

    def centre(self, share: Plane) -> Plane:
        """Height of the centre line at each share (0 inner, 1 outer) of its length."""
        bend = self.middle - 0.45 * self.inner - 0.55 * self.outer
        return self.inner + (self.outer - self.inner) * share + bend * 4.04 * share * (1 - share)


def make_brow(identity: Identity, strength: Plane) -> Brow:
    """The brow at these strengths, each action unit 0-1."""
    inner_raise, outer_raise, lower, wrinkle = (strength[COLUMN[unit]] for unit in (1, 2, 4, 9))
    rest = -identity.brow_height
    down = 0.115 * lower + 0.03 * wrinkle
    return Brow(
        start=INNER - 0.05 * lower,
        end=OUTER - 0.02 * lower,
        inner=rest + 0.03 - 0.175 * inner_raise + 1.15 * down,
        middle=rest - 0.035 * identity.brow_arch - 0.06 * inner_raise - 0.10 * outer_raise + down,
        outer=rest + 0.055 - 0.165 * outer_raise + 0.45 * down,
        thickness=identity.brow_thickness,
    )


def brow_hairs(identity: Identity) -> Plane:
    """A small sheet of hair density along and across a brow, mean 1."""
    rng = np.random.default_rng([identity.texture_seed, 8])
    hairs = noise(rng, (24, 128), (0.9, 2.2))
    return np.asarray(np.clip(1 + 0.20 * hairs, 0, 1.4), np.float32)


def paint_brow(surface: Surface, identity: Identity, brow: Brow, side: int, hairs: Plane) -> None:
    """Paint one brow: `side` -1 left, 1 right of the picture."""
    edges = sorted((side * (brow.start - 0.06), side * (brow.end + 0.08)))
    top = min(brow.inner, brow.middle, brow.outer) - 0.16
    part = surface.window(edges[0], edges[1], top, max(brow.inner, brow.outer) + 0.14)
    share = (side * part.u - brow.start) / (brow.end - brow.start)
    across = (part.v - brow.centre(share)) / brow.thickness
    taper = 0.35 + 0.65 * smoothstep(1.03, 0.45, share) * smoothstep(-0.12, 0.12, share)
    ends = smoothstep(-0.06, 0.10, share) * smoothstep(1.05, 0.92, share)
    body = smoothstep(1.35, 0.55, np.abs(across) / taper) * ends
    slanted = (share * 110 - across * 5 + 8).astype(np.float32)
    rows = (across * 6 + 12).astype(np.float32)
    grain = cv2.remap(hairs, slanted, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    opacity = np.clip(0.90 * body * grain, 0, 0.94)
    part.cover(opacity, np.array(identity.brows, np.float32) ** 2)
    part.relief[..., 3] *= 1 - body
