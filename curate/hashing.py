"""Perceptual hashes: the picture's low frequencies as 64 bits, read at reduced scale.

The definition is imagehash's `phash`: the 8 x 8 lowest frequencies of the (unnormalised) discrete
cosine transform of a 32 x 32 grey thumbnail, each compared with their median. Thumbnails are area
averages instead of Lanczos, and JPEGs are decoded at reduced scale, which costs a bit or two.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from curate.decode import whole_picture

THUMBNAIL = 32
_LOW = 8
# A picture is decoded at the strongest reduction that leaves its shorter side this long (pixels).
_LEAST_SIDE = 80
_REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def _cosines() -> NDArray[np.float32]:
    """The first 8 rows of the DCT-II matrix of 32 samples, with SciPy's factor of 2."""
    frequency, sample = np.mgrid[:_LOW, :THUMBNAIL]
    angles = np.pi * frequency * (2 * sample + 1) / (2 * THUMBNAIL)
    return (2 * np.cos(angles)).astype(np.float32)


_COSINES = _cosines()


def thumbnail(gray: MatLike) -> MatLike:
    """Shrink a grey picture (height, width) uint8 to (32, 32) by area averages."""
    return cv2.resize(gray, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)


def perceptual_hashes(thumbnails: MatLike) -> NDArray[np.uint64]:
    """Hash thumbnails (n, 32, 32) uint8 to (n,) uint64.

    The first bit (lowest frequency) is the most significant, as in imagehash's hexadecimal form.
    """
    pictures = thumbnails.astype(np.float32)
    low = _COSINES @ pictures @ _COSINES.T
    flat = low.reshape(len(pictures), _LOW * _LOW)
    bits = flat > np.median(flat, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).reshape(-1)


def read_gray(path: Path) -> MatLike | None:
    """Read an image file as grey (height, width) uint8, as small as hashing allows.

    Answers None when the file is no whole picture that OpenCV reads.
    """
    data = whole_picture(path)
    if data is None:
        return None
    try:
        with Image.open(io.BytesIO(data)) as header:  # reads the size only, decodes nothing
            shorter_side = min(header.size)
        reduction = max(r for r in _REDUCED if r == 1 or shorter_side >= r * _LEAST_SIDE)
        return cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[reduction])
    # Pillow's "cannot identify" is an OSError; "decompression bomb" is a size beyond any picture.
    except (OSError, ValueError, cv2.error, Image.DecompressionBombError):
        return None


def hamming(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Count the bits in which hashes differ (broadcasting)."""
    return np.bitwise_count(one ^ other).astype(np.int64)
