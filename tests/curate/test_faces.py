"""Faces: the largest is found, neighbours in time steady its box, and all of it streams."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import cv2.data
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.base.errors import UserError
from curate.demo.face import make_identity, render_face
from curate.frames.faces import Box, face_boxes, steady
from curate.media.decode import Frame

HELD_BACK = 4 + 8  # frames: half the window, and the longest gap that is bridged
HERE: Box = (50, 60, 40)
THERE: Box = (150, 60, 40)
Boxes = list[Box | None]


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """Render a neutral face that looks into the camera, (120, 120, 3)."""
    return render_face(make_identity(1, seed=0), size=120)


def paste(face: np.ndarray, *squares: tuple[int, int, int]) -> np.ndarray:
    """Put the face into a grey picture, at each left, top, side."""
    picture = np.full((240, 480, 3), 128, np.uint8)
    for left, top, side in squares:
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        picture[top : top + side, left : left + side] = small
    return picture


def found(*pictures: np.ndarray | None) -> Boxes:
    frames = (Frame(index, None, picture) for index, picture in enumerate(pictures))
    return [box for _, box in face_boxes(frames, moving=False)]


def steadied(boxes: Boxes, moving: bool = True) -> Boxes:
    items, steadied = zip(*steady(enumerate(boxes), moving), strict=True)
    assert items == tuple(range(len(boxes)))
    return list(steadied)


@pytest.mark.parametrize(("left", "top", "side"), [(0, 0, 240), (200, 30, 120), (300, 100, 90)])
def test_the_box_is_around_the_face(face: np.ndarray, left: int, top: int, side: int) -> None:
    (box,) = found(paste(face, (left, top, side)))
    assert box is not None
    assert box[0] == pytest.approx(left + side / 2, abs=side / 8)
    assert box[1] == pytest.approx(top + side / 2, abs=side / 5)
    assert side / 2 < box[2] < side


def test_the_largest_of_two_faces(face: np.ndarray) -> None:
    (box,) = found(paste(face, (20, 60, 120), (280, 40, 160)))
    assert box is not None
    assert 280 < box[0] < 440


def test_a_picture_without_a_face_and_none_at_all(face: np.ndarray) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 480, 3), np.uint8)
    assert found(paste(face)) == [None]
    assert found(noise) == [None]
    assert found(None) == [None]
    assert found(np.zeros((1, 1, 3), np.uint8)) == [None]
    assert found() == []


def test_a_face_in_poor_light_is_found(face: np.ndarray) -> None:
    bright = paste(face, (200, 30, 120))
    dark = (bright * 0.06).astype(np.uint8)
    (box,), (expected,) = found(dark), found(bright)
    assert box == pytest.approx(expected, rel=0.2)


def test_pictures_are_unrelated_where_their_faces_are(face: np.ndarray) -> None:
    places = [(0, 0, 240), (300, 100, 90), (20, 60, 120), (280, 40, 160)]
    alone = [found(paste(face, place))[0] for place in places]
    assert found(*(paste(face, place) for place in places)) == alone


def test_an_opencv_without_the_cascade_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2.data, "haarcascades", "gone/")
    with pytest.raises(UserError, match=r"gone/.*: crop is 'haar' but OpenCV .* without this"):
        found()


@pytest.mark.parametrize("missed", [1, 2, 8])
def test_a_short_gap_is_bridged_on_a_straight_line(missed: int) -> None:
    after: Box = (54, 60, 44)
    boxes = steadied([HERE] * 9 + [None] * missed + [after] * 9)
    assert None not in boxes
    sides = [box[2] for box in boxes if box is not None]
    assert sides == sorted(sides)
    middle = boxes[9 : 9 + missed]
    expected = np.linspace(np.array(boxes[8]), np.array(boxes[9 + missed]), missed + 2)[1:-1]
    assert np.allclose(np.array(middle), expected)


def test_a_longer_gap_is_not() -> None:
    assert steadied([HERE] * 9 + [None] * 9 + [HERE] * 9) == [HERE] * 9 + [None] * 9 + [HERE] * 9


@pytest.mark.parametrize("missed", [1, 8])
def test_a_gap_between_two_places_or_at_an_end_is_not(missed: int) -> None:
    gap: Boxes = [None] * missed
    cut = [HERE] * 9 + gap + [THERE] * 9
    assert steadied(cut) == cut
    ends = gap + [HERE] * 9 + gap
    assert steadied(ends) == ends


@pytest.mark.parametrize("jump", [THERE, (50, 60, 20), (50, 60, 80), (50, 100, 40)], ids=str)
@pytest.mark.parametrize("at", [0, 7, 14])
def test_a_jump_is_outvoted(jump: Box, at: int) -> None:
    boxes: Boxes = [HERE] * 15
    boxes[at] = jump
    assert steadied(boxes) == [HERE] * 15
    assert steadied(boxes, moving=False) == [HERE] * 15


def test_jitter_is_smoothed() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal((50, 60), 1.5, (200, 2))
    boxes: Boxes = []
    boxes.extend((x, y, 40.0) for x, y in centres)
    before, after = (np.array(b, float) for b in (boxes, steadied(boxes)))
    assert np.abs(np.diff(after[:, :2], axis=0)).mean() < np.diff(before[:, :2]).std() / 4


def test_a_cut_stays_where_it_is() -> None:
    boxes: Boxes = [*[HERE] * 12, *[THERE] * 12]
    assert steadied(boxes) == boxes


def test_different_people_are_left_as_found() -> None:
    boxes: Boxes = [(40 + 37 * n % 300, 50 + 53 * n % 200, 20 + 30 * n % 90) for n in range(20)]
    assert steadied(boxes, moving=False) == boxes
    assert steadied(boxes) == boxes


def test_a_lone_face_is_a_false_alarm_in_a_video_and_a_face_among_images() -> None:
    boxes: Boxes = [None] * 9 + [HERE] + [None] * 9
    assert steadied(boxes) == [None] * 19
    assert steadied(boxes, moving=False) == boxes
    assert steadied([HERE]) == [HERE]
    twice: Boxes = [None] * 9 + [HERE, HERE] + [None] * 9
    assert steadied(twice) == twice


NEAR = st.tuples(st.integers(45, 55), st.integers(55, 65), st.integers(38, 44))
ANY = st.one_of(st.none(), NEAR, st.sampled_from([THERE]))
FLOATS = st.lists(ANY.map(lambda box: None if box is None else tuple(map(float, box))), max_size=60)


@settings(deadline=None)
@given(boxes=FLOATS, moving=st.booleans(), cut=st.integers(0, 60))
def test_what_comes_later_changes_nothing(boxes: Boxes, moving: bool, cut: int) -> None:
    whole = [box for _, box in steady(enumerate(boxes), moving)]
    first = [box for _, box in steady(enumerate(boxes[:cut]), moving)]
    assert len(whole) == len(boxes)
    settled = max(0, len(first) - HELD_BACK)
    assert first[:settled] == whole[:settled]


@settings(deadline=None)
@given(boxes=FLOATS, moving=st.booleans())
def test_a_dozen_frames_are_held_back_at_most(boxes: Boxes, moving: bool) -> None:
    read: list[int] = []

    def counted() -> Iterator[tuple[int, Box | None]]:
        for index, box in enumerate(boxes):
            read.append(index)
            yield index, box

    for item, _ in steady(counted(), moving):
        assert read[-1] - item <= HELD_BACK
