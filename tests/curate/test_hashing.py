"""Perceptual hashes: imagehash's `phash` within a bit or two, at a reduced decode too."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image

from curate.decode import read_picture
from curate.face import Light, Pose, Renderer, make_identity
from curate.hashing import hamming, perceptual_hashes, read_gray, thumbnail


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    renderers = [Renderer(make_identity(subject), 192) for subject in range(10)]
    return [
        renderer.render({unit: 4}, Pose(yaw=0.1 * place - 0.1, shift_x=0.1 * place), Light(), place)
        for renderer in renderers
        for place, unit in enumerate((4, 12, 26))
    ]


def hash_of(gray: np.ndarray) -> np.uint64:
    return np.uint64(perceptual_hashes(thumbnail(gray)[None])[0])


def reference(picture: Image.Image) -> np.uint64:
    return np.uint64(int(str(imagehash.phash(picture)), 16))


def assert_near(ours: list[np.uint64], theirs: list[np.uint64], most: int = 2) -> None:
    bits = hamming(np.array(ours), np.array(theirs))
    assert bits.mean() <= most / 2
    assert np.percentile(bits, 95) <= most


def test_equals_imagehash_bit_for_bit_where_nothing_is_scaled() -> None:
    for seed in range(50):
        gray = np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)
        assert f"{hash_of(gray):016x}" == str(imagehash.phash(Image.fromarray(gray)))


@pytest.mark.parametrize("size", [96, 160, 192])
def test_near_imagehash_on_pictures(faces: list[np.ndarray], size: int) -> None:
    grays = [cv2.cvtColor(cv2.resize(f, (size, size)), cv2.COLOR_BGR2GRAY) for f in faces]
    assert_near([hash_of(g) for g in grays], [reference(Image.fromarray(g)) for g in grays])


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize(
    ("width", "height", "most"),
    # A reduced decode rounds an odd side up: the picture is stretched, by less than a pixel.
    [(100, 75, 2), (160, 160, 2), (640, 360, 2), (1280, 720, 2), (330, 247, 4), (700, 525, 4)],
)
def test_near_imagehash_at_the_reduced_decode(
    faces: list[np.ndarray], tmp_path: Path, suffix: str, width: int, height: int, most: int
) -> None:
    path, ours, theirs = tmp_path / f"a.{suffix}", [], []
    for face in faces:
        cv2.imwrite(str(path), cv2.resize(face, (width, height)))
        gray = read_gray(path)
        assert gray is not None
        ours.append(hash_of(gray))
        with Image.open(path) as picture:
            theirs.append(reference(picture))
    assert_near(ours, theirs, most)


@pytest.mark.parametrize(
    ("shorter", "reduction"),
    [(100, 1), (159, 1), (160, 2), (319, 2), (320, 4), (640, 8), (2000, 8)],
)
def test_decode_is_reduced_by_size_but_leaves_80_pixels(
    write_image: Callable[..., Path], tmp_path: Path, shorter: int, reduction: int
) -> None:
    gray = read_gray(write_image(tmp_path / "a.jpg", width=2 * shorter, height=shorter))
    assert gray is not None
    assert gray.shape == (-(-shorter // reduction), -(-2 * shorter // reduction))


def test_a_hash_does_not_depend_on_its_batch(picture: Callable[..., np.ndarray]) -> None:
    grays = [cv2.cvtColor(picture(seed), cv2.COLOR_BGR2GRAY) for seed in range(300)]
    batch = perceptual_hashes(np.stack([thumbnail(g) for g in grays]))
    assert batch.tolist() == [int(hash_of(g)) for g in grays]


def test_no_pictures_have_no_hashes() -> None:
    assert perceptual_hashes(np.zeros((0, 32, 32), np.uint8)).shape == (0,)


@pytest.mark.parametrize(
    ("one", "other", "bits"), [(0, 0, 0), (0, 2**64 - 1, 64), (0b1011, 0b0010, 2), (1 << 63, 0, 1)]
)
def test_hamming_counts_bits(one: int, other: int, bits: int) -> None:
    assert hamming(np.array([one], np.uint64), np.array([other], np.uint64)).tolist() == [bits]


def test_a_png_that_claims_to_be_endless_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    checked = header + zlib.crc32(header).to_bytes(4, "big")
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\r" + checked + b"\0\0\0\0IEND\xaeB`\x82")
    with pytest.raises(Image.DecompressionBombError):
        Image.open(path)
    assert read_gray(path) is None
    assert read_picture(path) is None
