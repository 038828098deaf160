"""The face itself: each action unit moves its own part, more when stronger."""

from __future__ import annotations

import numpy as np
import pytest

from curate.demo.face import ACTION_UNITS, Light, Pose, Renderer, make_identity, render_face
from curate.demo.face.brows import Brow, make_brow
from curate.demo.face.eyes import Lids, make_lids
from curate.demo.face.mouth import Mouth, lip_curves, make_mouth
from curate.demo.face.project import CENTRE_Y, head_plane, turn
from curate.demo.face.render import as_array
from curate.demo.face.sheet import UNIT_SHARE

SIZE = 128
SUBJECT = make_identity(3)
UPPER, CHEEKS, NOSE, LOWER = (-1.0, 0.25), (-0.35, 0.75), (-0.45, 0.85), (0.35, 1.75)
"""Bands of the face, in half face widths below the eyes."""

BAND = {
    1: UPPER, 2: UPPER, 4: UPPER, 5: UPPER, 6: CHEEKS, 9: NOSE,
    12: LOWER, 15: LOWER, 17: LOWER, 20: LOWER, 25: LOWER, 26: LOWER,
}  # fmt: skip


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(SUBJECT, SIZE)


def change(renderer: Renderer, unit: int, intensity: float) -> np.ndarray:
    """Mean change of each picture row, (SIZE,), against the neutral face."""
    neutral = renderer.render({}, Pose(), Light()).astype(int)
    moved = renderer.render({unit: intensity}, Pose(), Light()).astype(int)
    return np.abs(moved - neutral).mean(axis=(1, 2))


def mouth_at(**intensities: float) -> Mouth:
    values = {int(name[2:]): intensity for name, intensity in intensities.items()}
    return make_mouth(SUBJECT, as_array(values) / 5)


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_each_action_unit_changes_its_own_part(renderer: Renderer, unit: int) -> None:
    rows = change(renderer, unit, 5)
    top, bottom = (int(SIZE * (CENTRE_Y + v * UNIT_SHARE)) for v in BAND[unit])
    assert rows[top:bottom].sum() > 0.85 * rows.sum()


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_each_action_unit_changes_more_when_stronger(renderer: Renderer, unit: int) -> None:
    faint, strong = change(renderer, unit, 2).sum(), change(renderer, unit, 5).sum()
    assert 0 < faint < strong


def test_lip_corners_rise_with_12_fall_with_15_and_spread_with_20() -> None:
    rest = mouth_at()
    assert max(mouth_at(au12=5).corner) < min(rest.corner) - 0.08
    assert min(mouth_at(au15=5).corner) > max(rest.corner) + 0.06
    assert min(mouth_at(au20=5).half) > 1.2 * max(rest.half)


def test_lips_part_with_25_and_farther_with_26() -> None:
    def gap(mouth: Mouth) -> float:
        return mouth.gap_up + mouth.gap_down

    assert gap(mouth_at()) == 0
    assert 0.05 < gap(mouth_at(au25=2)) < gap(mouth_at(au25=5)) < gap(mouth_at(au25=5, au26=5))


def test_lip_edges_never_cross() -> None:
    rng = np.random.default_rng(0)
    u, v = np.meshgrid(np.linspace(-0.6, 0.6, 61), np.linspace(0.4, 1.4, 5))
    for _ in range(100):
        strength = rng.integers(0, 2, len(ACTION_UNITS)).astype(np.float32)
        mouth = make_mouth(SUBJECT, strength)
        curves = lip_curves(mouth, u.astype(np.float32), v.astype(np.float32))
        assert (curves.top <= curves.seam_upper + 1e-6).all()
        assert (curves.seam_upper <= curves.seam_lower + 1e-6).all()
        assert (curves.seam_lower <= curves.bottom + 1e-6).all()


def test_brows_and_lids_move_as_labelled() -> None:
    def brow(unit: int) -> Brow:
        return make_brow(SUBJECT, as_array({unit: 5}) / 5)

    def lids(unit: int, blink: float = 0.0) -> Lids:
        return make_lids(SUBJECT, as_array({unit: 5}) / 5, Pose(blink=blink))

    rest_brow, rest_lids = (
        make_brow(SUBJECT, as_array({})),
        make_lids(SUBJECT, as_array({}), Pose()),
    )
    assert brow(1).inner < rest_brow.inner - 0.1
    assert brow(1).outer == rest_brow.outer
    assert brow(2).outer < rest_brow.outer - 0.1
    assert brow(4).inner > rest_brow.inner
    assert brow(4).start < rest_brow.start
    assert lids(5).upper > rest_lids.upper + 0.2
    assert lids(6).lower < 0.6 * rest_lids.lower
    assert lids(5, blink=1.0).upper < 0


def test_subjects_differ() -> None:
    faces = [render_face(make_identity(number), size=64).astype(int) for number in range(1, 9)]
    for index, face in enumerate(faces):
        for other in faces[:index]:
            assert np.abs(face - other).mean() > 8


def test_identity_depends_on_seed_and_number_only() -> None:
    again = make_identity(5, seed=2)
    assert again.skin == make_identity(5, seed=2).skin
    assert again.chin != make_identity(5, seed=3).chin
    assert again.chin != make_identity(6, seed=2).chin


def test_render_face_takes_an_array_or_a_mapping() -> None:
    values = np.zeros(len(ACTION_UNITS), np.float32)
    values[ACTION_UNITS.index(12)] = 4
    picture = render_face(SUBJECT, values, size=64)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, render_face(SUBJECT, {12: 4}, size=64))


def test_the_head_turns_toward_where_yaw_says(renderer: Renderer) -> None:
    pose = Pose(yaw=18)
    u, _ = turn(head_plane(pose, SIZE), pose, renderer.depth, renderer.coarse)
    row = int(SIZE * (CENTRE_Y + 0.35 * UNIT_SHARE))
    nose = int(np.abs(u[row]).argmin())
    assert nose > SIZE / 2 + 4


def test_unknown_action_unit_is_named() -> None:
    with pytest.raises(ValueError, match="unknown action unit 3"):
        render_face(SUBJECT, {3: 1.0}, size=64)
