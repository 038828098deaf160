"""Crops: the central square, the box of the landmarks, and the square that pictures must fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.crop import crop_frame, fit_square, landmark_boxes
from curate.sources.clip import Clip


def grid(height: int, width: int) -> np.ndarray:
    """Make a picture whose first two channels are each pixel's row and column."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def corners(picture: np.ndarray) -> list[tuple[int, int]]:
    """Say which row and column the picture begins and ends with."""
    return [(int(pixel[0]), int(pixel[1])) for pixel in (picture[0, 0], picture[-1, -1])]


def test_none_keeps_the_frame() -> None:
    assert crop_frame(grid(40, 60), "none", (5, 5, 2)).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(40, 60, [(0, 10), (39, 49)]), (60, 40, [(10, 0), (49, 39)]), (40, 41, [(0, 0), (39, 39)])],
)
def test_center_is_the_central_square(
    height: int, width: int, expected: list[tuple[int, int]]
) -> None:
    assert corners(crop_frame(grid(height, width), "center", None)) == expected


def test_landmarks_cut_the_box() -> None:
    cut = crop_frame(grid(40, 60), "landmarks", (30, 20, 10))
    assert cut.shape == (10, 10, 3)
    assert corners(cut) == [(15, 25), (24, 34)]


@pytest.mark.parametrize(
    "box", [(0, 20, 10), (60, 20, 10), (30, 0, 10), (30, 40, 10), (30, 20, 100)]
)
def test_a_box_over_the_edge_is_filled_with_the_edge(box: tuple[float, float, float]) -> None:
    cut = crop_frame(grid(40, 60), "landmarks", box)
    assert cut.shape == (box[2], box[2], 3)
    first, last = corners(cut)
    top, left = round(box[1] - box[2] / 2), round(box[0] - box[2] / 2)
    assert first == (max(0, top), max(0, left))
    assert last == (min(39, top + int(box[2]) - 1), min(59, left + int(box[2]) - 1))


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
