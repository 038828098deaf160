"""CSV label files: every cell is read or named by its row, none is lost between."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.base.errors import DamagedRowsError, UserError
from curate.sources.csv_table import ROW, read_cells, read_pairs, to_numbers

PAIRS = st.dictionaries(st.integers(0, 10**9 - 1), st.integers(0, 5), min_size=1, max_size=30)
BAD_LINES = st.sampled_from(["x", "1", "1,6", "1;2", ",", "1,2,3", "-1,2", "1,2.0", "٣,1"])


def read_text(text: str) -> list[tuple[int, int, int]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "au1.txt"
        path.write_text(text, encoding="utf-8")
        return read_pairs(path, "0-5", "an intensity").rows()


@settings(deadline=None)
@given(PAIRS, st.lists(st.integers(0, 30), max_size=4))
def test_pairs_are_read_in_file_order_with_their_rows(
    pairs: dict[int, int], blanks: list[int]
) -> None:
    lines = [f" {frame} ,{value}" for frame, value in pairs.items()]
    for place in blanks:
        lines.insert(place, "  ")
    expected = [
        (row, *map(int, line.split(","))) for row, line in enumerate(lines, 1) if line.strip()
    ]
    assert read_text("\n".join(lines)) == expected


@settings(deadline=None)
@given(PAIRS, st.lists(st.tuples(st.integers(0, 30), BAD_LINES), min_size=1, max_size=5))
def test_each_bad_line_is_named_and_no_other(
    pairs: dict[int, int], bad: list[tuple[int, str]]
) -> None:
    lines = [(f"{frame},{value}", True) for frame, value in pairs.items()]
    for place, line in bad:
        lines.insert(place, (line, False))
    with pytest.raises(DamagedRowsError) as raised:
        read_text("\n".join(line for line, _ in lines))
    rows = [row for row, (_, good) in enumerate(lines, 1) if not good]
    named = [int(s.partition(", row ")[2].partition(":")[0]) for s in raised.value.sentences]
    assert named == rows


def test_cells_are_stripped_and_unwanted_columns_left(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\ufeffframe, AU01_c ,,note\n 1 , 0,7,\n\n2,,8,x\n", encoding="utf-8")
    cells = read_cells(path, "frame$|AU")
    assert cells.columns == [ROW, "frame", "AU01_c"]
    assert cells.rows() == [(2, "1", "0"), (4, "2", None)]


def test_what_is_no_finite_number_is_null_and_a_fault_where_required(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1e1\ninf\nx\nnan\n")
    cells = read_cells(path)
    numbers, faults = to_numbers(cells)
    assert numbers["a"].to_list() == [10, None, None, None]
    assert [row for row, _ in faults] == [3, 4, 5]
    assert to_numbers(cells, required=numbers["a"] == 10)[1] == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "a,b\n1,2\n1,2,3\n\n4,5,6,7\n",
            "row 3: has 3 cells, the header 2; fix or remove the row",
        ),
        ('a,b\n1,"2\n', "not a CSV table in UTF-8"),
        ("a,b\n", "holds no row below its header"),
    ],
    ids=["long rows", "open quote", "no row"],
)
def test_a_table_that_cannot_be_read(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_cells(path)
