"""labels.csv, the labels of plain videos and images.

Columns: `clip` and `frame` (counted from 0), or `image` (a path below the folder) for image
folders; then one column an action unit, `AU1`, `AU12`, ...: an intensity from 0 to 5 (present
from the parameter `positive_at` on) or, with `present`/`absent`/`unknown`, the label itself. An
empty cell is unknown.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError
from curate.params import Parameters
from curate.sources.clip import Clip, Labels, intensity, labels_table
from curate.table import frame_id

_WORDS = {"present": 1, "absent": 0, "unknown": None, "": None}


def read_labels_csv(clips: list[Clip], footage: Path, parameters: Parameters) -> Labels:
    """Read `labels.csv` beside the clips; without one, every frame is unlabelled.

    Raises:
        UserError: a missing column, or a cell that is no label, by file and row.
    """
    path = (footage if footage.is_dir() else footage.parent) / "labels.csv"
    if not path.is_file():
        return Labels(labels_table(_empty(), []), [f"{path}: not there; frames are unlabelled"])
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            units = _check_header(path, header)
            places = _places(clips, footage, by_image="image" in header)
            rows, strangers = _read_rows(path, reader, units, places, parameters.positive_at)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a CSV table in UTF-8 ({error})") from None
    notes = [f"{path}: '{name}' names no clip or image; left out" for name in strangers]
    notes += _binary_columns(path, rows, units, parameters.positive_at)
    # A column may begin with any number of unknown cells: its type is found in all rows.
    table = pl.DataFrame(rows, infer_schema_length=None) if rows else _empty()
    return Labels(labels_table(table, sorted(units)), notes)


def _binary_columns(
    path: Path, rows: list[dict[str, Any]], units: dict[int, str], positive_at: float
) -> list[str]:
    """Say where numbers are only 0 and 1: labels, it seems, that were read as intensities."""
    notes = []
    for unit, column in units.items():
        values = {row[intensity(f"AU{unit}")] for row in rows} - {None}
        if 1.0 in values and values <= {0.0, 1.0} and positive_at > 1:
            notes.append(
                f"{path}: {column} holds only 0 and 1, read as intensities: all absent at "
                f"positive_at {positive_at:g}; set positive_at: 1, or write present and absent"
            )
    return notes


def _empty() -> pl.DataFrame:
    return labels_table(pl.DataFrame({"id": [], "subject": [], "clip": [], "index": []}), [])


def _check_header(path: Path, header: list[str]) -> dict[int, str]:
    """Map the number of each action unit to its column."""
    if not ("image" in header or {"clip", "frame"} <= set(header)):
        raise UserError(
            f"{path}, row 1: needs the columns 'clip' and 'frame', or 'image'; has: "
            + (", ".join(header) or "none")
        )
    units: dict[int, str] = {}
    for name in header:
        if re.fullmatch(r"AU\d{1,3}", name, re.ASCII):
            if int(name[2:]) in units:
                raise UserError(f"{path}, row 1: AU{int(name[2:])} stands there twice")
            units[int(name[2:])] = name
    if not units:
        raise UserError(f"{path}, row 1: has no action unit column (AU1, AU12, ...)")
    return units


def _places(clips: list[Clip], footage: Path, by_image: bool) -> dict[str, tuple[Clip, int]]:
    """Map what a row may name (a clip, or an image's path) to its clip and first index."""
    if not by_image:
        return {clip.name: (clip, 0) for clip in clips}
    return {
        image.relative_to(footage).as_posix(): (clip, index)
        for clip in clips
        for index, image in enumerate(clip.images)
    }


def _read_rows(
    path: Path,
    reader: csv.DictReader[str],
    units: dict[int, str],
    places: dict[str, tuple[Clip, int]],
    positive_at: float,
) -> tuple[list[dict[str, Any]], list[str]]:
    rows: list[dict[str, Any]] = []
    strangers: dict[str, None] = {}
    seen: dict[str, int] = {}
    for row in reader:
        where = f"{path}, row {reader.line_num}"
        name = (row.get("image") or row.get("clip") or "").strip()
        if name not in places:
            strangers[name] = None
            continue
        clip, first = places[name]
        index = first if "image" in row else _frame_number(where, row["frame"])
        key = frame_id(clip.name, index)
        if key in seen:
            raise UserError(f"{where}: frame {key} stands in row {seen[key]} already; remove one")
        seen[key] = reader.line_num
        labels = {"id": key, "subject": clip.subject, "clip": clip.name, "index": index}
        for unit, column in units.items():
            labels |= _label(where, f"AU{unit}", row[column], positive_at)
        rows.append(labels)
    return rows, list(strangers)


def _frame_number(where: str, cell: str | None) -> int:
    if cell is None or not re.fullmatch(r"\s*\d{1,9}\s*", cell):
        raise UserError(f"{where}: frame '{cell}' is not a whole number from 0 on")
    return int(cell)


def _label(where: str, name: str, cell: str | None, positive_at: float) -> dict[str, Any]:
    """Read one cell as a label and, where it is a number, an intensity."""
    text = (cell or "").strip().lower()
    if text in _WORDS:
        return {name: _WORDS[text], intensity(name): None}
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 5:
        raise UserError(
            f"{where}: {name} is '{cell}'; allowed are an intensity from 0 to 5, present, absent, "
            "unknown, or nothing"
        )
    return {name: int(value >= positive_at), intensity(name): value}
