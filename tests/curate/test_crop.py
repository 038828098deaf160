"""Crops: the central square, the box of the landmarks, and the square that pictures must fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.demo.face import make_identity, render_face
from curate.frames.crop import cut_box, cut_frames, landmark_boxes
from curate.media.clip import Clip
from curate.media.decode import Frame
from curate.media.sharpness import fit_square


def grid(height: int, width: int) -> np.ndarray:
    """Make a picture whose first two channels are each pixel's row and column."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def corners(picture: np.ndarray) -> list[tuple[int, int]]:
    """Describe which row and column the picture begins and ends with."""
    return [(int(pixel[0]), int(pixel[1])) for pixel in (picture[0, 0], picture[-1, -1])]


def cut(crop: str, *pictures: np.ndarray | None) -> list[np.ndarray | None]:
    frames = [Frame(index, None, picture) for index, picture in enumerate(pictures)]
    given, parts = zip(*cut_frames(Clip("a", "a"), iter(frames), crop), strict=True)
    assert list(given) == frames
    return list(parts)


def test_none_keeps_the_frame_and_a_broken_one_is_none() -> None:
    whole, broken = cut("none", grid(40, 60), None)
    assert whole is not None
    assert whole.shape == (40, 60, 3)
    assert broken is None


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(40, 60, [(0, 10), (39, 49)]), (60, 40, [(10, 0), (49, 39)]), (40, 41, [(0, 0), (39, 39)])],
)
def test_center_is_the_central_square(
    height: int, width: int, expected: list[tuple[int, int]]
) -> None:
    square, broken = cut("center", grid(height, width), None)
    assert square is not None
    assert corners(square) == expected
    assert broken is None


def test_a_box_is_cut_out() -> None:
    square = cut_box(grid(40, 60), (30, 20, 10))
    assert square.shape == (10, 10, 3)
    assert corners(square) == [(15, 25), (24, 34)]


@pytest.mark.parametrize(
    "box", [(0, 20, 10), (60, 20, 10), (30, 0, 10), (30, 40, 10), (30, 20, 100)]
)
def test_a_box_over_the_edge_is_filled_with_the_edge(box: tuple[float, float, float]) -> None:
    square = cut_box(grid(40, 60), box)
    assert square.shape == (box[2], box[2], 3)
    first, last = corners(square)
    top, left = round(box[1] - box[2] / 2), round(box[0] - box[2] / 2)
    assert first == (max(0, top), max(0, left))
    assert last == (min(39, top + int(box[2]) - 1), min(59, left + int(box[2]) - 1))


def test_landmarks_cut_the_box_of_each_tracked_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["1,1,25,35,15,25", "2,0,25,35,15,25", "3,1,25,35,15,25"]
    path.write_text("frame,success,x_0,x_1,y_0,y_1\n" + "\n".join(rows))
    frames = [Frame(index, None, picture) for index, picture in enumerate([grid(40, 60)] * 3)]
    clip = Clip("a", "a", landmarks=path)
    tracked, lost, again = (part for _, part in cut_frames(clip, frames, "landmarks"))
    assert lost is None
    for square in (tracked, again):
        assert square is not None
        assert corners(square) == [(14, 24), (26, 36)]  # 10 pixels, widened 1.3 times


def test_haar_cuts_the_face_and_nothing_where_there_is_none() -> None:
    face = render_face(make_identity(1, seed=0), size=120)
    beside = np.hstack([np.full((120, 200, 3), 90, np.uint8), face])
    square, none, broken = cut("haar", beside, np.full((120, 320, 3), 90, np.uint8), None)
    assert square is not None
    assert square.shape[0] == square.shape[1]
    assert 60 < len(square) < 120
    assert (square[:, 0] != 90).any()
    assert none is None
    assert broken is None


def test_a_jumping_landmark_does_not_move_the_box(tmp_path: Path) -> None:
    rows = [f"{n},{90 if n == 6 else 10},{110 if n == 6 else 30},20,40" for n in range(1, 12)]
    path = tmp_path / "a.csv"
    path.write_text("frame,x_0,x_1,y_0,y_1\n" + "\n".join(rows))
    boxes = landmark_boxes(Clip("a", "a", landmarks=path))
    assert len(set(boxes.values())) == 1
    assert boxes[5] == pytest.approx((20, 30, 26))


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        (64, 64, (0, 32), (0, 32)),
        (16, 16, (0, 32), (0, 32)),
        (32, 64, (8, 24), (0, 32)),
        (64, 32, (0, 32), (8, 24)),
        (1, 640, (15, 16), (0, 32)),
    ],
)
def test_a_picture_fits_the_square_with_black_beside_it(
    height: int, width: int, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    square = fit_square(np.full((height, width, 3), 200, np.uint8), 32)
    assert square.shape == (32, 32, 3)
    inside = np.zeros((32, 32), bool)
    inside[slice(*rows), slice(*columns)] = True
    assert (square[inside] == 200).all()
    assert (square[~inside] == 0).all()
