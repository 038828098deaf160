"""What a path is: told by what lies there, and said where it could be two things."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.base.text import on_one_line
from curate.footage.open import check_hash_kind, open_footage
from curate.frames.extract import extract_clip
from curate.media.clip import Clip

SMALL = Parameters(image_size=32)
Write = Callable[..., Path]


def test_a_stray_table_does_not_make_pictures_a_frames_table(
    tmp_path: Path, write_image: Write
) -> None:
    write_image(tmp_path / "in" / "1.png")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "in" / "stray.parquet")
    (tmp_path / "in" / "broken.parquet").write_text("no table")
    footage = open_footage(tmp_path / "in")
    assert [clip.name for clip in footage.clips] == ["in"]
    assert footage.parts == []
    assert [note.partition(": ")[2] for note in footage.notes] == [
        "no part of a frames table by its columns, passed over"
    ]
    assert "broken.parquet" in footage.notes[0]
    assert "stray.parquet" in footage.notes[0]


def test_parts_of_a_frames_table_are_told_by_their_columns(
    tmp_path: Path, write_video: Write
) -> None:
    extract_clip(Clip("a", "a", write_video(tmp_path / "a.avi", 2)), tmp_path / "frames", SMALL)
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "frames" / "stray.parquet")
    footage = open_footage(tmp_path / "frames")
    assert footage.parts == [tmp_path / "frames" / "a.parquet"]
    assert "stray.parquet: no part of a frames table" in footage.notes[0]
    with pytest.raises(UserError, match=r"stray\.parquet: not a part of a frames table \(columns"):
        open_footage(tmp_path / "frames" / "stray.parquet")


def test_pictures_and_a_frames_table_in_one_folder_are_refused_by_name(
    tmp_path: Path, write_video: Write
) -> None:
    video = write_video(tmp_path / "in" / "talk.avi", 2)
    extract_clip(Clip("a", "a", video), tmp_path / "in" / "frames", SMALL)
    with pytest.raises(UserError, match=r"talk\.avi\) and a frames table .*frames/a\.parquet\)"):
        open_footage(tmp_path / "in")


def test_one_picture_is_refused(tmp_path: Path, write_image: Write) -> None:
    path = write_image(tmp_path / "one.JPG")
    with pytest.raises(UserError, match="one picture has no duplicate; give the folder"):
        open_footage(path)


def test_hashes_of_another_kind_are_refused_where_the_kind_is_known(
    tmp_path: Path, write_video: Write
) -> None:
    video = write_video(tmp_path / "a.avi", 2)
    extract_clip(Clip("a", "a", video), tmp_path, Parameters(image_size=32, hash="dhash"))
    part = tmp_path / "a.parquet"
    check_hash_kind([part], "dhash")
    with pytest.raises(UserError, match="of the kind 'dhash', and 'phash' is asked for"):
        check_hash_kind([part], "phash")
    pq.write_table(pq.read_table(part).replace_schema_metadata({}), part)
    check_hash_kind([part], "phash")


def test_names_that_are_no_text_are_written_so_that_a_table_can_hold_them(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/b\xff"
    os.mkdir(folder)
    Path(os.fsdecode(folder + b"/talk.mp4")).touch()
    clips = open_footage(tmp_path).clips
    assert [(clip.name, clip.subject) for clip in clips] == [("b\\udcff/talk", "b\\udcff")]
    assert clips[0].video is not None
    assert clips[0].video.exists()


def test_line_breaks_in_names_do_not_break_sentences() -> None:
    assert on_one_line("a\nb [red]ü.jpg") == "a\\nb [red]ü.jpg"


def test_links_to_folders_are_pointed_out_not_followed(tmp_path: Path, write_image: Write) -> None:
    write_image(tmp_path / "in" / "1.png")
    (tmp_path / "in" / "again").symlink_to(".")
    footage = open_footage(tmp_path / "in")
    assert [len(clip.images) for clip in footage.clips] == [1]
    assert footage.notes[0].startswith("links to folders are not followed")
    assert footage.notes[0].endswith("in/again")
