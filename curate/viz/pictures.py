"""Pictures of frames: read, told apart, named."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

AMPLIFIED = 4
_LONGEST_NAME = 34


def decode(jpeg: bytes) -> NDArray[np.uint8]:
    """Decode a stored crop to (height, width, 3) uint8, RGB."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(picture, np.uint8)


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Amplify what differs between two pictures (height, width, 3): white is the same."""
    if one.shape != other.shape:
        other = np.asarray(cv2.resize(other, one.shape[1::-1]), np.uint8)
    apart = np.abs(one.astype(np.int16) - other.astype(np.int16)) * AMPLIFIED
    return (255 - np.minimum(apart, 255)).astype(np.uint8)


def shorten(name: str) -> str:
    """Cut the middle out of a long frame id, so that its clip and number stay readable."""
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[:half]}…{name[1 - half :]}"
