"""`decode: full`: imagehash's own bits, for files, videos and the pipeline's crops."""

from __future__ import annotations

import os

import cv2
import imagehash
import numpy as np
import polars as pl
import pytest
from PIL import Image

from curate.base.params import Parameters
from curate.footage.hash import hash_all
from curate.footage.measure import Wanted
from curate.footage.open import open_footage
from curate.frames.extract import extract_clip
from curate.media.clip import Clip
from curate.media.full_hash import hash_file, hash_picture

REFERENCES = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "whash": imagehash.whash,
    "average": imagehash.average_hash,
}


def bits(picture: Image.Image, kind: str) -> int:
    return int(str(REFERENCES[kind](picture)), 16)


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.jpg", "RGB"), ("a.jpg", "L"), ("a.png", "RGBA"), ("a.png", "P"), ("a.webp", "RGB")],
)
def test_a_files_hash_is_imagehashs_own(tmp_path, picture, kind, name, mode):
    path = tmp_path / name
    Image.fromarray(picture(3, 451, 333)).convert(mode).save(path)
    with Image.open(path) as opened:
        assert hash_file(path, kind) == bits(opened, kind)


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_decoded_pictures_hash_is_imagehashs_own(picture, kind):
    frame = picture(5, 640, 360)
    assert hash_picture(frame, kind) == bits(Image.fromarray(frame[..., ::-1]), kind)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40) + b"IEND"]
)
def test_what_is_no_complete_picture_has_no_hash(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert hash_file(tmp_path / "a.png") is None


def test_a_cut_off_jpeg_has_no_hash(tmp_path, write_image):
    path = write_image(tmp_path / "a.jpg", 1, 400, 300)
    path.write_bytes(path.read_bytes()[:-600])
    assert hash_file(path) is None


def test_a_video_is_hashed_frame_by_frame(tmp_path, write_video):
    path = write_video(tmp_path / "a.avi", 5)
    hashed = hash_all(open_footage(path), Wanted("phash", decode="full"), 1, None).frames
    capture = cv2.VideoCapture(str(path))
    frames = [capture.read()[1] for _ in range(5)]
    expected = [bits(Image.fromarray(frame[..., ::-1].copy()), "phash") for frame in frames]
    assert hashed["hash"].to_list() == expected


def test_hashes_of_both_decodes_are_remembered_apart(tmp_path, write_image):
    folder, cache = tmp_path / "faces", tmp_path / "cache"
    for number in range(6):
        os.utime(write_image(folder / f"{number}.jpg", number, 640, 480), (1, 1))
    runs = {
        (decode, run): hash_all(
            open_footage(folder), Wanted("phash", decode=decode), 1, cache
        ).frames["hash"]
        for run in (1, 2)
        for decode in ("reduced", "full")
    }
    expected = [bits(Image.open(folder / f"{number}.jpg"), "phash") for number in range(6)]
    assert runs["full", 1].to_list() == runs["full", 2].to_list() == expected
    assert runs["reduced", 1].equals(runs["reduced", 2])
    assert not runs["reduced", 1].equals(runs["full", 1])
    assert len(list(cache.iterdir())) == 2


def test_stage_frames_hashes_its_crops_with_imagehash(tmp_path, write_video):
    clip = Clip("a", "ann", write_video(tmp_path / "a.avi", 4))
    extract_clip(clip, tmp_path / "frames", Parameters(decode="full", crop="center"))
    table = pl.read_parquet(tmp_path / "frames" / "a.parquet")
    capture = cv2.VideoCapture(str(clip.video))
    expected = []
    for _ in range(4):
        frame = np.asarray(capture.read()[1])
        square = frame[:, 16:80]  # the central 64 of 96 columns
        expected.append(bits(Image.fromarray(square[..., ::-1].copy()), "phash"))
    assert table["hash"].to_list() == expected


def test_the_option_sets_the_parameter(tmp_path, write_image, curate):
    for number in range(3):
        # Old enough for the cache to know it by its time.
        os.utime(write_image(tmp_path / "faces" / f"{number}.jpg", number, 640, 480), (1, 1))
    cache = tmp_path / "cache"
    assert curate("dedup", "faces", "--full-decode", "--cache", cache).returncode == 0
    assert [path.stem.endswith("-phash-full") for path in cache.iterdir()] == [True]
