"""OpenFace: one face of several, untracked frames unlabelled, one of its two label models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.frames.crop import landmark_boxes
from curate.sources import find_clips, read_labels
from tests.curate.csv_footage import assert_csv_is_refused, reader_of, write_footage

OPENFACE = Parameters(source="openface")
HEADER = "frame, face_id, timestamp, confidence, success, AU01_r, AU12_r, AU01_c, AU12_c"


lay = partial(write_footage, header=HEADER)
read = reader_of("openface")


def test_spaces_in_the_header_and_frames_from_one(tmp_path: Path) -> None:
    lay(tmp_path, "1, 0, 0.0, 0.98, 1, 0.5, 3.0, 1, 0", "2, 0, 0.1, 0.98, 1, 0.5, 3.0, 0, 1")
    table = read(tmp_path).table
    assert table.select("id", "subject", "index", "AU1", "AU12").rows() == [
        ("ann/talk/000000", "ann", 0, 1, 0),
        ("ann/talk/000001", "ann", 1, 0, 1),
    ]


def test_presence_and_intensity_are_never_mixed(tmp_path: Path) -> None:
    lay(tmp_path, "1, 0, 0, 0.98, 1, 0.5, 3.0, 1, 0", "2, 0, 0, 0.98, 1, -0.1, 2.0, 1, 0")
    presence = read(tmp_path).table
    assert presence.select("AU1", "AU12").rows() == [(1, 0), (1, 0)]
    assert presence["AU1_intensity"].null_count() == 2
    measured = read(tmp_path, openface_columns="intensity").table
    assert measured.select("AU1", "AU12").rows() == [(0, 1), (0, 1)]
    assert measured["AU1_intensity"].to_list() == [0.5, 0]


def test_only_the_face_tracked_longest_is_read(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "1, 0, 0, 0.98, 1, 0, 0, 0, 0",
        "1, 1, 0, 0.98, 1, 0, 0, 1, 1",
        "2, 0, 0, 0.98, 0, 0, 0, 0, 0",
        "2, 1, 0, 0.98, 1, 0, 0, 1, 1",
    )
    assert read(tmp_path).table.select("index", "AU1").rows() == [(0, 1), (1, 1)]


def test_untracked_and_doubtful_frames_are_unlabelled(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "1, 0, 0, 0.80, 1, 0, 0, 1, 1",
        "2, 0, 0, 0.79, 1, 0, 0, 1, 1",
        "3, 0, 0, 0.98, 0, 0, 0, 1, 1",
    )
    assert read(tmp_path).table["index"].to_list() == [0]
    assert read(tmp_path, confidence=0.5).table["index"].to_list() == [0, 1]


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    lay(tmp_path, "2,1", "1,0", header="frame,AU28_c")
    assert read(tmp_path).table.select("index", "AU28").rows() == [(0, 0), (1, 1)]


def test_an_action_unit_that_one_clip_lacks_is_unknown_there(tmp_path: Path) -> None:
    lay(tmp_path, "1,1", header="frame,AU28_c")
    (tmp_path / "bob.mp4").touch()
    (tmp_path / "bob.csv").write_text("frame,AU01_c\n1,1\n")
    assert read(tmp_path).table.select("subject", "AU1", "AU28").rows() == [
        ("ann", None, 1),
        ("bob", 1, None),
    ]


def test_a_video_or_csv_that_stands_alone_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "1, 0, 0, 0.98, 1, 0, 0, 1, 1")
    (tmp_path / "alone.mp4").touch()
    (tmp_path / "lost.csv").touch()
    assert read(tmp_path).notes == [
        "alone: has no CSV beside its video; its frames are unlabelled",
        f"{tmp_path}/lost.csv: has no video of the same name; left out",
    ]


@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        ("time,AU01_c", ["1,1"], "row 1: has no column 'frame'; is it an OpenFace CSV?"),
        ("frame,AU01_r", ["1,1"], "row 1: has no column like AU01_c"),
        ("frame,AU01_c", ["1,1", "2,yes"], "row 3: AU01_c is 'yes', not a number; fix or remove"),
        ("frame,AU01_c", ["1,nan"], "row 2: AU01_c is 'nan', not a number"),
        ("frame,AU01_c", ["1,1", "1,0"], "row 3: frame 1 is already in row 2; remove one"),
        ("frame,AU01_c", ["1,1", "2"], "row 3: AU01_c is missing; fix or remove the row"),
        ("frame,AU01_c", ["1,1", "2,1,0"], "row 3: has 3 cells, the header 2; fix or remove"),
        ("frame,AU01_c", ["1,0.4"], "row 2: AU01_c is 0.4, not 0 or 1"),
        ("frame,AU01_c", ["x,1"], "row 2: frame is 'x', not a number"),
        ("frame,AU01_c, AU01_c", ["1,1,1"], "row 1: the column 'AU01_c' occurs twice"),
        ("frame,AU01_c", ["0,1"], "row 2: frame 0 is not a whole number from 1 on"),
        ("frame,face_id,AU01_c", [], "holds no row below its header"),
    ],
    ids=[
        "no frame",
        "no labels",
        "word",
        "nan",
        "twice",
        "short",
        "long",
        "half",
        "no number",
        "column twice",
        "frame 0",
        "no row",
    ],
)
def test_a_bad_csv_is_named(tmp_path: Path, header: str, rows: list[str], sentence: str) -> None:
    lay(tmp_path, *rows, header=header)
    assert_csv_is_refused(read, tmp_path, sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds nothing; it should be a CSV table"),
        (b"frame,AU01_c\n1,\xf6\n", "not a CSV table in UTF-8"),
        (b"\0\1\2", "holds no row below its header"),
    ],
    ids=["empty", "other encoding", "binary"],
)
def test_a_file_that_is_no_table(tmp_path: Path, content: bytes, sentence: str) -> None:
    lay(tmp_path)
    (tmp_path / "ann" / "talk.csv").write_bytes(content)
    with pytest.raises(UserError, match=rf"talk\.csv: {sentence}"):
        read(tmp_path)


def test_brackets_in_a_path_are_no_pattern(tmp_path: Path) -> None:
    folder = lay(tmp_path / "take[1]", "1,1", header="frame,AU01_c")
    assert read(folder).table["AU1"].to_list() == [1]


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    lay(tmp_path, "1,1", "", "2,0", header="frame,AU01_c")
    assert read(tmp_path).table["AU1"].to_list() == [1, 0]
    (tmp_path / "ann" / "talk.csv").write_text("frame,AU01_c\n\n1,x\n")
    with pytest.raises(UserError, match=r"talk\.csv, row 3: AU01_c is 'x'"):
        read(tmp_path)


def test_a_failed_frame_may_hold_anything(tmp_path: Path) -> None:
    """OpenFace writes nan where it lost the face; that frame is unlabelled, the file is whole."""
    header = "frame,success,AU01_c,x_0,x_1,y_0,y_1"
    lay(tmp_path, "1,1,1,10,30,20,60", "2,0,-nan(ind),nan,,nan,nan", header=header)
    assert read(tmp_path).table["index"].to_list() == [0]
    assert set(landmark_boxes(find_clips(tmp_path, OPENFACE)[0])) == {0}


def test_the_row_of_a_repeated_frame_is_named_within_the_face_that_is_read(tmp_path: Path) -> None:
    header = "frame, face_id, success, AU01_c"
    lay(tmp_path, "1,0,1,0", "1,1,1,1", "2,1,1,1", "2,1,1,0", header=header)
    with pytest.raises(UserError, match=r"row 5: frame 2 is already in row 4"):
        read(tmp_path)


def test_a_csv_of_another_length_than_its_video_is_said(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    lay(tmp_path, "1,1,1", "2,0,1", "3,0,0", header="frame,AU01_c,success")
    (tmp_path / "ann" / "talk.mp4").unlink()
    write_video(tmp_path / "ann" / "talk.avi", 2)
    assert read(tmp_path).notes == [
        "video and labels differ in length, the shorter is used: ann/talk (2 frames, 3 labelled)"
    ]


def test_every_damaged_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    lay(tmp_path, "1,1", header="frame,AU01_c")
    for name in ("bob", "eve"):
        (tmp_path / f"{name}.mp4").touch()
        (tmp_path / f"{name}.csv").write_text("frame,AU01_c\n1,x\n2,y\n")
    found = read_labels(tmp_path, OPENFACE, check=True)
    assert found.table["subject"].to_list() == ["ann"]
    assert [len(error.sentences) for error in found.damage] == [2, 2]


def test_no_csv_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UserError, match=r"no CSV beside a video; OpenFace writes VIDEO\.csv"):
        read(tmp_path)


def test_landmarks_give_the_box_of_tracked_frames(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "1,1,10,30,20,60",
        "2,0,0,0,0,0",
        "3,1,10,30,20,60",
        header="frame,success,x_0,x_1,y_0,y_1",
    )
    boxes = landmark_boxes(find_clips(tmp_path, OPENFACE)[0])
    assert set(boxes) == {0, 2}
    assert boxes[0] == pytest.approx((20, 40, 1.3 * 40))


@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        ("frame,AU01_c", ["1,1"], "there are no columns x_0, y_0, ...; choose crop"),
        ("frame,x_0,y_0", [], "holds no row below its header"),
    ],
    ids=["no landmarks", "no row"],
)
def test_a_csv_without_landmarks(
    tmp_path: Path, header: str, rows: list[str], sentence: str
) -> None:
    lay(tmp_path, *rows, header=header)
    with pytest.raises(UserError, match=sentence):
        landmark_boxes(find_clips(tmp_path, OPENFACE)[0])


def test_landmarks_need_a_csv(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UserError, match="a: crop is 'landmarks' but the clip has no OpenFace CSV"):
        landmark_boxes(find_clips(tmp_path, OPENFACE)[0])
