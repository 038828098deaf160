"""labels.csv, the labels of plain videos and images.

Columns: `clip` and `frame` (counted from 0), or `image` (a path below the folder) for image
folders; then one column an action unit, `AU1`, `AU12`, ...: an intensity from 0 to 5 (present
from the parameter `positive_at` on) or, with `present`/`absent`/`unknown`, the label itself. An
empty cell is unknown.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from curate.base.errors import DamagedInputError, DamagedRowsError
from curate.base.stage_params import LabelsParameters
from curate.base.text import first_few, plural
from curate.media.clip import Clip
from curate.media.decode import expected_frames
from curate.sources.label_table import Labels, labels_table, read_all
from curate.tables import NO_ROWS, frame_id, intensity

_MOST_NAMES = 3  # names that are not among the clips, written out with what is near them
_WORDS = {"present": 1, "absent": 0, "unknown": None, "": None}


def read_labels_csv(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read `labels.csv` beside the clips; without one, every frame is unlabelled."""
    path = (footage if footage.is_dir() else footage.parent) / "labels.csv"
    if not path.is_file():
        return Labels(NO_ROWS, [f"{path}: not there; frames are unlabelled"])
    tables, damage = read_all(
        [path], lambda path: _read(path, clips, footage, parameters.positive_at)
    )
    return tables[0] if tables else Labels(NO_ROWS, damage=damage)


def _read(path: Path, clips: list[Clip], footage: Path, positive_at: float) -> Labels:
    """Read the file.

    Raises:
        DamagedInputError: no table, or a missing column.
        DamagedRowsError: cells that are no label, frames that occur twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            units = _check_header(path, header)
            targets = _targets(clips, footage, by_image="image" in header)
            rows, unknown = _read_rows(path, reader, units, targets, positive_at)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DamagedInputError(f"{path}: not a CSV table in UTF-8 ({error})", path=path) from None
    notes = _note_unknown(path, unknown, targets) + _note_past_the_end(path, rows, clips)
    notes += _note_binary_columns(path, rows, units, positive_at)
    # A column may begin with any number of unknown cells: its type is found in all rows.
    table = pl.DataFrame(rows, infer_schema_length=None) if rows else NO_ROWS
    return Labels(labels_table(table, sorted(units)), notes)


def _note_unknown(path: Path, unknown: dict[str, int], known: Collection[str]) -> list[str]:
    """Note how many rows name no clip or image, with the first names and what is near them."""
    if not unknown:
        return []
    named = []
    for name in list(unknown)[:_MOST_NAMES]:
        near = difflib.get_close_matches(name, known, n=1)
        named.append(f"'{name}'" + (f" (did you mean '{near[0]}'?)" if near else ""))
    named += list(unknown)[_MOST_NAMES:]
    rows = plural(sum(unknown.values()), "row")
    return [
        f"{path}: {rows} left out for naming no clip or image: " + first_few(named, _MOST_NAMES)
    ]


def _note_past_the_end(path: Path, rows: list[dict[str, Any]], clips: list[Clip]) -> list[str]:
    """Note how many rows name a frame past the end of their clip."""
    last: dict[str, int] = {}
    for row in rows:
        last[row["clip"]] = max(row["index"], last.get(row["clip"], 0))
    lengths = {clip.name: expected_frames(clip) for clip in clips if clip.name in last}
    past = Counter(row["clip"] for row in rows if 0 < lengths[row["clip"]] <= row["index"])
    ends = [f"{clip} ({lengths[clip]:,} frames)" for clip in sorted(past)]
    if not ends:
        return []
    return [f"{path}: labels past the end of their clip: {past.total():,}, of {first_few(ends)}"]


def _note_binary_columns(
    path: Path, rows: list[dict[str, Any]], units: dict[int, str], positive_at: float
) -> list[str]:
    """Note where numbers are only 0 and 1: labels, it seems, that were read as intensities."""
    notes = []
    for unit, column in units.items():
        values = {row[intensity(f"AU{unit}")] for row in rows} - {None}
        if 1.0 in values and values <= {0.0, 1.0} and positive_at > 1:
            notes.append(
                f"{path}: {column} holds only 0 and 1, read as intensities: all absent at "
                f"positive_at {positive_at:g}; set positive_at: 1, or write present and absent"
            )
    return notes


def _check_header(path: Path, header: list[str]) -> dict[int, str]:
    """Map the number of each action unit to its column."""
    if not ("image" in header or {"clip", "frame"} <= set(header)):
        raise DamagedInputError(
            f"{path}, row 1: needs the columns 'clip' and 'frame', or 'image'; has: "
            + (", ".join(header) or "none"),
            path=path,
        )
    units: dict[int, str] = {}
    for name in header:
        if re.fullmatch(r"AU\d{1,3}", name, re.ASCII):
            if int(name[2:]) in units:
                raise DamagedInputError(f"{path}, row 1: AU{int(name[2:])} occurs twice", path=path)
            units[int(name[2:])] = name
    if not units:
        raise DamagedInputError(
            f"{path}, row 1: has no action unit column (AU1, AU12, ...)", path=path
        )
    return units


def _targets(clips: list[Clip], footage: Path, by_image: bool) -> dict[str, tuple[Clip, int]]:
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
    targets: dict[str, tuple[Clip, int]],
    positive_at: float,
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Read the rows; count those of each name that is not among `targets`."""
    rows: list[dict[str, Any]] = []
    unknown: Counter[str] = Counter()
    seen: dict[str, int] = {}
    bad: list[tuple[int, str]] = []
    for row in reader:
        name = (row.get("image") or row.get("clip") or "").strip()
        if name not in targets:
            unknown[name] += 1
            continue
        try:
            labels = _read_row(row, *targets[name], units, positive_at)
        except ValueError as error:
            bad.append((reader.line_num, str(error)))
            continue
        if labels["id"] in seen:
            again = f"frame {labels['id']} is already in row {seen[labels['id']]}; remove one"
            bad.append((reader.line_num, again))
        seen.setdefault(labels["id"], reader.line_num)
        rows.append(labels)
    if bad:
        raise DamagedRowsError(path, bad)
    return rows, unknown


def _read_row(
    row: dict[str, Any], clip: Clip, first: int, units: dict[int, str], positive_at: float
) -> dict[str, Any]:
    """Read one row; a ValueError says what is wrong with it."""
    if row.get(None):  # type: ignore[call-overload]
        raise ValueError("has more cells than the header; fix or remove the row")
    index = first
    if "image" not in row:
        cell = row["frame"]
        if cell is None or not re.fullmatch(r"\s*\d{1,9}\s*", cell, re.ASCII):
            raise ValueError(f"frame '{cell}' is not a whole number from 0 on")
        index = int(cell)
    key = frame_id(clip.name, index)
    labels = {"id": key, "subject": clip.subject, "clip": clip.name, "index": index}
    for unit, column in units.items():
        labels |= _label(f"AU{unit}", row[column], positive_at)
    return labels


def _label(name: str, cell: str | None, positive_at: float) -> dict[str, Any]:
    """Read one cell as a label and, where it is a number, an intensity."""
    text = (cell or "").strip().lower()
    if text in _WORDS:
        return {name: _WORDS[text], intensity(name): None}
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 5:
        raise ValueError(
            f"{name} is '{cell}'; allowed are an intensity from 0 to 5, present, absent, "
            "unknown, or nothing"
        )
    return {name: int(value >= positive_at), intensity(name): value}
