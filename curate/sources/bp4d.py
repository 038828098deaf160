"""BP4D: folders of images F001/T1, with a table of coded frames a subject and task.

Layout: `F001/T1/2440.jpg`, `AUCoding/AU_OCC/F001_T1.csv`, `AUCoding/AU_INT/AU06/F001_T1_AU06.csv`;
the folders above may have any name.

Two numberings meet. A frame's number is what the tables and, but for `image_offset`, the images
are named by: 2440. A frame's index is its place in the clip, from 0 and without a gap: the first
image of the folder has index 0, the next 1, whatever their numbers. Tables and images are joined
by number, never by place, and images without a row in the table are unlabelled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from curate.base.errors import DamagedRowsError, MissingInputError, UserError
from curate.base.stage_params import LabelsParameters, SourceParameters
from curate.base.text import first_few
from curate.media.clip import Clip
from curate.sources.csv_table import (
    not_among,
    not_whole,
    read_cells,
    read_pairs,
    refuse,
    repeated,
    to_numbers,
)
from curate.sources.label_table import Labels, labels_table, read_all
from curate.sources.walk import clips_of_folders, visible
from curate.tables import NO_ROWS, intensity, key_columns

_SUBJECT = re.compile(r"[FM]\d{3}", re.IGNORECASE | re.ASCII)
_TASK = re.compile(r"T\d{1,2}", re.IGNORECASE | re.ASCII)
_OCCURRENCE = re.compile(r"([FM]\d{3})_(T\d{1,2})\.csv", re.IGNORECASE | re.ASCII)
_INTENSITY = re.compile(r"([FM]\d{3})_(T\d{1,2})_AU(\d{1,2})\.csv", re.IGNORECASE | re.ASCII)
_NOT_CODED = 9
T = TypeVar("T")


@dataclass(frozen=True)
class _Files:
    """The tables below the footage: of occurrence by clip, of intensity by clip and action unit.

    `damage` names every further table of the same.
    """

    occurrence: dict[str, Path]
    intensity: dict[tuple[str, int], Path]
    damage: list[UserError]


@dataclass(frozen=True)
class _Coded:
    """A clip's table as read: its frames with an image, and how many have none."""

    name: str
    rows: pl.DataFrame
    without_image: int


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a subject and task, named F001/T1: its images in natural order."""
    return clips_of_folders(footage, _SUBJECT, _TASK, "F001/T1")


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read the tables of all clips; an image is named by its frame's number."""
    given = parameters.image_offset
    return read_coding(clips, footage, 0 if given == "auto" else given)


def read_coding(clips: list[Clip], footage: Path, offset: int) -> Labels:
    """Read the tables; an image's name is its frame's number plus `offset`.

    Occurrence decides on present and absent. Intensities, of the few action units that have them,
    stand beside. An action unit that is nowhere coded is left out; so is a frame of which none is.
    """
    by_name = {clip.name: clip for clip in clips}
    files = _find_files(footage)
    coded, damage = read_all(
        [name for name in files.occurrence if name in by_name],
        lambda name: _read_clip(by_name[name], files.occurrence[name], offset),
    )
    intensities, more_damage = read_all(
        [key for key in files.intensity if key[0] in by_name],
        lambda key: (key[1], _read_intensity(key, files.intensity[key])),
    )
    rows = pl.concat([NO_ROWS, *(clip.rows for clip in coded)], how="diagonal")
    table = _join(rows, intensities)
    notes = _unmatched(set(by_name), files) + _without_image(coded, offset)
    return Labels(table, notes, files.damage + damage + more_damage)


def _join(rows: pl.DataFrame, intensities: list[tuple[int, pl.DataFrame]]) -> pl.DataFrame:
    """Join occurrence with intensities (each of an action unit) to a labels table."""
    units = [unit for unit in _units(rows) if rows[f"AU{unit}"].count()]
    for unit in units:
        tables = [table for number, table in intensities if number == unit]
        if tables:
            rows = rows.join(pl.concat(tables), on=["clip", "number"], how="left")
    if units:
        rows = rows.filter(pl.any_horizontal(pl.col(f"AU{unit}").is_not_null() for unit in units))
    return labels_table(rows, units)


def _units(rows: pl.DataFrame) -> list[int]:
    return sorted(int(name[2:]) for name in rows.columns if name.startswith("AU"))


def _find_files(footage: Path) -> _Files:
    """Find the tables by their names.

    Raises:
        MissingInputError: no occurrence table.
    """
    files = _Files({}, {}, [])
    for path in visible(footage):
        if match := _OCCURRENCE.fullmatch(path.name):
            _add(files.occurrence, "/".join(match.groups()).upper(), path, files.damage)
        elif match := _INTENSITY.fullmatch(path.name):
            clip = "/".join(match.groups()[:2]).upper()
            _add(files.intensity, (clip, int(match[3])), path, files.damage)
    if not files.occurrence:
        raise MissingInputError(
            f"{footage}: no table named like AUCoding/AU_OCC/F001_T1.csv", path=footage
        )
    return files


def _add(tables: dict[T, Path], key: T, path: Path, damage: list[UserError]) -> None:
    first = tables.setdefault(key, path)
    if first is not path:
        damage.append(UserError(f"{path}: there is {first} already; remove one", path=path))


def _read_clip(clip: Clip, path: Path, offset: int) -> _Coded:
    coding = _read_occurrence(path)
    images = _numbered(clip, offset)
    rows = coding.join(images, on="number", how="inner")
    units = [pl.col(f"AU{unit}") for unit in _units(coding)]
    return _Coded(
        clip.name,
        rows.select(*key_columns(clip.name, clip.subject), "number", *units),
        len(coding) - len(rows),
    )


def _read_occurrence(path: Path) -> pl.DataFrame:
    """Read a table of 0, 1 and 9 (null): columns number and, Int8, an action unit each."""
    cells = read_cells(path)
    names = cells.columns[1:]
    wrong = [name for name in names[1:] if not re.fullmatch(r"[1-9][0-9]?", name)]
    if names[0] != "0" or wrong:
        name, wanted = (wrong[0], "an action unit's number") if wrong else (names[0], "0")
        raise DamagedRowsError(path, [(1, f"the column '{name}' should be {wanted}")])
    units = [f"AU{name}" for name in names[1:]]
    numbers, faults = to_numbers(cells.rename(dict(zip(names, ["frame", *units], strict=True))))
    faults += not_whole(numbers, "frame", 0) + repeated(numbers, "frame")
    refuse(path, faults + not_among(numbers, units, [0.0, 1.0, 9.0], "0, 1 or 9"))
    return numbers.select(
        pl.col("frame").cast(pl.Int32).alias("number"),
        pl.col(units).replace(_NOT_CODED, None).cast(pl.Int8),
    )


def _read_intensity(key: tuple[str, int], path: Path) -> pl.DataFrame:
    """Read `frame,value` lines: columns clip, number and the intensity, null where it is 9."""
    clip, unit = key
    pairs = read_pairs(path, "0-59", "an intensity of 0 to 5, or 9 where it is not coded")
    return pairs.select(
        pl.lit(clip).alias("clip"),
        pl.col("frame").alias("number"),
        pl.col("value").replace(_NOT_CODED, None).cast(pl.Float32).alias(intensity(f"AU{unit}")),
    )


def _numbered(clip: Clip, offset: int) -> pl.DataFrame:
    """List a clip's images by the number of their frame: columns number and index.

    An image whose name is no number is of no frame in the tables.

    Raises:
        UserError: two images of one number.
    """
    indices: dict[int, int] = {}  # by number
    for index, image in enumerate(clip.images):
        if not re.fullmatch(r"\d{1,9}", image.stem, re.ASCII):
            continue
        number = int(image.stem) - offset
        if number in indices:
            other = clip.images[indices[number]].name
            raise UserError(
                f"{image}: has the same number as {other} beside it; remove one", path=image
            )
        indices[number] = index
    return pl.DataFrame(
        {"number": indices.keys(), "index": indices.values()},
        schema={"number": pl.Int32, "index": pl.Int32},
    )


def _without_image(coded: list[_Coded], offset: int) -> list[str]:
    """Note how many coded frames have no image, and in which clips."""
    lost = [f"{clip.name} ({clip.without_image:,})" for clip in coded if clip.without_image]
    if not lost:
        return []
    total = sum(clip.without_image for clip in coded)
    return [
        f"coded frames without an image, left out: {total:,}, of {first_few(lost)}; "
        f"image_offset is {offset}"
    ]


def _unmatched(clips: set[str], files: _Files) -> list[str]:
    """List which clips have no table, and which tables no images or no occurrence table."""
    coded, measured = set(files.occurrence), {clip for clip, _ in files.intensity}
    problems = {
        "has no table in AU_OCC; unlabelled": clips - coded,
        "has a table in AU_OCC but no images; left out": coded - clips,
        "has tables in AU_INT but none in AU_OCC; left out": measured - coded,
    }
    return [f"{first_few(sorted(names))}: {what}" for what, names in problems.items() if names]
