"""DISFA: cameras, names in any case, label files matched by name and frame number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.sources import find_clips, read_labels
from curate.sources.label_table import Labels

LEFT = "Videos_LeftCamera/LeftVideoSN001_comp.avi"
RIGHT = "Video_RightCamera/RightVideoSN001_Comp.avi"


def lay(folder: Path, videos: list[str], labels: dict[str, str]) -> Path:
    """Format empty videos, and label files named like SN001_au1."""
    for name in videos:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name, text in labels.items():
        path = folder / "ActionUnit_Labels" / name[:5] / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def read(folder: Path, **given: object) -> Labels:
    return read_labels(folder, Parameters.model_validate(given))


@pytest.mark.parametrize(
    ("camera", "names"),
    [
        ("left", ["LeftVideoSN001_comp"]),
        ("right", ["RightVideoSN001_Comp"]),
        ("both", ["LeftVideoSN001_comp", "RightVideoSN001_Comp"]),
    ],
)
def test_camera_chooses_the_videos_and_both_are_one_subject(
    tmp_path: Path, camera: str, names: list[str]
) -> None:
    lay(tmp_path, [LEFT, RIGHT], {"SN001_au1": "1,3\n"})
    clips = find_clips(tmp_path, Parameters.model_validate({"camera": camera}))
    assert [clip.name for clip in clips] == names
    assert {clip.subject for clip in clips} == {"SN001"}
    table = read(tmp_path, camera=camera).table
    assert table["id"].to_list() == [f"{name}/000000" for name in names]


def test_names_are_matched_in_any_case(tmp_path: Path) -> None:
    lay(tmp_path, ["v/leftvideosn002_COMP.AVI"], {"sn002_AU04": "1,2\n"})
    table = read(tmp_path).table
    assert table.select("subject", "AU4").rows() == [("SN002", 1)]


def test_action_unit_comes_from_the_file_name_not_from_its_place(tmp_path: Path) -> None:
    # In directory order au12 stands before au2.
    lay(tmp_path, [LEFT], {"SN001_au12": "1,5\n", "SN001_au2": "1,0\n", "SN001_au1": "1,2\n"})
    table = read(tmp_path).table
    assert table.columns[4:7] == ["AU1", "AU2", "AU12"]
    assert table.select("AU1", "AU2", "AU12").row(0) == (1, 0, 1)
    assert table["AU12_intensity"][0] == 5


def test_a_frame_that_a_file_lacks_is_unknown(tmp_path: Path) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": "1,3\n2,0\n3,3\n", "SN001_au2": "1,0\n3,2\n"})
    table = read(tmp_path).table
    assert table.select("index", "AU1", "AU2").rows() == [(0, 1, 0), (1, 0, None), (2, 1, 1)]


def test_an_action_unit_that_a_subject_lacks_is_unknown(tmp_path: Path) -> None:
    other = LEFT.replace("SN001", "SN002")
    lay(tmp_path, [LEFT, other], {"SN001_au1": "1,3\n", "SN002_au2": "1,3\n"})
    assert read(tmp_path).table.select("AU1", "AU2").rows() == [(1, None), (None, 1)]


@pytest.mark.parametrize(
    ("first", "base", "index"),
    [(1, "auto", 0), (0, "auto", 0), (5, "auto", 4), (1, 0, 1), (1, 1, 0)],
)
def test_frames_are_counted_from_their_base(
    tmp_path: Path, first: int, base: object, index: int
) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": f"{first},3\n{first + 1},0\n"})
    assert read(tmp_path, frame_base=base).table["index"].to_list() == [index, index + 1]


def test_a_frame_before_the_base_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": "1,0\n\n0,3\n"})
    sentence = r"SN001_au1\.txt, row 3: frame 0, but frame_base is 1; set frame_base: auto or 0"
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, frame_base=1)


@pytest.mark.parametrize(
    ("at", "present"), [(1, [0, 1, 1, 1]), (2, [0, 0, 1, 1]), (3, [0, 0, 0, 1])]
)
def test_present_from_positive_at_on(tmp_path: Path, at: int, present: list[int]) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": "1,0\n2,1\n3,2\n4,3\n"})
    table = read(tmp_path, positive_at=at).table
    assert table["AU1"].to_list() == present
    assert table["AU1_intensity"].to_list() == [0, 1, 2, 3]


def test_rows_are_matched_by_number_and_blanks_passed_over(tmp_path: Path) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": "2,0\r\n\r\n 1 , 4 \n"})
    assert read(tmp_path).table.select("index", "AU1").rows() == [(0, 1), (1, 0)]


def test_subjects_with_one_half_only_are_named(tmp_path: Path) -> None:
    other = LEFT.replace("SN001", "SN002")
    lay(tmp_path, [LEFT, other], {"SN002_au1": "1,0\n", "SN009_au1": "1,5\n"})
    labels = read(tmp_path)
    assert labels.notes == [
        "label files but no video; left out: SN009",
        "a video but no label file; unlabelled: SN001",
    ]
    assert set(labels.table["subject"]) == {"SN002"}


def test_labels_without_any_video_of_theirs_leave_an_empty_table(tmp_path: Path) -> None:
    lay(tmp_path, [LEFT], {"SN009_au1": "1,5\n"})
    labels = read(tmp_path)
    assert labels.table.is_empty()
    assert len(labels.notes) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,0\n2,6\n", "row 2: '2,6' is not 'frame,intensity'"),
        ("1,0\n2;3\n", "row 2: '2;3' is not 'frame,intensity'"),
        ("frame,intensity\n", "row 1: 'frame,intensity' is not"),
        ("1,2.5\n", "row 1: '1,2.5' is not"),
        ("-1,2\n", "row 1: '-1,2' is not"),
        ("99999999999,2\n", "row 1: '99999999999,2' is not"),
        ("1,0\n2,3\n1,0\n", "row 3: frame 1 is already in row 1; remove one"),
        ("1,0\n2,9\nx\n3,1\n4\n", "row 2: '2,9' is not 'frame,intensity'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": text})
    with pytest.raises(UserError) as raised:
        read(tmp_path)
    path = tmp_path / "ActionUnit_Labels" / "SN001" / "SN001_au1.txt"
    assert str(raised.value).startswith(f"{path}, {sentence}")


@pytest.mark.parametrize(
    ("videos", "sentence"),
    [
        ([], "holds no video"),
        (["face.avi"], "no left camera video named like LeftVideoSN001_comp.avi"),
        ([RIGHT], "no left camera video"),
        ([LEFT], "no label file named like"),
        ([LEFT, "copy/LeftVideoSN001_comp.avi"], "its clip name 'LeftVideoSN001_comp' is taken"),
    ],
    ids=["none", "other name", "other camera", "no labels", "twice"],
)
def test_a_tree_that_is_not_disfa(tmp_path: Path, videos: list[str], sentence: str) -> None:
    lay(tmp_path, videos, {})
    with pytest.raises(UserError, match=sentence):
        read(tmp_path)


def test_one_video_is_no_data_set(tmp_path: Path) -> None:
    lay(tmp_path, [LEFT], {})
    with pytest.raises(UserError, match="is one file; this source reads the data set's folder"):
        read_labels(tmp_path / LEFT, Parameters(source="disfa"))


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_a_file_without_a_row_is_damaged(tmp_path: Path, text: str) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": text})
    with pytest.raises(UserError, match=r"SN001_au1\.txt: holds no row; it should hold"):
        read(tmp_path)


def test_two_files_of_one_action_unit_are_refused(tmp_path: Path) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": "1,0\n", "SN001_au01": "1,3\n"})
    with pytest.raises(UserError, match=r"SN001_au1\.txt: SN001's AU1 is labelled by .*_au01\.txt"):
        read(tmp_path)


def test_a_second_file_does_not_hide_other_damage(tmp_path: Path) -> None:
    files = {"SN001_au1": "1,0\n", "SN001_au01": "1,3\n", "SN001_au2": "1,7\n"}
    lay(tmp_path, [LEFT], files)
    damage = read_labels(tmp_path, Parameters(source="disfa"), check=True).damage
    assert [str(error).partition("SN001/")[2][:12] for error in damage] == [
        "SN001_au1.tx",
        "SN001_au2.tx",
    ]


def test_a_frame_0_in_few_files_only_is_said(tmp_path: Path) -> None:
    """All files are read as counted from 0: the others would be off by one, unseen."""
    files = {"SN001_au1": "0,0\n1,3\n", "SN001_au2": "1,0\n", "SN001_au4": "1,5\n"}
    lay(tmp_path, [LEFT], files)
    said = "frame 0 occurs in 1 of 3 label files only (SN001_au1.txt), yet all are read as counted"
    assert any(note.startswith(said) for note in read(tmp_path).notes)
    assert not any("frame 0" in note for note in read(tmp_path, frame_base=0).notes)


def test_hidden_files_are_no_labels(tmp_path: Path) -> None:
    lay(tmp_path, [LEFT], {"SN001_au1": "1,3\n"})
    (tmp_path / "ActionUnit_Labels" / "SN001" / "._SN001_au2.txt").write_bytes(b"\0\5")
    assert read(tmp_path).table["AU1"].to_list() == [1]


def test_files_of_different_lengths_are_said_and_what_lacks_is_unknown(tmp_path: Path) -> None:
    labels = {"SN001_au1": "1,0\n2,3\n3,3\n", "SN001_au2": "1,0\n2,3\n", "SN001_au4": "1,0\n"}
    lay(tmp_path, [LEFT], labels)
    found = read(tmp_path)
    assert found.table.select("AU1", "AU2", "AU4").rows() == [
        (0, 0, 0),
        (1, 1, None),
        (1, None, None),
    ]
    assert found.notes == [
        "label files that end early, unknown from there on: SN001's AU2 (2 of 3), SN001's AU4 "
        "(1 of 3)"
    ]


def test_a_video_longer_or_shorter_than_its_labels_is_said(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    """Both cameras show the same moments; here each ends at another frame."""
    lay(tmp_path, [], {"SN001_au1": "1,0\n2,3\n3,3\n"})
    write_video(tmp_path / LEFT, 5)
    write_video(tmp_path / RIGHT, 2)
    assert read(tmp_path, camera="both").notes == [
        "video and labels differ in length, the shorter is used: LeftVideoSN001_comp (5 frames, 3 "
        "labelled), RightVideoSN001_Comp (2 frames, 3 labelled)"
    ]


def test_checking_reads_past_damaged_files_and_names_every_row(tmp_path: Path) -> None:
    labels = {"SN001_au1": "1,9\n2,3\nx\n", "SN001_au2": "1,3\n2,0\n", "SN001_au4": ""}
    lay(tmp_path, [LEFT], labels)
    found = read_labels(tmp_path, Parameters(), check=True)
    assert found.table.select("index", "AU1", "AU2").rows() == [(0, None, 1), (1, None, 0)]
    (rows, empty) = (error.sentences for error in found.damage)
    assert [row.partition("_au1.txt, ")[2][:12] for row in rows] == ["row 1: '1,9'", "row 3: 'x' i"]
    assert len(empty) == 1
    with pytest.raises(UserError) as raised:
        read(tmp_path)
    assert str(raised.value).endswith(
        "fix or remove the row; and 1 more damaged row in this file; and 1 more damaged file; "
        "'curate labels --check' names them all"
    )
