"""DISFA: left and right camera videos, and one `frame,intensity` file a subject and action unit.

Layout: `*/LeftVideoSN001_comp.avi`, `ActionUnit_Labels/SN001/SN001_au1.txt`. The number of the
action unit is read from the file's name; rows are matched by frame number, never by line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from curate.base.errors import DamagedRowsError, MissingInputError, UserError
from curate.base.stage_params import LabelsParameters, SourceParameters
from curate.base.text import first_few
from curate.media.clip import Clip
from curate.sources.csv_table import ROW, read_pairs
from curate.sources.label_table import Labels, labels_table, read_all
from curate.sources.lengths import compare_lengths
from curate.sources.walk import unique, videos_below, visible
from curate.tables import frame_id_expr, intensity

_SUBJECT = re.compile(r"SN\d{3}", re.IGNORECASE | re.ASCII)
_LABEL_FILE = re.compile(r"(SN\d{3})_au(\d{1,3})\.txt", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class _LabelFile:
    path: Path
    subject: str
    action_unit: int


@dataclass(frozen=True)
class _Coded:
    """A label file as read: columns frame (as numbered in the file) and value, 0 to 5."""

    file: _LabelFile
    rows: pl.DataFrame

    @property
    def last(self) -> int:
        return int(self.rows["frame"].max())  # type: ignore[arg-type]

    @property
    def has_frame_0(self) -> bool:
        return bool((self.rows["frame"] == 0).any())


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a subject and camera; the parameter `camera` chooses which cameras."""
    clips = []
    for video in videos_below(footage):
        subject = _SUBJECT.search(video.stem)
        camera = "right" if "right" in video.stem.lower() else "left"
        if subject and parameters.camera in ("both", camera):
            clips.append(Clip(video.stem, subject.group().upper(), video))
    if not clips:
        raise MissingInputError(
            f"{footage}: no {parameters.camera} camera video named like LeftVideoSN001_comp.avi; "
            "see the parameters 'footage', 'source' and 'camera'",
            path=footage,
        )
    return unique(clips)


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read every label file whose subject has a video; note which have none."""
    files, damage = _label_files(footage)
    with_video = {clip.subject for clip in clips}
    notes = _unmatched(with_video, {file.subject for file in files})
    files = [file for file in files if file.subject in with_video]
    coded, more_damage = read_all(files, partial(_read_file, frame_base=parameters.frame_base))
    base = parameters.frame_base
    if base == "auto":
        base = 0 if any(table.has_frame_0 for table in coded) else 1
    named = pl.DataFrame(
        [(clip.name, clip.subject) for clip in clips],
        schema={"clip": pl.String, "subject": pl.String},
        orient="row",
    )
    table = _widen(coded, base, parameters.positive_at).join(named, on="subject")
    table = table.with_columns(frame_id_expr(pl.col("clip")))
    notes += _mixed_bases(parameters.frame_base, coded) + _lengths(clips, coded, base)
    units = sorted({file.action_unit for file in files})
    return Labels(labels_table(table, units), notes, damage + more_damage)


def _unmatched(with_video: set[str], labelled: set[str]) -> list[str]:
    """Note the subjects with label files or a video only."""
    lone = {
        "label files but no video; left out": labelled - with_video,
        "a video but no label file; unlabelled": with_video - labelled,
    }
    return [f"{what}: {first_few(sorted(subjects))}" for what, subjects in lone.items() if subjects]


def _label_files(footage: Path) -> tuple[list[_LabelFile], list[UserError]]:
    """List the label files, by subject and action unit; a second one of both is damage.

    Raises:
        MissingInputError: there is none.
    """
    files: dict[tuple[str, int], _LabelFile] = {}
    damage: list[UserError] = []
    for path in visible(footage):
        name = _LABEL_FILE.fullmatch(path.name)
        if not name:
            continue
        file = _LabelFile(path, name.group(1).upper(), int(name.group(2)))
        key = (file.subject, file.action_unit)
        first = files.setdefault(key, file)
        if first is not file:
            what = f"{file.subject}'s AU{file.action_unit} is labelled by {first.path} already"
            damage.append(UserError(f"{path}: {what}; remove one", path=path))
    if not files:
        raise MissingInputError(
            f"{footage}: no label file named like ActionUnit_Labels/SN001/SN001_au1.txt",
            path=footage,
        )
    return [files[key] for key in sorted(files)], damage


def _read_file(file: _LabelFile, frame_base: int | str) -> _Coded:
    rows = read_pairs(file.path, "0-5", "an intensity of 0 to 5")
    if frame_base == 1:
        early = rows.filter(pl.col("frame") < 1)[ROW].to_list()
        if early:
            what = "frame 0, but frame_base is 1; set frame_base: auto or 0"
            raise DamagedRowsError(file.path, [(row, what) for row in early])
    return _Coded(file, rows)


def _mixed_bases(given: int | Literal["auto"], coded: list[_Coded]) -> list[str]:
    """Note where a few files with a frame 0 decide that frames are counted from 0 in all."""
    zero = [table.file.path.name for table in coded if table.has_frame_0]
    if given != "auto" or not zero or 2 * len(zero) > len(coded):
        return []
    return [
        f"frame 0 occurs in {len(zero):,} of {len(coded):,} label files only ({first_few(zero)}), "
        "yet all are read as counted from 0; fix them, or set frame_base"
    ]


def _widen(coded: list[_Coded], base: int, positive_at: float) -> pl.DataFrame:
    """Join the files to one row a subject and frame; a frame that a file lacks is unknown."""
    by_subject: dict[str, list[pl.DataFrame]] = {}
    for table in coded:
        name = f"AU{table.file.action_unit}"
        columns = table.rows.select(
            (pl.col("frame") - base).alias("index"),
            pl.col("value").cast(pl.Float32).alias(intensity(name)),
            (pl.col("value") >= positive_at).cast(pl.Int8).alias(name),
        )
        by_subject.setdefault(table.file.subject, []).append(columns)
    subjects = []
    for subject, tables in sorted(by_subject.items()):
        joined = tables[0]
        for other in tables[1:]:
            joined = joined.join(other, on="index", how="full", coalesce=True)
        subjects.append(joined.with_columns(pl.lit(subject).alias("subject")))
    if not subjects:
        return pl.DataFrame(schema={"index": pl.Int32, "subject": pl.String})
    return pl.concat(subjects, how="diagonal")


def _lengths(clips: list[Clip], coded: list[_Coded], base: int) -> list[str]:
    """List which subjects' files end at different frames, and which videos at another one."""
    ends: dict[str, dict[int, int]] = {}
    for table in coded:
        ends.setdefault(table.file.subject, {})[table.file.action_unit] = table.last
    short = [
        f"{subject}'s AU{unit} ({last[unit]:,} of {max(last.values()):,})"
        for subject, last in sorted(ends.items())
        for unit in sorted(last)
        if last[unit] < max(last.values())
    ]
    notes = []
    if short:
        notes.append(f"label files that end early, unknown from there on: {first_few(short)}")
    labelled = [
        (clip, max(ends[clip.subject].values()) - base + 1)
        for clip in clips
        if clip.subject in ends
    ]
    return notes + compare_lengths(labelled)
