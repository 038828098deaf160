"""How sharp a picture is, measured at one size so that footage of any resolution compares."""

from __future__ import annotations

import cv2
import numpy as np

from curate.media.decode import Picture


def sharpness_of(square: Picture) -> float:
    """Measure a picture of the stored size, uint8 BGR: variance of its Laplacian.

    The unit is grey levels squared, as in the column `sharpness` of the frames table.
    """
    gray = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_32F).var())


def sharpness_at(picture: Picture, side: int) -> float:
    """Measure a picture (h, w, 3) of any size as the stage `frames` would store it."""
    return sharpness_of(fit_square(picture, side))


def fit_square(picture: Picture, side: int) -> Picture:
    """Scale a picture to fit a square of `side` pixels, black where its shape leaves room."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = picture if size == (width, height) else cv2.resize(picture, size, interpolation=how)
    if size == (side, side):
        return small
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square = np.zeros((side, side, 3), np.uint8)
    square[top : top + size[1], left : left + size[0]] = small
    return square
