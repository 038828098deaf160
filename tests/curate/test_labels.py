"""curate labels: the table's columns, --check, and how damage is counted and named."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest

from curate.base.errors import DamagedRowsError, UserError
from curate.base.params import Parameters
from curate.base.text import first_few
from curate.labels import collect_labels, count_emotions
from curate.sources.label_table import labels_table, read_all
from curate.tables import KEY, NO_ROWS

Curate = Callable[..., CompletedProcess[str]]


@pytest.fixture
def openface(tmp_path: Path) -> Path:
    """Format two clips in OpenFace's layout, both whole."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("ann", "bob"):
        (folder / f"{name}.mp4").touch()
        (folder / f"{name}.csv").write_text("frame,AU01_c,AU12_c\n1,1,0\n2,0,0\n")
    return folder


def check(curate: Curate, *more: str) -> CompletedProcess[str]:
    return curate("labels", "in", "--source", "openface", "--check", *more)


def test_check_of_whole_files_says_so_and_writes_nothing(
    curate: Curate, tmp_path: Path, openface: Path
) -> None:
    ran = check(curate)
    assert ran.returncode == 0
    assert ran.stderr == ""
    assert "in: nothing wrong, 4 labelled frames" in ran.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_check_names_each_damaged_row_then_counts_the_rest(
    curate: Curate, tmp_path: Path, openface: Path
) -> None:
    (openface / "bob.csv").write_text("frame,AU01_c,AU12_c\n1,x,0\n2,0,0\n3,0,7\n4,y,0\n")
    (openface / "eve.mp4").touch()
    (openface / "eve.csv").touch()
    ran = check(curate)
    assert ran.returncode == 2
    assert ran.stderr.splitlines() == [
        "curate: in/bob.csv, row 2: AU01_c is 'x', not a number; fix or remove the row",
        "curate: in/bob.csv, row 4: AU12_c is 7, not 0 or 1",
        "curate: in/bob.csv, row 5: AU01_c is 'y', not a number; fix or remove the row",
        "curate: in/eve.csv: holds nothing; it should be a CSV table",
    ]
    title, _, *rows = ran.stdout.strip().splitlines()
    assert title == "in: 2 damaged files, 2 labelled frames in the others"
    assert [row.split() for row in rows] == [["AU1", "1", "1", "0"], ["AU12", "0", "2", "0"]]
    assert not (tmp_path / "data").exists()


def test_check_as_json(curate: Curate, openface: Path) -> None:
    (openface / "bob.csv").write_text("frame,AU01_c\n1,x\n")
    ran = check(curate, "--json")
    assert ran.returncode == 2
    said = json.loads(ran.stdout)
    assert len(said["damage"]) == 1
    assert said["frames"] == 2


def test_without_check_the_first_damage_and_how_many_more(
    curate: Curate, tmp_path: Path, openface: Path
) -> None:
    for name in ("ann", "bob"):
        (openface / f"{name}.csv").write_text("frame,AU01_c\n1,x\n2,y\n3,z\n")
    ran = curate("labels", "in", "--source", "openface")
    assert ran.returncode == 2
    assert ran.stderr == (
        "curate: in/ann.csv, row 2: AU01_c is 'x', not a number; fix or remove the row; "
        "and 2 more damaged rows in this file; and 1 more damaged file; "
        "'curate labels --check' names them all\n"
    )
    assert not (tmp_path / "data").exists()


def test_check_does_not_ask_for_action_units(
    curate: Curate, tmp_path: Path, openface: Path
) -> None:
    (tmp_path / "params.yaml").write_text("action_units: [44]\n")
    assert check(curate).returncode == 0


def test_emotions_are_written_counted_and_passed_by_the_choice_of_action_units(
    tmp_path: Path,
) -> None:
    (tmp_path / "ann.mp4").touch()
    table = "facial_expression,au_1_intensity,au_2_intensity\nFear,1,1\nFear,3,1\nAnger,1,1\n,1,1\n"
    (tmp_path / "ann.csv").write_text(table)
    found = collect_labels(tmp_path, Parameters(source="libreface", action_units=[2])).table
    assert found.columns == [*KEY, "AU2", "AU2_intensity", "emotion"]
    assert count_emotions(found) == {"anger": 1, "fear": 2}
    assert count_emotions(NO_ROWS) == {}


def test_emotions_stand_in_the_report(curate: Curate, tmp_path: Path) -> None:
    (tmp_path / "ann.mp4").touch()
    (tmp_path / "ann.csv").write_text("facial_expression,au_1_intensity\nFear,1\n,1\n")
    ran = curate("labels", ".", "--source", "libreface")
    assert "data/labels.parquet: 2 labelled frames, 1 with an emotion" in ran.stdout
    assert pl.read_parquet(tmp_path / "data" / "labels.parquet")["emotion"].to_list() == [
        "fear",
        None,
    ]


def test_a_labels_table_has_its_columns_in_order_and_unknown_where_rows_lack_them() -> None:
    rows = pl.DataFrame(
        {"id": ["b/000000"], "subject": ["b"], "clip": ["b"], "index": [0], "AU2": [1]}
    )
    table = labels_table(rows, [12, 2])
    assert table.columns == [*KEY, "AU2", "AU12", "AU2_intensity", "AU12_intensity"]
    assert table.select("AU2", "AU12", "AU2_intensity").row(0) == (1, None, None)


def test_read_all_reads_past_what_fails_and_keeps_the_order(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "b").write_text("b")

    def read_one(name: str) -> str:
        if name == "bad":
            raise UserError("bad: broken")
        return (tmp_path / name).read_text()

    contents, damage = read_all(["bad", "folder", "b", "gone"], read_one)
    assert contents == ["b"]
    assert [str(error) for error in damage] == [
        "bad: broken",
        f"{tmp_path}/folder: Is a directory",
        f"{tmp_path}/gone: No such file or directory",
    ]


def test_damaged_rows_are_named_in_order_and_a_file_wrong_throughout_is_cut_short() -> None:
    one = DamagedRowsError(Path("a.csv"), [(3, "x"), (2, "y")])
    assert one.sentences == ["a.csv, row 2: y", "a.csv, row 3: x"]
    assert str(one) == "a.csv, row 2: y; and 1 more damaged row in this file"
    assert str(DamagedRowsError(Path("a.csv"), [(2, "y")])) == "a.csv, row 2: y"
    many = DamagedRowsError(Path("a.csv"), [(row, "x") for row in range(1, 4001)]).sentences
    assert (len(many), many[-1]) == (101, "a.csv: 3,900 more damaged rows")


def test_damage_found_in_another_process_comes_back_as_it_was() -> None:
    error = DamagedRowsError(Path("a.csv"), [(2, "y"), (3, "x")])
    assert pickle.loads(pickle.dumps(error)).sentences == error.sentences


@pytest.mark.parametrize(
    ("names", "said"),
    [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c and 1 more")],
)
def test_first_few(names: str, said: str) -> None:
    assert first_few(list(names)) == said
