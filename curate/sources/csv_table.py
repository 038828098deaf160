"""Label files that are CSV tables: read as text, then checked, so that a bad cell has a row."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import polars as pl

from curate.base.errors import DamagedInputError, DamagedRowsError

ROW = "__row__"  # the column that holds a row's line in the file, counted from 1
Faults = list[tuple[int, str]]  # rows of a file, and what is wrong with each


def read_cells(path: Path, pattern: str = "") -> pl.DataFrame:
    """Read a CSV table with a header: cells as text, stripped (null where empty), and `ROW`.

    Names are stripped too, and only columns whose name begins as `pattern` are read; rows without
    any cell are passed over.

    Raises:
        DamagedInputError: no table in UTF-8, no row, a column that occurs twice, a row with more
            cells than the header or, where all columns are read, one that has no name.
    """
    text = _read_text(path).with_row_index(ROW, offset=1)
    names = {column: (text[column][0] or "").strip() for column in text.columns[1:]}
    wanted = {column: name for column, name in names.items() if name and re.match(pattern, name)}
    nameless = [] if pattern else [column for column, name in names.items() if not name]
    _check_names(path, list(wanted.values()), text.select(nameless))
    cells = text[1:].filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))
    if cells.is_empty():
        raise DamagedInputError(f"{path}: holds no row below its header", path=path)
    cells = cells.select(ROW, *wanted).rename(wanted)
    return cells.with_columns(pl.exclude(ROW).str.strip_chars().replace("", None))


def _check_names(path: Path, names: list[str], nameless: pl.DataFrame) -> None:
    """Refuse names that occur twice, and columns without a name that have cells.

    Raises:
        DamagedRowsError: of the header's row.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    faults = [(1, f"the column '{name}' occurs twice") for name in twice]
    faults += [(1, "a column with cells has no name") for cells in nameless if cells.count()]
    refuse(path, faults)


def _read_text(path: Path) -> pl.DataFrame:
    """Read a CSV table's cells as they are, its header as the first row."""
    try:
        return pl.read_csv(path, has_header=False, infer_schema=False, glob=False)
    except pl.exceptions.NoDataError:
        raise DamagedInputError(
            f"{path}: holds nothing; it should be a CSV table", path=path
        ) from None
    except pl.exceptions.PolarsError as error:
        _find_long_rows(path)
        first_line = str(error).partition("\n")[0]
        raise DamagedInputError(
            f"{path}: not a CSV table in UTF-8 ({first_line})", path=path
        ) from None


def _find_long_rows(path: Path) -> None:
    """Look for rows that have more cells than the header.

    Raises:
        DamagedRowsError: there are some.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            wanted = len(next(reader, []))
            rows = [(reader.line_num, len(cells)) for cells in reader]
    except (csv.Error, UnicodeDecodeError):
        return
    what = f"has {{}} cells, the header {wanted}; fix or remove the row"
    refuse(path, [(row, what.format(cells)) for row, cells in rows if cells > wanted])


def refuse(path: Path, faults: Faults) -> None:
    """Raise a file's faults, if there are any.

    Raises:
        DamagedRowsError: what is wrong, row by row.
    """
    if faults:
        raise DamagedRowsError(path, sorted(faults))


def to_numbers(
    cells: pl.DataFrame, required: pl.Series | None = None, empty: bool = False
) -> tuple[pl.DataFrame, Faults]:
    """Turn all columns but `ROW` into Float64, null where a cell is no finite number.

    Such a cell is a fault in a row that is `required` (Boolean, one a row; None: every row is);
    an `empty` one may be allowed.
    """
    number = pl.exclude(ROW).cast(pl.Float64, strict=False)
    numbers = cells.select(ROW, pl.when(number.is_finite()).then(number))
    faults = []
    for name in numbers.columns[1:]:
        bad = numbers[name].is_null()
        if required is not None:
            bad &= required
        if empty:
            bad &= cells[name].is_not_null()
        for row, cell in cells.select(ROW, name).filter(bad).rows():
            what = f"{name} is missing" if cell is None else f"{name} is '{cell}', not a number"
            faults.append((row, f"{what}; fix or remove the row"))
    return numbers, faults


def not_whole(numbers: pl.DataFrame, column: str, least: int) -> Faults:
    """Find frame numbers that are not whole, or less than `least`."""
    value = pl.col(column)
    bad = numbers.filter((value < least) | (value > 1e9) | (value % 1 != 0))
    return [
        (row, f"{column} {number:.12g} is not a whole number from {least} on")
        for row, number in bad.select(ROW, column).rows()
    ]


def not_among(
    numbers: pl.DataFrame, columns: list[str], allowed: list[float], meaning: str
) -> Faults:
    """Find numbers that are not among the `allowed` ones, which `meaning` names."""
    strange = numbers.select((~pl.col(columns).is_in(allowed)).any()).row(0, named=True)
    return [
        (row, f"{name} is {number:.12g}, not {meaning}")
        for name in columns
        if strange[name]
        for row, number in numbers.filter(~pl.col(name).is_in(allowed)).select(ROW, name).rows()
    ]


def repeated(table: pl.DataFrame, column: str) -> Faults:
    """Find rows whose frame number an earlier row has."""
    first = pl.col(ROW).first().over(column).alias("first")
    numbered = table.select(ROW, column).drop_nulls()
    again = numbered.with_columns(first).filter(pl.col(ROW) != pl.col("first"))
    return [
        (row, f"frame {int(frame)} is already in row {earlier}; remove one")
        for row, frame, earlier in again.rows()
    ]


def read_pairs(path: Path, values: str, meaning: str) -> pl.DataFrame:
    """Read a file of `frame,value` lines without a header: columns `ROW`, frame, value (Int32).

    `values` is the class of allowed digits, such as "0-5", and `meaning` says it in words. Blank
    lines are passed over.

    Raises:
        DamagedInputError: no line at all.
        DamagedRowsError: a line that is something else, or a frame that occurs twice.
    """
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    text = pl.DataFrame({"line": lines}, schema={"line": pl.String}).with_row_index(ROW, offset=1)
    text = text.filter(pl.col("line").str.strip_chars() != "")
    if text.is_empty():
        raise DamagedInputError(
            f"{path}: holds no row; it should hold 'frame,intensity' lines", path=path
        )
    pattern = rf"^\s*(?<frame>[0-9]{{1,9}})\s*,\s*(?<value>[{values}])\s*$"
    pairs = text.with_columns(pl.col("line").str.extract_groups(pattern).alias("pair"))
    pairs = pairs.unnest("pair").cast({"frame": pl.Int32, "value": pl.Int32})
    faults = [
        (row, f"'{line[:40]}' is not 'frame,intensity' with a whole frame number and {meaning}; "
              "fix or remove the row")
        for row, line in pairs.filter(pl.col("frame").is_null()).select(ROW, "line").rows()
    ]  # fmt: skip
    refuse(path, faults + repeated(pairs, "frame"))
    return pairs.select(ROW, "frame", "value")
