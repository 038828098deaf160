"""What each pixel of a picture shows before it is lit, and the window to paint features in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.demo.face.sheet import Plane, channels, smoothstep

Amount = Plane | float


@dataclass
class Surface:
    """Colour and relief of every pixel; painters change them in place.

    `colour` is (rows, columns, 3) float32, linear; `relief` is (rows, columns, 4) as in a
    Layer; `shine` is (rows, columns) of light to add after shading. `u` and `v` tell where on
    the head each pixel lies; `pixel` is the size of one in half face widths.
    """

    colour: Plane
    relief: Plane
    shine: Plane
    u: Plane
    v: Plane
    pixel: float

    def window(self, left: float, right: float, top: float, bottom: float) -> Surface:
        """A view of the smallest rectangle of pixels that holds this part of the head."""
        hit = (self.u > left) & (self.u < right) & (self.v > top) & (self.v < bottom)
        rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
        if not len(rows):
            rows = columns = np.array([0])
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return Surface(
            self.colour[part],
            self.relief[part],
            self.shine[part],
            self.u[part],
            self.v[part],
            self.pixel,
        )

    def edge(self, distance: Plane, softness: float = 0.8) -> Plane:
        """Opacity where `distance` (half face widths) is positive, anti-aliased."""
        reach = softness * self.pixel
        return smoothstep(-reach, reach, distance)

    def cover(self, opacity: Plane, colour: Plane) -> None:
        """Lay a linear colour (a triple, or one a pixel) over the surface."""
        self.colour += (colour - self.colour) * channels(opacity, 3)

    def bend(
        self, opacity: Plane, along: Amount, down: Amount, light: Amount, gloss: Amount
    ) -> None:
        """Replace the relief under a cover."""
        for channel, value in enumerate((along, down, light, gloss)):
            plane = self.relief[..., channel]
            plane += (value - plane) * opacity

    def darken(self, amount: Plane) -> None:
        """Keep a share of the light out."""
        self.relief[..., 2] *= 1 - amount
