"""CK+: peaks coded in scientific notation, neutral first frames, nothing in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.sources import find_clips, read_labels
from curate.sources.label_table import Labels

CKPLUS = Parameters(source="ckplus")


def lay(folder: Path, sequences: dict[str, int], **labels: dict[str, str]) -> Path:
    """Format sequences of so many images, and FACS and Emotion files named like S005_001_3."""
    for sequence, count in sequences.items():
        for number in range(1, count + 1):
            image = folder / "cohn-kanade-images" / sequence / f"{stem(sequence, number)}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            image.touch()
    for kind, suffix in (("FACS", "facs"), ("Emotion", "emotion")):
        for name, text in labels.get(kind, {}).items():
            subject, sequence, peak = name.split("_")
            path = folder / kind / subject / sequence
            path.mkdir(parents=True, exist_ok=True)
            file = f"{stem(f'{subject}/{sequence}', int(peak))}_{suffix}.txt"
            (path / file).write_text(text)
    return folder


def stem(sequence: str, number: int) -> str:
    return f"{sequence.replace('/', '_')}_{number:08d}"


def read(folder: Path, **given: object) -> Labels:
    return read_labels(folder, Parameters.model_validate({"source": "ckplus", **given}))


def test_a_sequence_is_a_clip_of_its_subject(tmp_path: Path) -> None:
    lay(tmp_path, {"S005/001": 11, "S010/002": 2})
    clips = find_clips(tmp_path, CKPLUS)
    assert [(c.name, c.subject, len(c.images)) for c in clips] == [
        ("S005/001", "S005", 11),
        ("S010/002", "S010", 2),
    ]
    assert clips[0].images[-1].stem == "S005_001_00000011"


def test_peak_and_first_frame_are_labelled_and_none_between(tmp_path: Path) -> None:
    facs = "   1.2000000e+01   4.0000000e+00\n   2.5000000e+01   3.0000000e+00\n"
    lay(tmp_path, {"S005/001": 11}, FACS={"S005_001_11": facs})
    labels = read(tmp_path)
    assert labels.notes == []
    assert labels.table.select("id", "AU12", "AU25", "AU12_intensity").rows() == [
        ("S005/001/000000", 0, 0, 0),
        ("S005/001/000010", 1, 1, 4),
    ]
    assert "emotion" not in labels.table.columns


@pytest.mark.parametrize("positive_at", [1, 2, 5])
def test_what_is_listed_is_present_whatever_its_intensity(
    tmp_path: Path, positive_at: float
) -> None:
    facs = "1.2e+01 0.0000000e+00\n4 1\n"
    lay(tmp_path, {"S005/001": 3}, FACS={"S005_001_3": facs})
    peak = read(tmp_path, positive_at=positive_at).table.row(1, named=True)
    assert (peak["AU12"], peak["AU12_intensity"]) == (1, None)
    assert (peak["AU4"], peak["AU4_intensity"]) == (1, 1)


def test_an_empty_file_is_coded_with_nothing_and_a_missing_one_is_unknown(tmp_path: Path) -> None:
    facs = {"S005_001_3": "9 2\n", "S005_002_3": ""}
    lay(tmp_path, {"S005/001": 3, "S005/002": 3, "S006/001": 3}, FACS=facs)
    labels = read(tmp_path)
    assert labels.table.select("id", "AU9", "AU9_intensity").rows() == [
        ("S005/001/000000", 0, 0),
        ("S005/001/000002", 1, 2),
        ("S005/002/000000", 0, 0),
        ("S005/002/000002", 0, 0),
        ("S006/001/000000", 0, 0),
    ]
    assert labels.notes == ["no FACS file of S006/001; the peak is unlabelled"]


def test_an_action_unit_listed_twice_has_its_higher_intensity(tmp_path: Path) -> None:
    lay(tmp_path, {"S005/001": 2}, FACS={"S005_001_2": "12 3\n12 0\n12 1\n"})
    assert read(tmp_path).table["AU12_intensity"].to_list() == [0, 3]


def test_emotions_are_named_and_may_stand_without_action_units(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {"S005/001": 3, "S006/001": 3},
        FACS={"S005_001_3": "9 2\n"},
        Emotion={"S005_001_3": "   3.0000000e+00\n", "S006_001_3": "5"},
    )
    assert read(tmp_path).table.select("id", "AU9", "emotion").rows() == [
        ("S005/001/000000", 0, "neutral"),
        ("S005/001/000002", 1, "disgust"),
        ("S006/001/000000", 0, "neutral"),
        ("S006/001/000002", None, "happiness"),
    ]


def test_a_sequence_that_begins_late_has_no_neutral_frame(tmp_path: Path) -> None:
    lay(tmp_path, {"S005/001": 3}, FACS={"S005_001_3": "9 2\n"})
    (tmp_path / "cohn-kanade-images" / "S005" / "001" / "S005_001_00000001.png").unlink()
    labels = read(tmp_path)
    assert labels.table["id"].to_list() == ["S005/001/000001"]
    assert labels.notes == [
        "image 1 is missing of S005/001; the first one there is not taken as neutral"
    ]


def test_files_of_images_that_are_not_here_are_one_note(tmp_path: Path) -> None:
    facs = {"S005_001_2": "9 2\n", **{f"S00{n}_001_2": "9 2\n" for n in range(6, 10)}}
    lay(tmp_path, {"S005/001": 2}, FACS=facs)
    (note,) = read(tmp_path).notes
    assert note.startswith("S006_001_00000002_facs.txt, S007_001_00000002_facs.txt, S008_001")
    assert note.endswith(" and 1 more: of no image that is here; left out")


@pytest.mark.parametrize(
    ("facs", "sentence"),
    [
        ("12 4\n12\n", "row 2: '12' is not an action unit and its intensity"),
        ("12 4\n\n25 6\n", "row 3: '25 6' is not"),
        ("AU12 4\n", "row 1: 'AU12 4' is not"),
        ("12.5 4\n", "row 1: '12.5 4' is not"),
        ("0 4\n", "row 1: '0 4' is not"),
        ("nan 1\n", "row 1: 'nan 1' is not"),
        ("12 -1\n", "row 1: '12 -1' is not"),
    ],
)
def test_a_bad_facs_line_is_named(tmp_path: Path, facs: str, sentence: str) -> None:
    lay(tmp_path, {"S005/001": 2}, FACS={"S005_001_2": facs})
    with pytest.raises(UserError) as raised:
        read(tmp_path)
    assert f"FACS/S005/001/S005_001_00000002_facs.txt, {sentence}" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "holds"), [("8", "'8'"), ("joy", "'joy'"), ("", "nothing"), ("1 2", "'1 2'")]
)
def test_a_bad_emotion_is_named(tmp_path: Path, text: str, holds: str) -> None:
    labels = {"FACS": {"S005_001_2": "9 2\n"}, "Emotion": {"S005_001_2": text}}
    lay(tmp_path, {"S005/001": 2}, **labels)
    with pytest.raises(UserError) as raised:
        read(tmp_path)
    said = f"_emotion.txt, row 1: holds {holds}; allowed is one number: 0 neutral, 1 anger"
    assert said in str(raised.value)


def test_every_damaged_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {"S005/001": 2, "S006/001": 2},
        FACS={"S005_001_2": "x\ny\n", "S006_001_2": "9 2\n"},
        Emotion={"S006_001_2": "9"},
    )
    labels = read_labels(tmp_path, CKPLUS, check=True)
    assert [len(error.sentences) for error in labels.damage] == [2, 1]
    assert labels.notes == []
    assert labels.table.filter(subject="S006")["AU9"].to_list() == [0, 1]


def test_two_files_of_one_image_are_damage(tmp_path: Path) -> None:
    lay(tmp_path, {"S005/001": 2}, FACS={"S005_001_2": "9 2\n"})
    other = tmp_path / "FACS_labels" / "S005_001_00000002_facs.txt"
    other.parent.mkdir()
    other.write_text("12 2\n")
    with pytest.raises(
        UserError, match=r"FACS_labels/.*is labelled by .*/FACS/S005/001/.* already"
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("sequences", "sentence"),
    [
        ({}, "holds no image"),
        ({"faces/one": 2}, "no image in folders named like cohn-kanade-images/S005/001"),
        ({"S005/001": 2}, "no FACS file for its images, named like FACS/S005/001"),
    ],
    ids=["none", "other names", "no labels"],
)
def test_a_tree_that_is_not_ckplus(
    tmp_path: Path, sequences: dict[str, int], sentence: str
) -> None:
    lay(tmp_path, sequences)
    with pytest.raises(UserError, match=sentence):
        read(tmp_path)
