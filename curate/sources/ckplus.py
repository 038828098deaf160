"""CK+: posed sequences of images from neutral to peak; only the peak is coded.

Layout: `cohn-kanade-images/S005/001/S005_001_00000011.png` with
`FACS/S005/001/S005_001_00000011_facs.txt` and `Emotion/S005/001/S005_001_00000011_emotion.txt`;
the folders above S005 may have any name (`FACS_labels`, `Emotion_labels`).

What becomes a label:
- the image that a FACS file is named for, the last of its sequence: an action unit listed there is
  present whatever its intensity and `positive_at`, for coders list what they see; intensity 0
  says that none was coded (null). One that is not listed is absent; an empty file means none.
- the first image, where it is number 1: neutral, every action unit absent.
- the images between: none. They are unlabelled, not negative.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import polars as pl

from curate.base.errors import DamagedRowsError, MissingInputError, UserError
from curate.base.stage_params import LabelsParameters, SourceParameters
from curate.base.text import first_few
from curate.media.clip import Clip
from curate.sources.emotions import EMOTIONS
from curate.sources.label_table import Labels, labels_table, read_all
from curate.sources.walk import clips_of_folders, visible
from curate.tables import EMOTION, NO_ROWS, frame_id, intensity

_SUBJECT = re.compile(r"S\d{3}", re.IGNORECASE | re.ASCII)
_SEQUENCE = re.compile(r"\d{3}", re.ASCII)
_NUMBER = re.compile(r"_0*(\d{1,9})$", re.ASCII)

T = TypeVar("T")
Intensities = dict[int, float | None]  # by action unit; None where no intensity was coded
Images = dict[str, tuple[Clip, int]]  # clip and index, by the image's name in capitals


@dataclass(frozen=True)
class _Files(Generic[T]):
    """Label files of one kind: what was read by image, the images named, notes and damage."""

    read: dict[str, T]
    named: set[str]
    notes: list[str]
    damage: list[UserError]


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a sequence, named S005/001: its images in natural order, subject S005."""
    return clips_of_folders(footage, _SUBJECT, _SEQUENCE, "cohn-kanade-images/S005/001")


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read the FACS and emotion files; images are found by the name of the file."""
    images = {
        image.stem.upper(): (clip, index)
        for clip in clips
        for index, image in enumerate(clip.images)
    }
    files = visible(footage)
    facs = _by_image(files, "_facs.txt", _read_facs, images)
    emotions = _by_image(files, "_emotion.txt", _read_emotion, images)
    if not facs.named:
        raise MissingInputError(
            f"{footage}: no FACS file for its images, named like "
            "FACS/S005/001/S005_001_00000011_facs.txt",
            path=footage,
        )
    notes = facs.notes + emotions.notes
    notes += _left_unlabelled(clips, {images[name][0].name for name in facs.named})
    table = _table(clips, images, facs.read, emotions.read)
    return Labels(table, notes, facs.damage + emotions.damage)


def _table(
    clips: list[Clip], images: Images, coded: dict[str, Intensities], felt: dict[str, str]
) -> pl.DataFrame:
    """Make the rows of the coded images, of those with an emotion, and of the neutral ones."""
    first = {clip.images[0].stem.upper() for clip in clips if _number(clip.images[0]) == 1}
    neutral = first - coded.keys() - felt.keys()
    units = sorted({unit for listed in coded.values() for unit in listed})
    rows: list[dict[str, Any]] = []
    for name in sorted(coded.keys() | felt.keys() | neutral):
        clip, index = images[name]
        row: dict[str, Any] = {"id": frame_id(clip.name, index), "subject": clip.subject}
        row |= {"clip": clip.name, "index": index}
        row |= _labels(coded.get(name, {} if name in neutral else None), units)
        rows.append(row | {EMOTION: felt.get(name, "neutral" if name in neutral else None)})
    table = pl.DataFrame(rows, infer_schema_length=None) if rows else NO_ROWS
    return labels_table(table if felt else table.drop(EMOTION, strict=False), units)


def _labels(listed: Intensities | None, units: list[int]) -> dict[str, float | None]:
    """Make the label and intensity columns of one frame; None: it is not coded."""
    if listed is None:
        return dict.fromkeys([f"AU{unit}" for unit in units])
    row: dict[str, float | None] = {}
    for unit in units:
        row[f"AU{unit}"] = int(unit in listed)
        row[intensity(f"AU{unit}")] = listed.get(unit, 0.0)
    return row


def _by_image(
    files: list[Path], suffix: str, read: Callable[[Path], T], images: Images
) -> _Files[T]:
    """Read the files whose name is an image's with `suffix`."""
    names = {
        path: path.name[: -len(suffix)].upper()
        for path in files
        if path.name.lower().endswith(suffix)
    }
    unmatched = [path.name for path, name in names.items() if name not in images]
    notes = [f"{first_few(unmatched)}: of no image that is here; left out"] if unmatched else []
    taken: dict[str, Path] = {}

    def read_image(path: Path) -> tuple[str, T]:
        name = names[path]
        if name in taken:
            raise UserError(
                f"{path}: {name} is labelled by {taken[name]} already; remove one", path=path
            )
        taken[name] = path
        return name, read(path)

    matched = [path for path, name in names.items() if name in images]
    results, damage = read_all(matched, read_image)
    return _Files(dict(results), set(taken), notes, damage)


def _read_facs(path: Path) -> Intensities:
    """Read `AU intensity` lines; of an action unit listed twice the higher intensity counts."""
    listed: Intensities = {}
    bad = []
    for row, line in _lines(path):
        numbers = _floats(line)
        if len(numbers) != 2 or numbers[0] not in range(1, 100) or not 0 <= numbers[1] <= 5:
            bad.append((row, f"'{line[:40]}' is not an action unit and its intensity of 0 to 5, "
                             "such as '1.2e+01 4.0e+00'; fix or remove the row"))  # fmt: skip
            continue
        unit, strength = int(numbers[0]), numbers[1]
        listed[unit] = max(listed.get(unit) or 0, strength) or None
    if bad:
        raise DamagedRowsError(path, bad)
    return listed


def _read_emotion(path: Path) -> str:
    """Read the one number of an emotion file as the emotion's name."""
    lines = _lines(path)
    numbers = [number for _, line in lines for number in _floats(line)]
    if len(numbers) != 1 or numbers[0] not in range(len(EMOTIONS)):
        row = lines[0][0] if lines else 1
        content = f"'{lines[0][1].strip()[:40]}'" if lines else "nothing"
        allowed = ", ".join(f"{number} {name}" for number, name in enumerate(EMOTIONS))
        raise DamagedRowsError(path, [(row, f"holds {content}; allowed is one number: {allowed}")])
    return EMOTIONS[int(numbers[0])]


def _lines(path: Path) -> list[tuple[int, str]]:
    """Read a file's lines that are not blank, with their row."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return [(row, line) for row, line in enumerate(text.splitlines(), 1) if line.strip()]


def _floats(line: str) -> list[float]:
    """Read a line of numbers; a word among them makes it a number that is never allowed."""
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return [math.nan]


def _number(image: Path) -> int | None:
    """Read the number at the end of an image's name, such as 11 of S005_001_00000011.png."""
    match = _NUMBER.search(image.stem)
    return int(match.group(1)) if match else None


def _left_unlabelled(clips: list[Clip], coded: set[str]) -> list[str]:
    """List which sequences have no coded peak, and which do not begin with image 1."""
    bare = [clip.name for clip in clips if clip.name not in coded]
    late = [clip.name for clip in clips if _number(clip.images[0]) != 1]
    notes = [f"no FACS file of {first_few(bare)}; the peak is unlabelled"] if bare else []
    if late:
        notes.append(
            f"image 1 is missing of {first_few(late)}; the first one there is not taken as neutral"
        )
    return notes
