"""labels.csv: by clip and frame or by image; unknown stays unknown; a bad cell is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.sources import read_labels
from curate.sources.label_table import Labels


def lay(folder: Path, text: str | bytes) -> Path:
    for name in ("ann/talk.mp4", "bob.mp4", "ann/shots/2.png", "ann/shots/10.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    content = text.encode() if isinstance(text, str) else text
    (folder / "labels.csv").write_bytes(content)
    return folder


def read(folder: Path, source: str = "videos", positive_at: float = 2) -> Labels:
    given = {"source": source, "positive_at": positive_at}
    return read_labels(folder, Parameters.model_validate(given))


def test_rows_by_clip_and_frame(tmp_path: Path) -> None:
    lay(tmp_path, "clip,frame,AU12,AU1\nann/talk,3,0,2.5\nbob, 0 ,5,1\n")
    table = read(tmp_path).table
    assert table.select("id", "subject", "AU1", "AU12").rows() == [
        ("ann/talk/000003", "ann", 1, 0),
        ("bob/000000", "bob", 0, 1),
    ]
    assert table["AU1_intensity"].to_list() == [2.5, 1]


def test_rows_by_image(tmp_path: Path) -> None:
    lay(tmp_path, "image,AU1\nann/shots/10.png,3\nann/shots/2.png,0\n")
    table = read(tmp_path, "images").table
    assert table.select("id", "AU1").rows() == [("ann/shots/000000", 0), ("ann/shots/000001", 1)]


def test_images_may_be_named_by_clip_and_frame_too(tmp_path: Path) -> None:
    lay(tmp_path, "clip,frame,AU1\nann/shots,1,3\n")
    assert read(tmp_path, "images").table["id"].to_list() == ["ann/shots/000001"]


@pytest.mark.parametrize(
    ("cell", "label", "intensity"),
    [
        ("", None, None),
        ("unknown", None, None),
        ("present", 1, None),
        (" Absent ", 0, None),
        ("1.9", 0, 1.9),
        ("2", 1, 2.0),
    ],
)
def test_words_and_numbers(
    tmp_path: Path, cell: str, label: int | None, intensity: float | None
) -> None:
    lay(tmp_path, f"clip,frame,AU1\nbob,0,{cell}\n")
    row = read(tmp_path).table.row(0, named=True)
    assert row["AU1"] == label
    assert row["AU1_intensity"] == (None if intensity is None else pytest.approx(intensity))


def test_positive_at_decides_on_intensities(tmp_path: Path) -> None:
    lay(tmp_path, "clip,frame,AU1\nbob,0,1\n")
    assert read(tmp_path, positive_at=1).table["AU1"].to_list() == [1]


def test_zero_padded_action_units_are_read(tmp_path: Path) -> None:
    lay(tmp_path, "clip,frame,AU01,AU12\nbob,0,3,0\n")
    assert read(tmp_path).table.select("AU1", "AU12").row(0) == (1, 0)


def test_labels_that_begin_late_are_not_lost(tmp_path: Path) -> None:
    rows = [f"bob,{index},{'' if index < 150 else '2.5'}" for index in range(200)]
    lay(tmp_path, "clip,frame,AU1\n" + "\n".join(rows))
    table = read(tmp_path).table
    assert table["AU1"].null_count() == 150
    assert table["AU1_intensity"][199] == 2.5


def test_a_byte_order_mark_and_spaces_in_the_header(tmp_path: Path) -> None:
    lay(tmp_path, "\ufeffclip, frame, AU1\nbob,0,3\n".encode())
    assert read(tmp_path).table["AU1"].to_list() == [1]


def test_rows_of_strangers_are_one_note_with_the_first_names_and_what_is_near(
    tmp_path: Path,
) -> None:
    rows = ["bob,0,3", "bobb,0,3", "bobb,1,3", *(f"{name},0,1" for name in "pqrs")]
    lay(tmp_path, "clip,frame,AU1\n" + "\n".join(rows))
    labels = read(tmp_path)
    assert labels.notes == [
        f"{tmp_path}/labels.csv: 6 rows left out for naming no clip or image: "
        "'bobb' (did you mean 'bob'?), 'p', 'q' and 2 more"
    ]
    assert labels.table["clip"].to_list() == ["bob"]


def test_an_image_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    lay(tmp_path, "image,AU1\nann/shots/02.png,3\nann/shots/2.png,0\n")
    assert read(tmp_path, "images").notes == [
        f"{tmp_path}/labels.csv: 1 row left out for naming no clip or image: "
        "'ann/shots/02.png' (did you mean 'ann/shots/2.png'?)"
    ]


def test_labels_past_the_end_of_a_clip_are_said(tmp_path: Path) -> None:
    lay(tmp_path, "clip,frame,AU1\nann/shots,1,3\nann/shots,2,3\nann/shots,7,3\n")
    assert read(tmp_path, "images").notes == [
        f"{tmp_path}/labels.csv: labels past the end of their clip: 2, of ann/shots (2 frames)"
    ]


def test_every_damaged_row_is_named_when_checking(tmp_path: Path) -> None:
    lay(tmp_path, "clip,frame,AU1\nbob,0,smile\nbob,1,1\nbob,1,2\nbob,2,1,5\n")
    (damage,) = read_labels(tmp_path, Parameters(source="videos"), check=True).damage
    assert [sentence.partition("labels.csv, ")[2][:20] for sentence in damage.sentences] == [
        "row 2: AU1 is 'smile",
        "row 4: frame bob/000",
        "row 5: has more cell",
    ]


@pytest.mark.parametrize("text", ["clip,frame,AU1\n", "clip,frame,AU1\neve,0,1\n"])
def test_no_row_of_ours_is_an_empty_table_with_its_columns(tmp_path: Path, text: str) -> None:
    table = read(lay(tmp_path, text)).table
    assert table.is_empty()
    assert "AU1" in table.columns


def test_without_the_file_frames_are_unlabelled_with_a_note(tmp_path: Path) -> None:
    lay(tmp_path, "")
    (tmp_path / "labels.csv").unlink()
    labels = read(tmp_path)
    assert labels.table.is_empty()
    assert labels.notes == [f"{tmp_path}/labels.csv: not there; frames are unlabelled"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "row 1: needs the columns 'clip' and 'frame', or 'image'; has: none"),
        ("clip,AU1\n", "row 1: needs the columns 'clip' and 'frame', or 'image'; has: clip, AU1"),
        ("clip,frame,smile\n", "row 1: has no action unit column (AU1, AU12, ...)"),
        ("clip,frame,AU1,AU01\n", "row 1: AU1 occurs twice"),
        (
            "clip,frame,AU1\nbob,0,1\nbob,1,6\n",
            "row 3: AU1 is '6'; allowed are an intensity from 0",
        ),
        ("clip,frame,AU1\nbob,0,smile\n", "row 2: AU1 is 'smile'; allowed are"),
        ("clip,frame,AU1\nbob,0,nan\n", "row 2: AU1 is 'nan'; allowed are"),
        ("clip,frame,AU1\nbob,-1,1\n", "row 2: frame '-1' is not a whole number from 0 on"),
        ("clip,frame,AU1\nbob,1.5,1\n", "row 2: frame '1.5' is not a whole number"),
        ("clip,frame,AU1\nbob,²,1\n", "row 2: frame '²' is not a whole number"),
        ("clip,frame,AU1\nbob,99999999999,1\n", "row 2: frame '99999999999' is not a whole number"),
        ("clip,frame,AU1\nbob\n", "row 2: frame 'None' is not a whole number"),
        ("clip,frame,AU1\nbob,0,1\nbob,0,2\n", "row 3: frame bob/000000 is already in row 2"),
    ],
)
def test_what_is_wrong_is_named_by_row(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError) as raised:
        read(lay(tmp_path, text))
    assert str(raised.value).startswith(f"{tmp_path}/labels.csv, {sentence}")


@pytest.mark.parametrize(
    "content", [b"clip,frame,AU1\nb\xf6b,0,1\n", b"clip,frame,AU1\n" + 200_000 * b"b"],
    ids=["other encoding", "endless cell"],
)  # fmt: skip
def test_a_file_that_is_no_utf8_table(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UserError, match=r"labels\.csv: not a CSV table in UTF-8"):
        read(lay(tmp_path, content))


def test_columns_of_0_and_1_are_pointed_out_where_they_all_turn_absent(tmp_path: Path) -> None:
    lay(tmp_path, "clip,frame,AU1,AU4\nbob,0,1,3\nbob,1,0,1\n")
    sentence = "AU1 holds only 0 and 1, read as intensities: all absent at positive_at 2"
    assert [sentence in note for note in read(tmp_path).notes] == [True]
    assert read(tmp_path, positive_at=1).notes == []
