"""How sharp a picture is, measured at one size so that footage of any resolution compares."""

from __future__ import annotations

import cv2

from curate.crop import fit_square
from curate.decode import Picture


def sharpness_of(square: Picture) -> float:
    """Measure a picture of the stored size, uint8 BGR: variance of its Laplacian.

    The unit is grey levels squared, as in the column `sharpness` of the frames table.
    """
    gray = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_32F).var())


def sharpness_at(picture: Picture, side: int) -> float:
    """Measure a picture (h, w, 3) of any size as the stage `frames` would store it."""
    return sharpness_of(fit_square(picture, side))
