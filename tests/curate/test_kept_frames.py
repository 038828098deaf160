"""The folder of kept frames mirrors the footage, and is there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import polars as pl
import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.footage.open import Footage, open_footage
from curate.frames.extract import extract_clip
from curate.media.clip import Clip
from curate.media.decode import frames_of, read_picture
from curate.standalone.export import check_empty, copy_kept
from curate.tables import read_frames

Write = Callable[..., Path]


@pytest.fixture
def footage(tmp_path: Path, write_video: Write, write_image: Write) -> Footage:
    """Format three images in two folders and a video of seven frames."""
    for name in ("1.jpg", "ann/deep/2.png", "ann/deep/10.BMP"):
        write_image(tmp_path / "in" / name, seed=len(name))
    write_video(tmp_path / "in" / "ann" / "talk.avi", 7)
    return open_footage(tmp_path / "in")


def decided(**kept: list[int]) -> pl.DataFrame:
    """Keep frames, by clip (with _ for /) and index."""
    rows = [
        (f"{clip}/{index:06d}", clip, index, True)
        for clip, indices in ((name.replace("_", "/"), rows) for name, rows in kept.items())
        for index in indices
    ]
    schema = {"id": pl.String, "clip": pl.String, "index": pl.Int32, "keep": pl.Boolean}
    return pl.DataFrame(rows, schema, orient="row")


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


KEPT = {"in": [0], "ann_deep": [0, 1], "ann_talk": [0, 4, 6]}
NAMES = ["1.jpg", "ann/deep/10.BMP", "ann/deep/2.png"] + [
    f"ann/talk/{index:06d}.jpg" for index in (0, 4, 6)
]


@pytest.mark.parametrize("link", [False, True])
def test_kept_frames_mirror_the_footage(footage: Footage, tmp_path: Path, link: bool) -> None:
    to = tmp_path / "a" / "kept"
    notes = copy_kept(footage, decided(**KEPT), to, 2, link=link)
    assert files(to) == NAMES
    for name in NAMES[:3]:
        copy, image = to / name, footage.path / name
        assert copy.read_bytes() == image.read_bytes()
        assert copy.samefile(image) == link
    assert notes == ([f"{to}: 3 frames of no image file were written, not linked"] if link else [])
    (clip,) = [clip for clip in footage.clips if clip.video is not None]
    pictures = {frame.index: frame.picture for frame in frames_of(clip)}
    for index in (0, 4, 6):
        copy_of = read_picture(to / "ann" / "talk" / f"{index:06d}.jpg")
        picture = pictures[index]
        assert copy_of is not None
        assert picture is not None
        assert cv2.absdiff(copy_of, picture).mean() < 8


def test_images_that_cannot_be_linked_are_copied_and_it_is_said(
    footage: Footage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_file_system(*places: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_file_system)
    to = tmp_path / "kept"
    notes = copy_kept(footage, decided(ann_deep=[0, 1]), to, 1, link=True)
    assert files(to) == ["ann/deep/10.BMP", "ann/deep/2.png"]
    assert notes == [f"{to}: 2 images were copied: its file system cannot link to them"]


def test_a_link_to_an_image_is_linked_to_the_image(tmp_path: Path, write_image: Write) -> None:
    """A hard link to a relative symbolic link would lead nowhere from another folder."""
    image = write_image(tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").symlink_to("../elsewhere/1.jpg")
    copy_kept(open_footage(tmp_path / "in"), decided(**{"in": [0]}), tmp_path / "k", 1, link=True)
    assert (tmp_path / "k" / "a.jpg").samefile(image)


def test_crops_of_a_frames_table_are_written_as_they_are(
    tmp_path: Path, write_video: Write
) -> None:
    clip = Clip("s/a", "s", write_video(tmp_path / "a.avi", 70))
    extract_clip(clip, tmp_path / "frames", Parameters(image_size=32))
    footage = open_footage(tmp_path / "frames")
    copy_kept(footage, decided(s_a=[0, 2, 69]), tmp_path / "kept", 1)
    jpegs = read_frames(tmp_path / "frames", ["clip", "index", "jpeg"])["jpeg"]
    assert files(tmp_path / "kept") == [f"s/a/{index:06d}.jpg" for index in (0, 2, 69)]
    for index in (0, 2, 69):
        assert (tmp_path / "kept" / "s" / "a" / f"{index:06d}.jpg").read_bytes() == jpegs[index]


def test_nothing_is_left_when_gathering_fails(footage: Footage, tmp_path: Path) -> None:
    (footage.path / "ann" / "deep" / "10.BMP").unlink()
    with pytest.raises(FileNotFoundError):
        copy_kept(footage, decided(**KEPT), tmp_path / "kept", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_clip_of_which_only_the_first_frame_is_kept_is_copied(
    footage: Footage, tmp_path: Path
) -> None:
    """The greatest common divisor of 0 alone is 0, which once meant: copy nothing."""
    copy_kept(footage, decided(ann_talk=[0]), tmp_path / "kept", 1)
    assert files(tmp_path / "kept") == ["ann/talk/000000.jpg"]


def test_where_nothing_is_kept_the_folder_is_empty(footage: Footage, tmp_path: Path) -> None:
    copy_kept(footage, decided(), tmp_path / "kept", 1)
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_folder_with_frames_of_an_earlier_run_is_refused(
    footage: Footage, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    check_empty(tmp_path / "kept")
    (tmp_path / "kept" / "old.jpg").touch()
    with pytest.raises(UserError, match="is not empty; choose a new folder for the kept frames"):
        copy_kept(footage, decided(**KEPT), tmp_path / "kept", 1)
