"""`curate dedup PATH`: any folder or video, every file accounted for, nothing there changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image

from curate.decode import frames_of, read_picture
from curate.dedup import count_reasons, decide
from curate.errors import UserError
from curate.frames import extract_clip
from curate.params import Parameters
from curate.sources.clip import Clip
from curate.sources.videos import find_clips
from curate.standalone import check_empty, copy_kept, decide_on_footage
from curate.table import read_frames

ALL = Parameters(stride=1, distance=-1)


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }


@pytest.fixture
def mixed(
    tmp_path: Path, write_image: Callable[..., Path], write_video: Callable[..., Path]
) -> Path:
    """Lay out what folders hold: good and broken images of many kinds, nested, and two videos."""
    folder = tmp_path / "in"
    for name, share in (("whole", 1.0), ("cut", 0.5)):
        for suffix in ("jpg", "png"):
            path = write_image(folder / "ann" / f"{name}.{suffix}", seed=len(name))
            path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    (folder / "ann" / "empty.jpg").touch()
    (folder / "ann" / "text.jpg").write_text("no picture")
    (folder / "ann" / "notes.txt").write_text("no image")
    Image.new("CMYK", (90, 80), (0, 200, 10, 0)).save(folder / "ann" / "cmyk.jpg")
    deep = np.random.default_rng(0).integers(0, 2**16, (90, 90), np.uint16)
    (folder / "bob" / "deep").mkdir(parents=True)
    cv2.imwrite(str(folder / "bob" / "deep" / "sixteen.png"), deep)
    write_image(folder / "bob" / "top.BMP", seed=3)
    write_video(folder / "bob" / "talk.avi", 5)
    (folder / "bob" / "empty.mp4").touch()
    return folder


def test_every_file_is_accounted_for(mixed: Path) -> None:
    decisions = decide_on_footage(mixed, ALL, 2)
    reasons = dict(zip(decisions["id"], decisions["reason"], strict=True))
    broken = {"ann/cut.jpg", "ann/cut.png", "ann/empty.jpg", "ann/text.jpg", "bob/empty/000000"}
    whole = {f"bob/talk/{index:06d}" for index in range(5)} | {"bob/deep/sixteen.png"}
    whole |= {"ann/whole.jpg", "ann/whole.png", "ann/cmyk.jpg", "bob/top.BMP"}
    assert {key for key, reason in reasons.items() if reason == "unreadable"} == broken
    assert {key for key, reason in reasons.items() if reason is None} == whole
    assert count_reasons(decisions) == [("frames in", 15), ("unreadable", 5), ("kept", 10)]


def test_the_footage_is_never_changed_and_kept_frames_are_copied(
    mixed: Path, tmp_path: Path
) -> None:
    before = digest(mixed)
    decisions = decide_on_footage(mixed, ALL, 2)
    copy_kept(mixed, decisions, tmp_path / "kept")
    assert digest(mixed) == before
    copied = digest(tmp_path / "kept")
    images = {key for key in decisions.filter("keep")["id"] if "." in key}
    assert {name: copied[name] for name in images} == {name: before[name] for name in images}
    files = {name for name, value in copied.items() if value != "folder"}
    assert files - images == {f"bob/talk/{index:06d}.jpg" for index in range(5)}


def test_copied_video_frames_are_those_that_were_kept(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    video = write_video(tmp_path / "in" / "a.avi", seeds=[1, 1, 1, 2, 2, 2, 1, 3, 3])
    decisions = decide_on_footage(video, Parameters(stride=1, distance=4), 1)
    assert decisions.filter("keep")["index"].to_list() == [0, 3, 7]
    copy_kept(video, decisions, tmp_path / "kept")
    pictures = {f.index: f.picture for f in frames_of(Clip("a", "a", video))}
    for index in (0, 3, 7):
        copy = read_picture(tmp_path / "kept" / "a" / f"{index:06d}.jpg")
        picture = pictures[index]
        assert copy is not None
        assert picture is not None
        assert cv2.absdiff(copy, picture).mean() < 8
    assert len(list((tmp_path / "kept" / "a").iterdir())) == 3


def test_near_duplicate_images_name_their_first(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    for name, seed in (("2.jpg", 1), ("10.png", 1), ("11.png", 2)):
        write_image(tmp_path / name, seed=seed, width=200, height=200)
    decisions = decide_on_footage(tmp_path, Parameters(stride=1, distance=4), 1)
    assert decisions.select("id", "reason", "duplicate_of").rows() == [
        ("2.jpg", None, None),
        ("10.png", "near_duplicate", "2.jpg"),
        ("11.png", None, None),
    ]


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("scope", ["clip", "all"])
def test_passing_over_frames_decides_as_decoding_all_of_them(
    tmp_path: Path, write_video: Callable[..., Path], stride: int, scope: Any
) -> None:
    seeds = [number // 4 for number in range(30)]
    for name in ("a", "b"):
        write_video(tmp_path / "in" / f"{name}.avi", seeds=seeds)
    for clip in find_clips(tmp_path / "in", ALL):
        extract_clip(clip, tmp_path / "frames", Parameters(image_size=32))
    table = read_frames(tmp_path / "frames")
    every = decide(table, pl.Series([""] * 60), stride=stride, distance=4, scope=scope)
    parameters = Parameters(stride=stride, distance=4, scope=scope)
    ours = decide_on_footage(tmp_path / "in", parameters, 2)
    same = ["id", "keep", "reason", "duplicate_of", "distance"]
    assert ours.select(same).equals(every.select(same))


def test_workers_do_not_change_decisions(mixed: Path) -> None:
    first, second = (decide_on_footage(mixed, Parameters(), workers) for workers in (1, 3))
    assert first.equals(second)


def test_a_frames_table_is_footage_too(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    video = write_video(tmp_path / "a.avi", seeds=[1, 1, 2])
    frames = tmp_path / "frames"
    extract_clip(Clip("a", "a", video), frames, Parameters(image_size=32))
    for path in (frames, frames / "a.parquet"):
        decisions = decide_on_footage(path, Parameters(stride=1, distance=4), 1)
        assert decisions["reason"].to_list() == [None, "near_duplicate", None]
    copy_kept(frames, decisions, tmp_path / "kept")
    jpegs = read_frames(frames, ["clip", "index", "jpeg"])["jpeg"]
    for index in (0, 2):
        copy = (tmp_path / "kept" / "a" / f"{index:06d}.jpg").read_bytes()
        assert copy == jpegs[index]
    assert len(list((tmp_path / "kept" / "a").iterdir())) == 2


@pytest.mark.parametrize("to", ["in", "in/kept", "in/ann/../kept"])
def test_kept_frames_are_not_copied_into_the_footage(mixed: Path, to: str) -> None:
    before = digest(mixed)
    decisions = decide_on_footage(mixed, ALL, 1)
    with pytest.raises(UserError, match="which is never changed; choose another place"):
        copy_kept(mixed, decisions, mixed.parent / to)
    assert digest(mixed) == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("gone", "gone: no such footage"), ("bare", "bare: holds no footage: no video")],
)
def test_no_footage_is_said(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "notes.txt").touch()
    with pytest.raises(UserError, match=sentence):
        decide_on_footage(tmp_path / name, ALL, 1)


def test_a_video_and_an_image_folder_of_one_name_are_refused_by_their_paths(
    tmp_path: Path, write_image: Callable[..., Path], write_video: Callable[..., Path]
) -> None:
    write_video(tmp_path / "a.avi", 1)
    write_image(tmp_path / "a" / "1.png")
    with pytest.raises(UserError, match=r"/a: its clip name 'a' is taken by .*/a\.avi; rename one"):
        decide_on_footage(tmp_path, ALL, 1)


def test_a_clip_of_which_only_the_first_frame_is_kept_is_copied(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    """The greatest common divisor of 0 alone is 0, which once meant: copy nothing."""
    write_video(tmp_path / "in" / "a.avi", frames=6)
    decisions = decide_on_footage(tmp_path / "in", Parameters(stride=100), 1)
    copy_kept(tmp_path / "in", decisions, tmp_path / "kept")
    assert [p.name for p in (tmp_path / "kept" / "a").iterdir()] == ["000000.jpg"]


def test_a_folder_with_frames_of_an_earlier_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.jpg").touch()
    with pytest.raises(UserError, match="is not empty; choose a new folder for the kept frames"):
        check_empty(tmp_path)
