"""BP4D and BP4D+: tables and images joined by frame number; 9 and what is not listed is unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.sources import find_clips, read_labels
from curate.sources.label_table import Labels

TABLE = "0,1,12\n2440,0,1\n2441,1,9\n"


def lay(folder: Path, images: list[str], tables: dict[str, str] | None = None) -> Path:
    """Format empty images such as F001/T1/2440.jpg, and tables below AUCoding."""
    for name in images:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name, text in (tables or {}).items():
        path = folder / "AUCoding" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def read(folder: Path, **given: object) -> Labels:
    return read_labels(folder, Parameters.model_validate({"source": "bp4d", **given}))


def rows(labels: Labels, *columns: str) -> list[tuple[object, ...]]:
    return labels.table.select("index", *columns).rows()


def test_images_of_a_task_are_a_clip_of_its_subject(tmp_path: Path) -> None:
    lay(tmp_path, ["2D/F001/T1/2440.jpg", "2D/F001/T2/1.jpg", "2D/M002/T1/1.jpg"])
    clips = find_clips(tmp_path, Parameters(source="bp4d"))
    assert [(c.name, c.subject) for c in clips] == [
        ("F001/T1", "F001"),
        ("F001/T2", "F001"),
        ("M002/T1", "M002"),
    ]


def test_joined_by_number_with_any_padding_and_uncoded_images_unlabelled(tmp_path: Path) -> None:
    names = ["F001/T1/0099.jpg", "F001/T1/100.jpg", "F001/T1/00101.jpg", "F001/T1/102.jpg"]
    lay(tmp_path, names, {"AU_OCC/F001_T1.csv": "0,1,12\n102,1,1\n100,0,1\n"})
    labels = read(tmp_path)
    assert rows(labels, "AU1", "AU12") == [(1, 0, 1), (3, 1, 1)]
    assert labels.table["id"].to_list() == ["F001/T1/000001", "F001/T1/000003"]
    assert labels.notes == []


def test_nine_is_unknown_and_what_is_never_coded_is_no_column(tmp_path: Path) -> None:
    table = "0,1,2,12,99\n1,0,9,9,9\n2,9,9,1,9\n3,9,9,9,9\n"
    lay(tmp_path, [f"F001/T1/{n}.jpg" for n in (1, 2, 3)], {"AU_OCC/F001_T1.csv": table})
    labels = read(tmp_path)
    assert rows(labels, "AU1", "AU12") == [(0, 0, None), (1, None, 1)]
    assert not {"AU2", "AU99"} & set(labels.table.columns)


def test_an_action_unit_coded_for_one_clip_is_unknown_in_another(tmp_path: Path) -> None:
    tables = {"AU_OCC/F001_T1.csv": "0,1\n1,1\n", "AU_OCC/M001_T1.csv": "0,2\n1,0\n"}
    lay(tmp_path, ["F001/T1/1.jpg", "M001/T1/1.jpg"], tables)
    assert rows(read(tmp_path), "AU1", "AU2") == [(0, 1, None), (0, None, 0)]


def test_a_second_table_of_one_clip_does_not_hide_other_damage(tmp_path: Path) -> None:
    tables = {f"{place}/F001_T1.csv": "0,1\n1,1\n" for place in ("a", "b")}
    lay(tmp_path, ["F001/T1/1.jpg", "M001/T1/1.jpg"], tables | {"a/M001_T1.csv": "0,1\n1,7\n"})
    damage = read_labels(tmp_path, Parameters(source="bp4d"), check=True).damage
    twice, wrong = (str(error).replace(f"{tmp_path}/AUCoding/", "") for error in damage)
    assert twice == "b/F001_T1.csv: there is a/F001_T1.csv already; remove one"
    assert wrong == "a/M001_T1.csv, row 2: AU1 is 7, not 0, 1 or 9"


def test_intensities_stand_beside_and_do_not_decide(tmp_path: Path) -> None:
    tables = {
        "AU_OCC/F001_T1.csv": "0,6,12\n1,1,0\n2,0,1\n3,1,1\n",
        "AU_INT/AU06/F001_T1_AU06.csv": "1,1\n2,5\n3,9\n4,2\n",
    }
    lay(tmp_path, [f"F001/T1/{n}.jpg" for n in (1, 2, 3)], tables)
    labels = read(tmp_path)
    assert rows(labels, "AU6", "AU6_intensity") == [(0, 1, 1), (1, 0, 5), (2, 1, None)]
    assert labels.table["AU12_intensity"].null_count() == 3


def test_coded_frames_without_image_are_counted(tmp_path: Path) -> None:
    tables = {"AU_OCC/F001_T1.csv": TABLE, "AU_OCC/M001_T8.csv": TABLE}
    lay(tmp_path, ["F001/T1/2441.jpg", "M001/T8/1.jpg"], tables)
    labels = read(tmp_path)
    assert rows(labels, "AU1") == [(0, 1)]
    assert labels.notes == [
        "coded frames without an image, left out: 3, of F001/T1 (1), M001/T8 (2); image_offset is 0"
    ]


@pytest.mark.parametrize(
    ("source", "offset", "index"),
    [("bp4d", "auto", 1), ("bp4dplus", "auto", 0), ("bp4dplus", 0, 1), ("bp4d", 1, 2)],
)
def test_image_offset(tmp_path: Path, source: str, offset: object, index: int) -> None:
    names = [f"F001/T1/{n}.jpg" for n in (9, 10, 11)]
    lay(tmp_path, names, {"AU_OCC/F001_T1.csv": "0,1\n10,1\n"})
    assert rows(read(tmp_path, source=source, image_offset=offset), "AU1") == [(index, 1)]


def test_clips_and_tables_with_one_half_only_are_named(tmp_path: Path) -> None:
    tables = {
        "AU_OCC/F001_T1.csv": "0,1\n1,1\n",
        "AU_OCC/F009_T1.csv": "0,1\n1,1\n",
        "AU_INT/AU06/F001_T2_AU06.csv": "1,1\n",
    }
    lay(tmp_path, [f"F001/T{n}/1.jpg" for n in range(1, 6)], tables)
    assert read(tmp_path).notes == [
        "F001/T2, F001/T3, F001/T4 and 1 more: has no table in AU_OCC; unlabelled",
        "F009/T1: has a table in AU_OCC but no images; left out",
        "F001/T2: has tables in AU_INT but none in AU_OCC; left out",
    ]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("0,1\n1,0\n2,3\n", ", row 3: AU1 is 3, not 0, 1 or 9"),
        ("0,1\n1,x\n", ", row 2: AU1 is 'x', not a number"),
        ("0,1\n1\n", ", row 2: AU1 is missing"),
        ("0,1\n1,0,0\n", ", row 2: has 3 cells, the header 2"),
        ("0,1\n1,0\n1,1\n", ", row 3: frame 1 is already in row 2"),
        ("0,1\n1.5,0\n", ", row 2: frame 1.5 is not a whole number"),
        ("frame,1\n1,0\n", ", row 1: the column 'frame' should be 0"),
        ("0,AU1\n1,0\n", ", row 1: the column 'AU1' should be an action unit's number"),
        ("0,1,1\n1,0,0\n", ", row 1: the column '1' occurs twice"),
        ("0,1,\n1,0,1\n", ", row 1: a column with cells has no name"),
        ("0,1\n", ": holds no row below its header"),
        ("", ": holds nothing"),
    ],
)
def test_a_bad_table_is_named(tmp_path: Path, table: str, sentence: str) -> None:
    lay(tmp_path, ["F001/T1/1.jpg"], {"AU_OCC/F001_T1.csv": table})
    with pytest.raises(UserError) as raised:
        read(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}/AUCoding/AU_OCC/F001_T1.csv{sentence}")


@pytest.mark.parametrize("line", ["1,6", "frame,value", "1 2", "1,1.5"])
def test_a_bad_intensity_is_named(tmp_path: Path, line: str) -> None:
    tables = {"AU_OCC/F001_T1.csv": "0,6\n1,1\n", "AU_INT/AU06/F001_T1_AU06.csv": f"2,1\n{line}\n"}
    lay(tmp_path, ["F001/T1/1.jpg"], tables)
    with pytest.raises(UserError) as raised:
        read(tmp_path)
    said = f"F001_T1_AU06.csv, row 2: '{line}' is not 'frame,intensity'"
    assert said in str(raised.value)
    assert "or 9 where it is not coded" in str(raised.value)


def test_every_damaged_table_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    tables = {
        "AU_OCC/F001_T1.csv": "0,6\n1,5\n2,7\n",
        "AU_OCC/M001_T1.csv": "0,6\n1,1\n",
        "AU_INT/AU06/M001_T1_AU06.csv": "x\n",
    }
    lay(tmp_path, ["F001/T1/1.jpg", "M001/T1/1.jpg"], tables)
    labels = read_labels(tmp_path, Parameters(source="bp4d"), check=True)
    assert [len(error.sentences) for error in labels.damage] == [2, 1]
    assert labels.table.select("subject", "AU6").rows() == [("M001", 1)]


def test_two_images_of_one_number_are_damage(tmp_path: Path) -> None:
    lay(tmp_path, ["F001/T1/7.jpg", "F001/T1/07.jpg"], {"AU_OCC/F001_T1.csv": "0,1\n7,1\n"})
    with pytest.raises(UserError, match=r"7\.jpg: has the same number as 0?7\.jpg beside it"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "holds no image"),
        (["faces/1.jpg"], "no image in folders named like F001/T1"),
        (["F001/T1/1.jpg"], "no table named like AUCoding/AU_OCC/F001_T1.csv"),
    ],
    ids=["none", "other names", "no tables"],
)
def test_a_tree_that_is_not_bp4d(tmp_path: Path, images: list[str], sentence: str) -> None:
    lay(tmp_path, images)
    with pytest.raises(UserError, match=sentence):
        read(tmp_path)
