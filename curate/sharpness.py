"""How sharp a picture is, measured at one size so that footage of any resolution compares."""

from __future__ import annotations

import cv2

from curate.crop import fit_square
from curate.decode import Picture


def sharpness_of(picture: Picture, side: int) -> float:
    """Measure a picture (h, w, 3) uint8 BGR: variance of the Laplacian at `side` pixels squared.

    The unit is grey levels squared, as in the column `sharpness` of the frames table.
    """
    gray = cv2.cvtColor(fit_square(picture, side), cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_32F).var())
