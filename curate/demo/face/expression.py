"""What each action unit does to the skin: how it shifts, bulges, folds and darkens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.demo.face.hair import hair_cover
from curate.demo.face.head import twin_groove
from curate.demo.face.identity import Identity
from curate.demo.face.sheet import Plane, Sheet, bell, groove, noise, slopes, smoothstep, twin
from curate.demo.face.units import ACTION_UNITS


@dataclass(frozen=True)
class Expression:
    """Skin changes at intensity 5, one entry an action unit, in the order of ACTION_UNITS.

    `shift` is (12, rows, columns, 2) float32 on a coarse sheet: movement along u and v, in half
    face widths. `relief` holds, on the fine sheet, (rows, columns, 4) arrays to add to the
    relief of a Layer, or None where the skin keeps its relief.
    """

    shift: Plane
    relief: tuple[Plane | None, ...]


def make_expression(coarse: Sheet, fine: Sheet, identity: Identity) -> Expression:
    """Prepare the skin changes of one subject."""
    bulges = _bulges(fine, identity)
    folds = _folds(fine, identity)
    skin = 1 - hair_cover(fine, identity)
    relief = tuple(
        _as_relief(fine, skin, bulges.get(unit), folds.get(unit)) for unit in ACTION_UNITS
    )
    shifts = _shifts(coarse, identity)
    return Expression(np.stack([shifts[unit] for unit in ACTION_UNITS]), relief)


def _as_relief(sheet: Sheet, skin: Plane, bulge: Plane | None, fold: Plane | None) -> Plane | None:
    """Slopes of the bulges less the folds, where there is `skin`; folds also keep light out."""
    if bulge is None and fold is None:
        return None
    zero = np.zeros_like(sheet.u)
    hill = zero if bulge is None else bulge
    crease = zero if fold is None else fold
    along, down = slopes(sheet, hill - 0.026 * crease)
    relief = np.dstack([along, down, -0.36 * crease, zero]) * skin[..., None]
    return relief.astype(np.float32)


def _bulges(sheet: Sheet, identity: Identity) -> dict[int, Plane]:
    """Heights that rise (or sink) at intensity 5."""
    mouth, chin = identity.mouth_height, identity.chin
    rng = np.random.default_rng([identity.texture_seed, 6])
    dimples = noise(rng, sheet.u.shape, 0.028 * sheet.density)
    boss = bell(sheet, (0, chin - 0.20), (0.17, 0.10))
    return {
        4: 0.05 * bell(sheet, (0, -0.24), (0.10, 0.07))
        - 0.05 * twin(sheet, (0.3, -0.1), (0.14, 0.05)),
        6: 0.10 * twin(sheet, (0.47, 0.27), (0.17, 0.10), 0.2),
        9: 0.05 * twin(sheet, (0.13, 0.20), (0.07, 0.09))
        + 0.05 * twin(sheet, (0.20, 0.38), (0.07, 0.07)),
        12: 0.10 * twin(sheet, (0.50, 0.42), (0.16, 0.13), 0.5),
        15: 0.05 * twin(sheet, (0.36, mouth + 0.17), (0.09, 0.06)),
        17: 0.10 * boss + 0.014 * boss * dimples,
        20: 0.04 * twin(sheet, (0.54, mouth), (0.06, 0.14)),
        26: -0.07 * twin(sheet, (0.58, 0.62), (0.14, 0.20)),
    }


def _folds(sheet: Sheet, identity: Identity) -> dict[int, Plane]:
    """Depth of the wrinkles at intensity 5, 1 at the deepest."""
    mouth, base, brow = identity.mouth_height, identity.nose_length, -identity.brow_height
    forehead = [brow - 0.15 - 0.10 * row for row in range(3)]
    middle = [
        groove(sheet, [(-0.34, v + 0.03), (0, v - 0.02), (0.34, v + 0.03)], 0.022) for v in forehead
    ]
    outer = [
        twin_groove(sheet, [(0.30, v), (0.54, v - 0.02), (0.76, v + 0.07)], 0.022) for v in forehead
    ]
    eye = identity.eye_spacing + identity.eye_width
    feet = [
        twin_groove(
            sheet, [(eye + 0.04, 0.5 * d), (eye + 0.09, 1.0 * d), (eye + 0.15, 1.8 * d)], 0.016
        )
        for d in (-0.09, 0.0, 0.08)
    ]
    pouch = twin_groove(sheet, [(0.24, 0.15), (0.42, 0.205), (0.60, 0.14)], 0.024)
    bridge = [
        groove(sheet, [(-0.11, v + 0.02), (0, v), (0.11, v + 0.02)], 0.020) for v in (-0.06, 0.03)
    ]
    oblique = [
        twin_groove(sheet, [(0.07, v), (0.15, v + 0.05), (0.22, v + 0.12)], 0.020)
        for v in (0.06, 0.15)
    ]
    wing = twin_groove(
        sheet, [(0.20, base - 0.10), (0.27, base + 0.02), (0.33, base + 0.13)], 0.030
    )
    smile = twin_groove(sheet, [(0.23, base - 0.05), (0.40, 0.60), (0.49, mouth + 0.01)], 0.030)
    return {
        1: _deepest(middle),
        2: _deepest(outer),
        4: twin_groove(sheet, [(0.085, -0.38), (0.070, -0.28), (0.085, -0.15)], 0.024),
        6: _deepest([*feet, 0.8 * pouch]),
        9: _deepest([*bridge, *oblique, wing]),
        12: smile,
        15: twin_groove(
            sheet, [(0.36, mouth + 0.08), (0.42, mouth + 0.17), (0.41, mouth + 0.28)], 0.032
        ),
        17: groove(sheet, [(-0.20, mouth + 0.25), (0, mouth + 0.19), (0.20, mouth + 0.25)], 0.026),
        20: twin_groove(sheet, [(0.50, mouth - 0.14), (0.57, mouth), (0.54, mouth + 0.16)], 0.032),
    }


def _deepest(folds: list[Plane]) -> Plane:
    return np.asarray(np.maximum.reduce(folds), np.float32)


def _shifts(sheet: Sheet, identity: Identity) -> dict[int, Plane]:
    """Movement of the skin at intensity 5."""
    mouth, chin = identity.mouth_height, identity.chin
    outward = np.tanh(sheet.u / 0.15).astype(np.float32)
    still = np.zeros_like(sheet.u)
    jaw = smoothstep(mouth - 0.14, chin - 0.05, sheet.v)
    jaw = jaw * (1 - 0.6 * smoothstep(0.35, 0.95, np.abs(sheet.u)))
    smile = twin(sheet, (0.46, mouth - 0.12), (0.20, 0.20))
    frown = twin(sheet, (0.22, -0.25), (0.16, 0.12))
    fields = {
        1: (still, -0.10 * bell(sheet, (0, -0.42), (0.32, 0.20))),
        2: (still, -0.09 * twin(sheet, (0.62, -0.40), (0.22, 0.20))),
        4: (-0.03 * outward * frown, 0.08 * bell(sheet, (0, -0.28), (0.36, 0.16))),
        5: (still, still),
        6: (still, -0.06 * twin(sheet, (0.48, 0.26), (0.22, 0.13))),
        9: (
            0.03 * outward * twin(sheet, (0.18, 0.42), (0.10, 0.10)),
            -0.10 * bell(sheet, (0, 0.42), (0.26, 0.17)),
        ),
        12: (0.06 * outward * smile, -0.08 * smile),
        15: (still, 0.06 * twin(sheet, (0.38, mouth + 0.10), (0.14, 0.12))),
        17: (still, -0.09 * bell(sheet, (0, chin - 0.16), (0.26, 0.14))),
        20: (0.09 * outward * twin(sheet, (0.48, mouth + 0.02), (0.18, 0.18)), still),
        25: (still, 0.03 * bell(sheet, (0, mouth + 0.22), (0.3, 0.14))),
        26: (-0.13 * sheet.u * jaw, 0.27 * jaw),
    }
    return {unit: np.dstack(pair).astype(np.float32) for unit, pair in fields.items()}
