"""Hashes of any footage: those of the pipeline, null off the stride, a reason where unreadable."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from curate.audit.inputs import of_folders
from curate.base.params import Parameters
from curate.footage.hash import COLUMNS, hash_footage, hash_with_cache
from curate.footage.pictures import read_pictures
from curate.frames.extract import extract_clip
from curate.gallery.inputs import of_paths
from curate.media.clip import Clip
from curate.media.decode import read_picture
from curate.media.hashing import perceptual_hashes, read_gray, thumbnail
from curate.media.sharpness import fit_square
from curate.suggest.choice import suggest_stage
from curate.tables import read_frames

SMALL = Parameters(image_size=32)
Write = Callable[..., Path]


@pytest.mark.parametrize("kind", ["phash", "dhash", "whash", "average"])
def test_a_video_is_hashed_as_the_pipeline_does(
    tmp_path: Path, write_video: Write, kind: str
) -> None:
    video = write_video(tmp_path / "a.avi", seeds=[1, 1, 2, 3, 3])
    parameters = Parameters(image_size=32, hash=kind)
    extract_clip(Clip("a", "a", video), tmp_path / "frames", parameters)
    ours = hash_footage(video, parameters, 2, sharpness=True).frames
    assert ours.schema == pl.Schema(COLUMNS)
    assert ours.equals(read_frames(tmp_path / "frames", list(COLUMNS)))


def test_a_frames_table_and_a_part_of_it_answer_what_they_hold(
    tmp_path: Path, write_video: Write
) -> None:
    for name in ("b", "a"):
        video = write_video(tmp_path / f"{name}.avi", 3)
        extract_clip(Clip(name, name, video), tmp_path / "frames", SMALL)
    every = read_frames(tmp_path / "frames", list(COLUMNS))
    assert hash_footage(tmp_path / "frames", SMALL, 1).frames.equals(every)
    part = hash_footage(tmp_path / "frames" / "b.parquet", SMALL, 1).frames
    assert part.equals(every.filter(pl.col("clip") == "b"))


def test_off_the_stride_there_is_no_hash_and_no_reason(
    tmp_path: Path, write_video: Write, write_image: Write
) -> None:
    write_video(tmp_path / "talk.avi", 5)
    for index in range(5):
        write_image(tmp_path / "stills" / f"{index}.png", seed=index)
    (tmp_path / "stills" / "3.png").write_text("no picture, and off the stride")
    (tmp_path / "stills" / "4.png").write_text("no picture")
    table = hash_footage(tmp_path, SMALL, 2, stride=2).frames
    hashed = pl.col("hash").is_not_null()
    rows = table.select("clip", "index", hashed, "reason").rows()
    assert rows == [
        ("stills", 0, True, None),
        ("stills", 1, False, None),
        ("stills", 2, True, None),
        ("stills", 3, False, None),
        ("stills", 4, False, "unreadable"),
        *(("talk", index, index % 2 == 0, None) for index in range(5)),
    ]
    assert table["time"].null_count() == 5


def test_images_are_hashed_in_batches_as_one_by_one(tmp_path: Path, write_image: Write) -> None:
    """150 images in folders of uneven size cross the borders of batches and of folders."""
    for number in range(150):
        path = tmp_path / str(number % 4) / ("x" * (number % 3)) / f"{number}.jpg"
        write_image(path, seed=number, width=40, height=40)
    for path in sorted(tmp_path.rglob("*.jpg"))[::9]:
        path.write_bytes(b"")
    table = hash_footage(tmp_path, SMALL, 3).frames
    assert len(table) == 150
    for name, value in table.select("id", "hash").iter_rows():
        gray = read_gray(tmp_path / name)
        assert value == (None if gray is None else perceptual_hashes(thumbnail(gray)[None])[0])
    again = hash_footage(tmp_path, SMALL, 1).frames
    assert again.equals(table)


def test_sharpness_of_images_is_measured_at_the_crops_size(
    tmp_path: Path, write_image: Write
) -> None:
    write_image(tmp_path / "1.png", width=64, height=64)
    (tmp_path / "2.png").touch()
    sharpness = hash_footage(tmp_path, SMALL, 1, sharpness=True).frames["sharpness"].to_list()
    picture = cv2.imread(str(tmp_path / "1.png"))
    assert picture is not None
    half = cv2.cvtColor(cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA), 6)
    assert sharpness[0] == pytest.approx(cv2.Laplacian(half, cv2.CV_32F).var(), rel=1e-4)
    assert sharpness[1] is None
    assert hash_footage(tmp_path, SMALL, 1).frames["sharpness"].null_count() == 2


def test_what_is_no_file_is_one_unreadable_frame(tmp_path: Path, write_image: Write) -> None:
    """A named pipe without a writer once was waited on for ever."""
    for name in ("pipe.mp4", "pipe.jpg"):
        os.mkfifo(tmp_path / name)
    for name in ("gone.mp4", "gone.jpg"):
        (tmp_path / name).symlink_to("nowhere")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "empty.avi").touch()
    table = hash_footage(tmp_path, SMALL, 2).frames
    assert table["reason"].to_list() == ["unreadable"] * 6


def test_pictures_of_frames_come_from_any_footage(
    tmp_path: Path, write_video: Write, write_image: Write
) -> None:
    video = write_video(tmp_path / "in" / "a.avi", 8)
    image = write_image(tmp_path / "in" / "b" / "1.png", seed=30)
    (tmp_path / "in" / "b" / "2.png").touch()
    table = hash_footage(tmp_path / "in", SMALL, 1).frames
    chosen = table.filter(pl.col("id").is_in(["a/000003", "a/000005", "b/1.png", "b/2.png"]))
    pictures = read_pictures(tmp_path / "in", chosen)
    assert set(pictures) == {"a/000003", "a/000005", "b/1.png"}
    bgr = read_picture(image)
    assert bgr is not None
    assert np.array_equal(pictures["b/1.png"], bgr[:, :, ::-1])
    extract_clip(Clip("a", "a", video), tmp_path / "frames", SMALL)
    crops = read_pictures(tmp_path / "frames", chosen)
    assert set(crops) == {"a/000003", "a/000005"}
    for name, crop in crops.items():
        assert cv2.absdiff(crop, fit_square(pictures[name], 32)).mean() < 12


def test_notes_come_back_with_the_frames_and_nothing_is_printed(
    tmp_path: Path, write_video: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    write_video(tmp_path / "a.avi", 2)
    (tmp_path / "broken.parquet").touch()
    note = f"{tmp_path}/broken.parquet: no part of a frames table by its columns, passed over"
    assert hash_footage(tmp_path, SMALL, 1).notes == [note]
    assert hash_with_cache(tmp_path, SMALL, 1).notes == [note]
    assert of_folders([tmp_path], SMALL, 1).notes == [note]
    assert of_paths([tmp_path], SMALL, 1).notes == [note]
    assert suggest_stage(tmp_path, tmp_path, None, SMALL, [1], [0], 1).notes == [note]
    assert capfd.readouterr() == ("", "")
