"""DISFA: left and right camera videos, and one `frame,intensity` file a subject and action unit.

Layout: `*/LeftVideoSN001_comp.avi`, `ActionUnit_Labels/SN001/SN001_au1.txt`. The number of the
action unit is read from the file's name; rows are matched by frame number, never by line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.errors import UserError
from curate.params import Parameters
from curate.sources.clip import Clip, Labels, intensity, labels_table, unique, videos_below

_SUBJECT = re.compile(r"SN\d{3}", re.IGNORECASE)
_LABEL_FILE = re.compile(r"(SN\d{3})_au(\d+)\.txt$", re.IGNORECASE)
_LINE = re.compile(r"\s*(\d{1,9})\s*,\s*([0-5])\s*$", re.ASCII)


@dataclass(frozen=True)
class _LabelFile:
    path: Path
    subject: str
    action_unit: int


def find_clips(footage: Path, parameters: Parameters) -> list[Clip]:
    """List one clip a subject and camera; the parameter `camera` chooses which cameras."""
    clips = []
    for video in videos_below(footage):
        subject = _SUBJECT.search(video.stem)
        camera = "right" if "right" in video.stem.lower() else "left"
        if subject and parameters.camera in ("both", camera):
            clips.append(Clip(video.stem, subject.group().upper(), video))
    if not clips:
        raise UserError(
            f"{footage}: no {parameters.camera} camera video named like LeftVideoSN001_comp.avi; "
            "see the parameters 'footage', 'source' and 'camera'"
        )
    return unique(clips)


def read_labels(clips: list[Clip], footage: Path, parameters: Parameters) -> Labels:
    """Read every label file whose subject has a video; say which have none."""
    files = _label_files(footage)
    with_video = {clip.subject for clip in clips}
    notes = [
        f"{subject}: has label files but no video; its labels are left out"
        for subject in sorted({f.subject for f in files} - with_video)
    ]
    notes += [
        f"{subject}: has a video but no label file; its frames are unlabelled"
        for subject in sorted(with_video - {f.subject for f in files})
    ]
    files = [f for f in files if f.subject in with_video]
    rows = [(file, _read_file(file.path)) for file in files]
    base = _frame_base(parameters, [frames for _, (frames, _) in rows])
    wide = _widen(rows, base, parameters.positive_at)
    named = pl.DataFrame(
        [(clip.name, clip.subject) for clip in clips],
        schema={"clip": pl.String, "subject": pl.String},
        orient="row",
    )
    table = wide.join(named, on="subject").with_columns(
        pl.format("{}/{}", "clip", pl.col("index").cast(pl.String).str.zfill(6)).alias("id")
    )
    return Labels(labels_table(table, sorted({f.action_unit for f in files})), notes)


def _label_files(footage: Path) -> list[_LabelFile]:
    found = []
    for path in sorted(footage.rglob("*.txt")):
        name = _LABEL_FILE.search(path.name)
        if name:
            found.append(_LabelFile(path, name.group(1).upper(), int(name.group(2))))
    if not found:
        raise UserError(
            f"{footage}: no label file named like ActionUnit_Labels/SN001/SN001_au1.txt"
        )
    return found


def _read_file(path: Path) -> tuple[list[int], list[int]]:
    """Read a label file: frame numbers and intensities, in file order."""
    frames: list[int] = []
    values: list[int] = []
    rows_by_frame: dict[int, int] = {}
    text = path.read_text(encoding="utf-8", errors="replace")
    for row, line in enumerate(text.splitlines(), start=1):
        match = _LINE.match(line)
        if not match:
            if not line.strip():
                continue
            raise UserError(
                f"{path}, row {row}: '{line[:40]}' is not 'frame,intensity' with a whole frame "
                "number and an intensity of 0 to 5; mend or remove the row"
            )
        frame = int(match.group(1))
        if frame in rows_by_frame:
            raise UserError(
                f"{path}, row {row}: frame {frame} stands in row {rows_by_frame[frame]} already; "
                "remove one"
            )
        rows_by_frame[frame] = row
        frames.append(frame)
        values.append(int(match.group(2)))
    return frames, values


def _frame_base(parameters: Parameters, frames: list[list[int]]) -> int:
    """Answer the number of the first frame: given, or the least number that any file holds."""
    least = min((min(numbers) for numbers in frames if numbers), default=1)
    if parameters.frame_base != "auto":
        if least < parameters.frame_base:
            raise UserError(f"frame_base is {parameters.frame_base} but a label file has frame 0")
        return parameters.frame_base
    return min(least, 1)


def _widen(
    rows: list[tuple[_LabelFile, tuple[list[int], list[int]]]], base: int, positive_at: float
) -> pl.DataFrame:
    """Join the files to one row a subject and frame; a frame that a file lacks is unknown."""
    by_subject: dict[str, list[pl.DataFrame]] = {}
    for file, (frames, values) in rows:
        name = f"AU{file.action_unit}"
        table = pl.DataFrame(
            {"index": frames, intensity(name): values},
            schema={"index": pl.Int32, intensity(name): pl.Float32},
        ).with_columns(
            pl.col("index") - base,
            (pl.col(intensity(name)) >= positive_at).cast(pl.Int8).alias(name),
        )
        by_subject.setdefault(file.subject, []).append(table)
    subjects = []
    for subject, tables in sorted(by_subject.items()):
        joined = tables[0]
        for table in tables[1:]:
            joined = joined.join(table, on="index", how="full", coalesce=True)
        subjects.append(joined.with_columns(pl.lit(subject).alias("subject")))
    if not subjects:
        return pl.DataFrame(schema={"index": pl.Int32, "subject": pl.String})
    return pl.concat(subjects, how="diagonal")
