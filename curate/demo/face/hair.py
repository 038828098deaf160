"""Hair on the head sheet, and what is seen behind the head: back hair and ears."""

from __future__ import annotations

import cv2
import numpy as np

from curate.demo.face.head import CROWN, Layer, coloured, inside, lay_over
from curate.demo.face.identity import Identity
from curate.demo.face.sheet import Plane, Sheet, noise, slopes, smoothstep, twin


def add_hair(sheet: Sheet, identity: Identity, head: Layer) -> Layer:
    """The head with hair over it: cap, hairline, and the lengths that frame the face."""
    rng = np.random.default_rng([identity.texture_seed, 2])
    cover = hair_cover(sheet, identity)
    colour, relief = strands(sheet, identity, rng)
    shadow = cv2.GaussianBlur(cover, (0, 0), 0.07 * sheet.density)
    under = head.relief.copy()
    under[..., 2] *= 1 - 0.42 * shadow
    return lay_over(Layer(head.paint, under), Layer(coloured(colour, cover), relief))


def hair_cover(sheet: Sheet, identity: Identity) -> Plane:
    """Opacity of the hair on the head sheet."""
    style = identity.style
    rng = np.random.default_rng([identity.texture_seed, 7])
    rough = noise(rng, sheet.u.shape, 0.06 * sheet.density) * (0.02 + 0.05 * style.curl)
    level = np.minimum(_volume(sheet, identity), _outside_face(sheet, identity)) + rough
    return inside(sheet, level, 2.0) * smoothstep(0.02, -0.22, sheet.v - style.front_length)


def _volume(sheet: Sheet, identity: Identity) -> Plane:
    """Positive within the outer outline of the hair."""
    style = identity.style
    across = np.abs(sheet.u) / (identity.width + style.side)
    up = np.abs(np.minimum(sheet.v + 0.15, 0)) / (CROWN - 0.15 + style.top)
    return np.asarray(1 - across**2.3 - up**2.3, np.float32)


def _outside_face(sheet: Sheet, identity: Identity) -> Plane:
    """Positive outside the opening that the hair leaves for the face."""
    style = identity.style
    sweep = style.fringe * np.abs(sheet.u - style.parting * 0.8)
    top = style.hairline + sweep * (1 + 0.6 * np.sign(style.parting) * sheet.u)
    centre = 0.35
    across = np.abs(sheet.u) / (identity.width * style.opening)
    up = np.abs(sheet.v - centre) / np.where(sheet.v < centre, centre - top, 3.0)
    return np.asarray(across**3.0 + up**2.6 - 1, np.float32)


def strands(sheet: Sheet, identity: Identity, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Colour as displayed (rows, columns, 3) and relief (rows, columns, 4) of hair everywhere."""
    style = identity.style
    flow = _combed(sheet, style.parting, rng)
    curls = _curls(sheet, rng)
    grain = (1 - style.curl) * flow + style.curl * curls
    locks = noise(rng, sheet.u.shape, (0.05 * sheet.density, 0.16 * sheet.density))
    tone = np.clip(
        1 + (0.13 - 0.05 * style.curl) * grain + (0.10 - 0.05 * style.curl) * locks, 0.4, 1.6
    )
    colour = np.array(identity.hair, np.float32) * tone[..., None]
    bowl = 0.55 * np.sqrt(np.clip(_volume(sheet, identity), 0, 1) + 0.05)
    along, down = slopes(sheet, bowl + (0.003 + 0.006 * style.curl) * grain)
    band = np.exp(-(((sheet.v + 0.95 - 0.25 * sheet.u**2) / 0.16) ** 2))
    gloss = (0.35 + 0.9 * band * np.clip(1 + 0.5 * flow, 0, 2)) * (1 - 0.6 * style.curl)
    relief = np.dstack([along, down, np.clip(0.86 + 0.10 * grain, 0.4, 1), gloss])
    return np.clip(colour, 0.01, 1), relief.astype(np.float32)


def _curls(sheet: Sheet, rng: np.random.Generator) -> Plane:
    """Ringlets of two sizes: bright along ridges, dark in the small hollows between."""
    large = 1 - np.abs(noise(rng, sheet.u.shape, 0.034 * sheet.density))
    small = 1 - np.abs(noise(rng, sheet.u.shape, 0.015 * sheet.density))
    return (0.55 * large + 0.6 * small - 0.22).astype(np.float32)


def _combed(sheet: Sheet, parting: float, rng: np.random.Generator) -> Plane:
    """Streaks that fan out from the parting, for straight hair."""
    fan = noise(rng, (48, 1024), (1.6, 2.0))
    u, v = sheet.u - 0.6 * parting, sheet.v + 1.75
    angle = np.arctan2(u, v) + 0.18 * np.sin(3 * v)
    reach = np.sqrt(u * u + v * v)
    columns = ((angle / np.pi + 1) * 511).astype(np.float32)
    rows = (reach * 11).astype(np.float32)
    return cv2.remap(fan, columns, rows, cv2.INTER_LINEAR).astype(np.float32)


def paint_behind(sheet: Sheet, identity: Identity) -> Layer:
    """Back hair with the ears before it, as one sheet that stands behind the face."""
    hair = _back_hair(sheet, identity)
    if identity.style.front_length > 0.5:
        return hair
    return lay_over(hair, _ears(sheet, identity))


def _back_hair(sheet: Sheet, identity: Identity) -> Layer:
    style = identity.style
    rng = np.random.default_rng([identity.texture_seed, 3])
    rough = noise(rng, sheet.u.shape, 0.07 * sheet.density) * (0.015 + 0.06 * style.curl)
    below = np.maximum(sheet.v + 0.1, 0)
    spread = identity.width + style.side - 0.02 + 0.05 * below * (style.back_length > 1)
    end = smoothstep(style.back_length, style.back_length - 0.25, sheet.v)
    up = np.abs(np.minimum(sheet.v + 0.15, 0)) / (CROWN - 0.15 + style.top - 0.03)
    level = 1 - (np.abs(sheet.u) / spread) ** 2.3 - up**2.3 + rough - (1 - end) * 1.5
    colour, relief = strands(sheet, identity, rng)
    relief[..., 2] *= 0.62
    cover = inside(sheet, level.astype(np.float32), 2.0)
    neck = smoothstep(0.62, 0.46, np.abs(sheet.u) + 0.3 * rough) * smoothstep(0.6, 0.8, sheet.v)
    return Layer(coloured(colour, cover * (1 - neck)), relief)


def _ears(sheet: Sheet, identity: Identity) -> Layer:
    """Both ears, and the sides of the head that they grow from, seen as the head turns."""
    v = sheet.v - 0.14
    u = np.abs(sheet.u) - identity.width - 0.03 + 0.16 * v
    level = (1 - (u / 0.12) ** 2 - (np.abs(v) / 0.27) ** 2.3).astype(np.float32)
    sides = 1 - (np.abs(sheet.u) / identity.width) ** 4 - ((sheet.v - 0.05) / 0.62) ** 2
    level = np.maximum(level, sides)
    bowl = twin(sheet, (identity.width + 0.045, 0.10), (0.035, 0.11), 0.15)
    skin = np.array(identity.skin, np.float32) * np.array([0.84, 0.84, 0.97], np.float32)
    tone = skin * (1 - 0.30 * bowl[..., None])
    along, down = slopes(sheet, 0.16 * np.sqrt(np.clip(level, 0, 1) + 0.05) - 0.07 * bowl)
    relief = np.dstack([along, down, 0.90 - 0.40 * bowl, np.full_like(level, 0.25)])
    return Layer(coloured(tone, inside(sheet, level)), relief.astype(np.float32))
