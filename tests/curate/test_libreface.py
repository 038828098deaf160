"""LibreFace: intensities of a video's frames, numbered by frame_idx, frame or their order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.sources import find_clips
from tests.curate.csv_footage import assert_csv_is_refused, reader_of, write_footage

HEADER = "frame_idx,frame_time_in_ms,pitch,yaw,roll,lm_mp_0_x,au_1,au_1_intensity,au_12_intensity"


lay = partial(write_footage, header=HEADER)
read = reader_of("libreface")


def test_intensities_are_labels_from_positive_at_on_and_detections_are_not(tmp_path: Path) -> None:
    lay(tmp_path, "0,0.0,1,2,3,0.5,1,0.4,2.6", "1,0.04,1,2,3,0.5,0,2.0,-0.1")
    table = read(tmp_path).table
    assert table.select("id", "subject", "index", "AU1", "AU12").rows() == [
        ("ann/talk/000000", "ann", 0, 0, 1),
        ("ann/talk/000001", "ann", 1, 1, 0),
    ]
    assert table["AU12_intensity"].to_list() == [pytest.approx(2.6), 0]
    assert "emotion" not in table.columns
    (tmp_path / "ann" / "talk.csv").write_text("au_1_intensity\n0.4\n5.7\n")
    assert read(tmp_path, positive_at=0.4).table["AU1"].to_list() == [1, 1]
    assert read(tmp_path).table["AU1_intensity"].to_list() == [pytest.approx(0.4), 5]


@pytest.mark.parametrize(
    ("header", "rows", "index"),
    [
        ("au_1_intensity", ["1", "2"], [0, 1]),
        (",au_1_intensity", ["7,1", "8,2"], [0, 1]),  # an unnamed column says nothing
        ("frame_idx,au_1_intensity", ["3,1", "1,2"], [1, 3]),
        ("frame,au_1_intensity", ["1,1", "2,2"], [0, 1]),
        ("frame,au_1_intensity", ["5,1", "6,2"], [4, 5]),
        ("frame,au_1_intensity", ["0,1", "1,2"], [0, 1]),
    ],
    ids=["order", "unnamed", "frame_idx", "frame from 1", "frame from 5", "frame from 0"],
)
def test_frames_are_numbered(
    tmp_path: Path, header: str, rows: list[str], index: list[int]
) -> None:
    lay(tmp_path, *rows, header=header)
    assert read(tmp_path).table["index"].to_list() == index


def test_empty_and_nan_are_unknown_and_a_frame_of_nothing_else_is_unlabelled(
    tmp_path: Path,
) -> None:
    lay(tmp_path, ",3", "nan,", "NaN,nan", "1,1", header="au_1_intensity,au_12_intensity")
    table = read(tmp_path).table
    assert table.select("index", "AU1", "AU12").rows() == [(0, None, 1), (3, 0, 0)]


def test_facial_expressions_are_emotions(tmp_path: Path) -> None:
    rows = ["Happiness,1", "Neutral,", ",1"]
    lay(tmp_path, *rows, header="facial_expression,au_1_intensity")
    assert read(tmp_path).table.select("index", "AU1", "emotion").rows() == [
        (0, 0, "happiness"),
        (1, None, "neutral"),
        (2, 0, None),
    ]


def test_clips_with_and_without_expressions(tmp_path: Path) -> None:
    lay(tmp_path, "Fear,1", header="facial_expression,au_1_intensity")
    (tmp_path / "bob.mp4").touch()
    (tmp_path / "bob.csv").write_text("au_2_intensity\n3\n")
    table = read(tmp_path).table
    assert table.select("subject", "AU1", "AU2", "emotion").rows() == [
        ("ann", 0, None, "fear"),
        ("bob", None, 1, None),
    ]


def test_a_csv_of_another_length_than_its_video_is_said(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    lay(tmp_path, "1", "2", "nan", header="au_1_intensity")
    (tmp_path / "ann" / "talk.mp4").unlink()
    write_video(tmp_path / "ann" / "talk.avi", 4)
    assert read(tmp_path).notes == [
        "video and labels differ in length, the shorter is used: ann/talk (4 frames, 3 labelled)"
    ]


def test_a_csv_is_not_taken_for_openface_landmarks(tmp_path: Path) -> None:
    lay(tmp_path, "1", header="au_1_intensity")
    assert find_clips(tmp_path, Parameters(source="libreface"))[0].landmarks is None


@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        ("AU01_r", ["1"], "row 1: has no column like au_1_intensity; is it a LibreFace CSV?"),
        ("au_1_intensity", ["1", "high"], "row 3: au_1_intensity is 'high', not a number"),
        ("au_1_intensity", ["inf"], "row 2: au_1_intensity is 'inf', not a number"),
        ("frame_idx,au_1_intensity", ["0,1", "0,2"], "row 3: frame 0 is already in row 2"),
        ("frame_idx,au_1_intensity", ["-1,1"], "row 2: frame_idx -1 is not a whole number from 0"),
        ("frame_idx,au_1_intensity", [",1"], "row 2: frame_idx is missing"),
        ("facial_expression,au_1_intensity", ["Joy,1"], "row 2: facial_expression is 'Joy'; allow"),
    ],
    ids=["other", "word", "inf", "twice", "negative", "no number", "expression"],
)
def test_a_bad_csv_is_named(tmp_path: Path, header: str, rows: list[str], sentence: str) -> None:
    lay(tmp_path, *rows, header=header)
    assert_csv_is_refused(read, tmp_path, sentence)


def test_no_csv_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UserError, match=r"no CSV beside a video; LibreFace writes VIDEO\.csv"):
        read(tmp_path)
