"""Perceptual hashes: what a picture looks like as 64 bits, from a decode at reduced scale.

The definitions are those of imagehash: `phash`, `dhash`, `whash` and `average_hash` of 8 x 8
bits. On a full decode they give imagehash's own bits (`whash` now and then one or two others).
JPEGs are decoded at reduced scale, which costs half a bit on average.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import scipy.fft
from cv2.typing import MatLike
from numpy.typing import NDArray

from curate.media.decode import complete_bytes

Bits = NDArray[np.bool_]
_SIDE = 8  # a hash is 8 x 8 bits
_BATCH = 32  # pictures shrunk or hashed at once: as many as stay in a processor's cache
# A JPEG is decoded at the strongest reduction that leaves its shorter side this long (pixels).
_LEAST_SIDE = 40
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    1: cv2.IMREAD_GRAYSCALE,
}
_JPEG = b"\xff\xd8"  # how a JPEG begins
# Markers of a JPEG's frame header: SOF0 to SOF15, without DHT, JPG and DAC.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Weights are whole multiples of a step, as Pillow's are: sums are exact in whatever order they
# are taken, so a thumbnail is the same on every machine.
_WEIGHT_STEP = 2.0**-22
# OpenBLAS starts threads for products above this size, which only get in each other's way here.
_SMALL_PRODUCT = 2**18


def perceptual_hashes(thumbnails: MatLike, kind: str = "phash") -> NDArray[np.uint64]:
    """Hash thumbnails (n, height, width) uint8 of one kind to (n,) uint64.

    The first bit (lowest frequency, or top left) is the most significant, as in imagehash's
    hexadecimal form.
    """
    hashes = np.empty(len(thumbnails), np.uint64)
    for at in range(0, len(thumbnails), _BATCH):
        batch = thumbnails[at : at + _BATCH]
        bits = _KINDS[kind].bits(batch).reshape(len(batch), _SIDE * _SIDE)
        hashes[at : at + _BATCH] = np.packbits(bits, axis=1).view(">u8").reshape(-1)
    return hashes


def _phash(thumbnails: MatLike) -> Bits:
    """The 8 x 8 lowest frequencies of the cosine transform, each above their median or not."""
    low = scipy.fft.dct(thumbnails.astype(np.float64), axis=1)[:, :_SIDE]
    return _above_median(scipy.fft.dct(low, axis=2)[:, :, :_SIDE])


def _dhash(thumbnails: MatLike) -> Bits:
    """Each pixel brighter than its left neighbour, or not."""
    return np.asarray(thumbnails[:, :, 1:] > thumbnails[:, :, :-1])


def _whash(thumbnails: MatLike) -> Bits:
    """The Haar low-pass at 8 x 8, each above their median or not.

    That low-pass is the sum of each block. imagehash takes the mean out first, which moves all
    sums and their median alike.
    """
    count, side, _ = thumbnails.shape
    blocks = thumbnails.reshape(count, _SIDE, side // _SIDE, _SIDE, side // _SIDE)
    return _above_median(blocks.sum(axis=(2, 4), dtype=np.int64))


def _average(thumbnails: MatLike) -> Bits:
    """Each pixel brighter than their mean, or not."""
    return np.asarray(thumbnails > thumbnails.mean(axis=(1, 2), keepdims=True))


def _above_median(values: NDArray[np.float64] | NDArray[np.int64]) -> Bits:
    flat = values.reshape(len(values), _SIDE * _SIDE)
    return np.asarray(flat > np.median(flat, axis=1, keepdims=True))


@dataclass(frozen=True)
class _Kind:
    """A kind of hash: the thumbnail that it looks at, and the bits that it sees there."""

    bits: Callable[[MatLike], Bits]
    width: int
    height: int


_KINDS = {
    "phash": _Kind(_phash, 32, 32),
    "dhash": _Kind(_dhash, _SIDE + 1, _SIDE),
    "whash": _Kind(_whash, 32, 32),
    "average": _Kind(_average, _SIDE, _SIDE),
}


def thumbnail(gray: MatLike, kind: str = "phash") -> MatLike:
    """Shrink a grey picture (height, width) uint8 to what a kind of hash looks at, uint8."""
    return thumbnails([gray], kind)[0]


def thumbnails(grays: Sequence[MatLike], kind: str = "phash") -> NDArray[np.uint8]:
    """Shrink n grey pictures as `thumbnail` does, to (n, height, width) uint8.

    Pictures of one size that follow each other are shrunk together, which saves a third of a
    small picture's time.
    """
    look = _KINDS[kind]
    batches = (grays[at : at + _BATCH] for at in range(0, len(grays), _BATCH))
    alike = (list(run) for batch in batches for _, run in groupby(batch, key=np.shape))
    small = [_shrink(np.stack(run), kind) for run in alike]
    return np.concatenate([np.empty((0, look.height, look.width), np.uint8), *small])


def _shrink(grays: MatLike, kind: str) -> NDArray[np.uint8]:
    look, (_, height, width) = _KINDS[kind], grays.shape
    if kind != "whash":
        return _resample(grays, (look.width, width), (look.height, height))
    # imagehash shrinks to a power of two and averages from there: areas, all in all.
    size = (look.width, look.height)
    areas = [cv2.resize(gray, size, interpolation=cv2.INTER_AREA) for gray in grays]
    return np.stack(areas).astype(np.uint8, copy=False)


def _resample(
    grays: MatLike, across: tuple[int, float], down: tuple[int, float]
) -> NDArray[np.uint8]:
    """Resize (n, height, width) with Pillow's Lanczos filter, columns first.

    `across` and `down` are the new number of samples, and how many old ones they shall cover.
    Several times faster than Pillow on small pictures.
    """
    for samples, length in (across, down):
        count, lines, old = grays.shape
        levels = _product(grays.reshape(count * lines, old), _lanczos(samples, length, old))
        levels += 0.5
        rounded = levels.clip(0, 255, out=levels).astype(np.uint8)
        grays = rounded.reshape(count, lines, samples).transpose(0, 2, 1)
    return np.ascontiguousarray(grays, np.uint8)


@lru_cache(maxsize=64)
def _lanczos(samples: int, length: float, old: int) -> NDArray[np.float64]:
    """Weights (old, samples) of the first `length` of `old` samples."""
    scale = length / samples
    centres = (np.arange(samples) + 0.5) * scale
    offsets = (np.arange(old)[:, None] + 0.5 - centres) / max(scale, 1.0)
    weights = np.where(np.abs(offsets) < 3, np.sinc(offsets) * np.sinc(offsets / 3), 0.0)
    return np.rint(weights / weights.sum(axis=0) / _WEIGHT_STEP) * _WEIGHT_STEP


def _product(pixels: MatLike, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = max(1, _SMALL_PRODUCT // weights.size)
    product = np.empty((len(pixels), weights.shape[1]))
    for at in range(0, len(pixels), rows):
        part = pixels[at : at + rows].astype(np.float64)
        np.matmul(part, weights, out=product[at : at + rows])
    return product


def read_gray(path: Path) -> MatLike | None:
    """Read an image file as grey (height, width) uint8, as small as hashing allows.

    Returns None when the file is no complete picture that OpenCV reads. A rotation noted in the
    file's EXIF data is ignored, as imagehash does.
    """
    data = complete_bytes(path)
    if data is None:
        return None
    try:
        return _read_jpeg(data) if data.startswith(_JPEG) else _read_other(data)
    except cv2.error:  # a size beyond any picture
        return None


def _read_jpeg(data: bytes) -> MatLike | None:
    """Decode a JPEG at reduced scale."""
    width, height = _jpeg_size(data)
    fitting = (r for r in _REDUCED if min(width, height) >= r * _LEAST_SIDE)
    reduction = next(fitting, 1)  # the strongest
    flags = _REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    gray = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if gray is None or (width % reduction == 0 and height % reduction == 0):
        return gray
    # A reduced decode rounds up: its last row or column lies partly outside of the picture.
    across, down = width / reduction, height / reduction
    return _resample(gray[None], (int(across), across), (int(down), down))[0]


def _read_other(data: bytes) -> MatLike | None:
    """Decode in full, and in colour: OpenCV has libpng round grey down, half a level too dark."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    color = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if color is None else cv2.cvtColor(color, cv2.COLOR_BGR2GRAY)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Read a JPEG's width and height from its frame header (ITU-T T.81, B.2.2); 0, 0 without.

    Pillow's header reading takes as long as half of a small picture's decode.
    """
    at = len(_JPEG)
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        # A marker may be preceded by any number of bytes 0xFF.
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0
