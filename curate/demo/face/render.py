"""Pictures of one subject: sheets are painted once, then posed, moved and lit for each frame."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.demo.face.body import paint_body, paint_wall
from curate.demo.face.brows import brow_hairs, make_brow, paint_brow
from curate.demo.face.expression import make_expression
from curate.demo.face.eyes import make_lids, paint_eye
from curate.demo.face.glasses import paint_glasses
from curate.demo.face.hair import add_hair, paint_behind
from curate.demo.face.head import Layer, depth, paint_head
from curate.demo.face.identity import Identity
from curate.demo.face.mouth import make_mouth, paint_mouth
from curate.demo.face.project import COARSE, head_plane, refine, turn, turn_flat, unshift
from curate.demo.face.scene import Light, Pose
from curate.demo.face.shading import expose, shade
from curate.demo.face.sheet import UNIT_SHARE, Plane, channels, make_sheet
from curate.demo.face.surface import Surface
from curate.demo.face.units import ACTION_UNITS, COLUMN, MAX_INTENSITY

BEHIND_DEPTH, BODY_DEPTH = -0.08, -0.35
GRAIN = 1.6
"""Deviation of the camera's noise, in 8-bit steps."""

Intensities = Mapping[int, float] | NDArray[np.float32]


class Renderer:
    """Renders one subject at one size; `size` is the picture's side in pixels."""

    def __init__(self, identity: Identity, size: int) -> None:
        density = 1.2 * UNIT_SHARE * size
        self.identity, self.size = identity, size
        self.sheet, self.coarse = make_sheet(density), make_sheet(density / 3)
        self.head = add_hair(self.sheet, identity, paint_head(self.sheet, identity))
        self.behind = paint_behind(self.sheet, identity)
        self.body = paint_body(self.sheet, identity)
        self.wall = paint_wall(identity, size)
        self.depth = depth(self.coarse, identity)
        self.expression = make_expression(self.coarse, self.sheet, identity)
        self.hairs = brow_hairs(identity)
        rng = np.random.default_rng([identity.texture_seed, 9])
        self.grain = GRAIN * rng.standard_normal((2 * size, 2 * size, 3), dtype=np.float32)

    def render(
        self, intensities: Intensities, pose: Pose, light: Light, frame: int = 0
    ) -> NDArray[np.uint8]:
        """One picture, (size, size, 3) uint8 BGR.

        `intensities` are 0-5: a mapping from action unit, or one value for each of
        ACTION_UNITS. `frame` chooses the camera's noise.
        """
        strength = self.identity.amplitude * as_array(intensities) / MAX_INTENSITY
        surface, cover = self._surface(strength, pose)
        self._paint_features(surface, strength, pose, light)
        lit = shade(surface, light, pose)
        wall = self._wall(light)
        lit += wall * channels(1 - cover, 3)
        return expose(lit, self._grain(frame))

    def _surface(self, strength: Plane, pose: Pose) -> tuple[Surface, Plane]:
        """Unlit surface of body, back of the head and face, and how far it hides the wall."""
        plane = head_plane(pose, self.size, COARSE)
        u, v = turn(plane, pose, self.depth, self.coarse)
        rest_u, rest_v = unshift(u, v, self._shift(strength), self.coarse)
        body_pose = Pose(
            0.3 * pose.yaw, 0.0, 0.35 * pose.roll, pose.shift_x, pose.shift_y, pose.scale
        )
        body_plane = turn_flat(head_plane(body_pose, self.size, COARSE), pose, BODY_DEPTH)
        behind_plane = turn_flat(plane, pose, BEHIND_DEPTH)
        paint, relief = self._sample(self.body, *body_plane)
        head = Layer(self.head.paint, self._relief(strength))
        for layer, (at_u, at_v) in ((self.behind, behind_plane), (head, (rest_u, rest_v))):
            over, over_relief = self._sample(layer, at_u, at_v)
            opacity = channels(over[..., 3], 4)
            paint *= 1 - opacity
            paint += over
            over_relief -= relief
            relief += over_relief * opacity
        np.clip(relief[..., 2], 0.1, 1, out=relief[..., 2])
        cover = paint[..., 3]
        relief[..., 3] *= cover
        shine = np.zeros(cover.shape, np.float32)
        pixel = 1 / (UNIT_SHARE * self.size * pose.scale)
        colour = np.asarray(cv2.cvtColor(paint, cv2.COLOR_BGRA2BGR), np.float32)
        at = refine(u, self.size), refine(v, self.size)
        return Surface(colour, relief, shine, *at, pixel), cover

    def _sample(self, layer: Layer, u: Plane, v: Plane) -> tuple[Plane, Plane]:
        """Paint and relief of a layer at every pixel."""
        columns, rows = self.sheet.texels(refine(u, self.size), refine(v, self.size))
        edge = cv2.BORDER_REFLECT_101
        paint = cv2.remap(layer.paint, columns, rows, cv2.INTER_LINEAR, borderMode=edge)
        relief = cv2.remap(layer.relief, columns, rows, cv2.INTER_LINEAR, borderMode=edge)
        return np.asarray(paint, np.float32), np.asarray(relief, np.float32)

    def _shift(self, strength: Plane) -> Plane:
        """Skin movement, (rows, columns, 2), at these strengths."""
        total = np.zeros(self.expression.shift.shape[1:], np.float32)
        for column in np.flatnonzero(strength):
            total += strength[column] * self.expression.shift[column]
        return total

    def _relief(self, strength: Plane) -> Plane:
        """Relief of the head with the bulges and folds of these strengths."""
        total = self.head.relief.copy()
        for column in np.flatnonzero(strength):
            added = self.expression.relief[column]
            if added is not None:
                total += strength[column] * added
        return total

    def _paint_features(self, surface: Surface, strength: Plane, pose: Pose, light: Light) -> None:
        identity = self.identity
        lids, brow = make_lids(identity, strength, pose), make_brow(identity, strength)
        for side in (-1, 1):
            paint_eye(surface, identity, lids, pose, light, side)
            paint_brow(surface, identity, brow, side, self.hairs)
        paint_mouth(surface, identity, make_mouth(identity, strength))
        if identity.glasses:
            paint_glasses(surface, identity)

    def _wall(self, light: Light) -> Plane:
        """The wall behind, drifted and lit."""
        spare = self.wall.shape[0] - self.size
        left = 0.5 * spare * (1 + np.clip(light.wall_x, -1, 1))
        top = 0.5 * spare * (1 + np.clip(light.wall_y, -1, 1))
        centre = (left + self.size / 2 - 0.5, top + self.size / 2 - 0.5)
        part = cv2.getRectSubPix(self.wall, (self.size, self.size), centre)
        return part * (0.55 * light.key + light.fill) * light.colour()

    def _grain(self, frame: int) -> Plane:
        """The camera's noise in this frame: a window of one sheet of noise."""
        left, top = frame * 37 % self.size, frame * 61 % self.size
        return self.grain[top : top + self.size, left : left + self.size]


def as_array(intensities: Intensities) -> NDArray[np.float32]:
    """Intensities as one value for each of ACTION_UNITS; raises ValueError for an unknown unit."""
    if not isinstance(intensities, Mapping):
        return np.asarray(intensities, np.float32)
    unknown = sorted(set(intensities) - set(ACTION_UNITS))
    if unknown:
        raise ValueError(f"unknown action unit {unknown[0]}; known: {ACTION_UNITS}")
    values = np.zeros(len(ACTION_UNITS), np.float32)
    for unit, intensity in intensities.items():
        values[COLUMN[unit]] = intensity
    return values


def render_face(
    subject: Identity,
    intensities: Intensities | None = None,
    pose: Pose | None = None,
    light: Light | None = None,
    size: int = 160,
) -> NDArray[np.uint8]:
    """One picture of a subject, (size, size, 3) uint8 BGR: neutral, frontal unless told.

    `intensities` are 0-5, a mapping from action unit or one value for each of ACTION_UNITS.
    Paints the subject anew each time: use a Renderer for many pictures of one subject.
    """
    chosen = {} if intensities is None else intensities
    return Renderer(subject, size).render(chosen, pose or Pose(), light or Light())
