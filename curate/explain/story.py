"""One frame's story through every stage, in plain words: what became of it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curate.base.console import Summary
from curate.explain.chapter import Chapter, not_run
from curate.explain.dedup import dedup_chapter
from curate.explain.lookup import LocatedFrame, StageOutputs, locate
from curate.explain.placement import cap_chapter, shards_chapter, split_chapter
from curate.tables import action_units, intensity, read_rows

_UNUSABLE = {
    "unreadable": "not usable: it does not decode (unreadable)",
    "no_face": "not usable: no face was found in it (no_face)",
}
_STATES = {1: "present", 0: "absent", None: "unknown"}


@dataclass(frozen=True)
class Story:
    """A frame through all stages, in their order."""

    frame: LocatedFrame
    chapters: list[Chapter]

    @property
    def compared(self) -> Chapter:
        """The chapter that says which frame to look at beside this one."""
        return next(chapter for chapter in self.chapters if chapter.stage == "dedup")

    def summary(self, picture: Path | None = None) -> Summary:
        """Write the story in lines, a stage's name before what it did; then where a picture is."""
        drawn = [] if picture is None else [f"picture: {picture}"]
        lines = [self.frame.id, *self.as_lines(), *drawn]
        return Summary(self.frame.id, [], [], self.as_data(), closing=lines)

    def as_lines(self) -> list[str]:
        """Write the story for a terminal, each stage's name before what it did."""
        width = max(len(chapter.stage) for chapter in self.chapters) + 2
        return [
            f"{'' if number else chapter.stage:<{width}}{sentence}"
            for chapter in self.chapters
            for number, sentence in enumerate(chapter.sentences)
        ]

    def __str__(self) -> str:
        return "\n".join([self.frame.id, *self.as_lines()])

    def as_data(self) -> dict[str, Any]:
        """Return the story for machines: a key a stage, null for one that has not run."""
        stages = {
            chapter.stage: chapter.data | {"sentences": chapter.sentences} if chapter.data else None
            for chapter in self.chapters
        }
        key = {"id": self.frame.id, "clip": self.frame.clip, "index": self.frame.index}
        return key | {"beside": self.compared.beside, "because": self.compared.because} | stages


def explain(name: str, outputs: StageOutputs) -> Story:
    """Return the story of a frame, given its id; stages may not have run yet.

    Raises:
        UserError: there is no such frame, or a table is not what it should be.
    """
    frame = locate(name, outputs)
    stages = (_frames, _labels, dedup_chapter, split_chapter, cap_chapter, shards_chapter)
    return Story(frame, [chapter(frame, outputs) for chapter in stages])


def _frames(frame: LocatedFrame, outputs: StageOutputs) -> Chapter:
    if frame.part.is_empty():
        return not_run("frames", outputs.frames)
    row = frame.part.row(by_predicate=pl.col("index") == frame.index, named=True)
    at = "" if row["time"] is None else f"at {row['time']:.2f} s: "
    data = {name: row[name] for name in ("subject", "time", "sharpness", "brightness", "reason")}
    if row["reason"] is not None:
        why = _UNUSABLE.get(row["reason"], f"not usable: {row['reason']}")
        return Chapter("frames", [f"{at}{why}"], data | {"hash": None})
    code = f"{row['hash']:016x}"
    sentence = (
        f"{at}decoded; sharpness {row['sharpness']:.0f}, brightness {row['brightness']:.0f} of "
        f"255, hash {code}"
    )
    return Chapter("frames", [sentence], data | {"hash": code})


def _labels(frame: LocatedFrame, outputs: StageOutputs) -> Chapter:
    if not outputs.labels.is_file():
        return not_run("labels", outputs.labels)
    table = read_rows(outputs.labels, pl.col("id") == frame.id)
    if table.is_empty():
        sentence = "none: the frame is in no label file, so nothing is known of it"
        return Chapter("labels", [sentence], {"known": False})
    row, names = table.row(0, named=True), action_units(table)
    intensities = {name: row.get(intensity(name)) for name in names}
    by_state = {state: [n for n in names if row[n] == label] for label, state in _STATES.items()}
    sentences = [
        f"{state}: {_list_units(units, intensities)}" for state, units in by_state.items() if units
    ]
    if any(intensities.values()):
        sentences[0] += "; in brackets: intensity, 0-5"
    return Chapter("labels", sentences, {"known": True, "intensities": intensities, **by_state})


def _list_units(names: list[str], intensities: dict[str, float | None]) -> str:
    """Write action units with their intensity, where it is known and not 0."""
    return ", ".join(f"{name} ({i:g})" if (i := intensities[name]) else name for name in names)
