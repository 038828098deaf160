"""Perceptual hashes by imagehash itself, on whole decodes: `decode: full`.

For those whose stored hashes must match bit for bit. Pillow decodes image files and shrinks every
picture, as imagehash's own examples do; it takes several times as long as `curate.media.hashing`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import imagehash
from cv2.typing import MatLike
from PIL import Image

from curate.media.decode import complete_bytes

_FUNCTIONS = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "whash": imagehash.whash,
    "average": imagehash.average_hash,
}


def hash_file(path: Path, kind: str = "phash") -> int | None:
    """Hash an image file as `imagehash.phash(Image.open(path))` does, or another `kind`.

    Returns 64 bits as a whole number, the first bit the most significant, as in imagehash's
    hexadecimal form; None when the file is no complete picture that Pillow reads.
    """
    if complete_bytes(path) is None:
        return None
    try:
        with Image.open(path) as picture:
            return hash_image(picture, kind)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # Pillow raises any of these on a damaged file


def hash_picture(picture: MatLike, kind: str = "phash") -> int:
    """Hash a decoded picture (height, width, 3) uint8 BGR as imagehash does; see above."""
    return hash_image(Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)), kind)


def hash_image(image: Image.Image, kind: str = "phash") -> int:
    """Hash a Pillow image with imagehash; see above."""
    return int(str(_FUNCTIONS[kind](image)), 16)
