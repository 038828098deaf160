"""One frame's story through every stage, in plain words: what became of it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from curate.explain.chapter import Chapter, not_run
from curate.explain.dedup import dedup_chapter
from curate.explain.lookup import Found, Places, find
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

    frame: Found
    chapters: list[Chapter]

    @property
    def compared(self) -> Chapter:
        """The chapter that says which frame to look at beside this one."""
        return next(chapter for chapter in self.chapters if chapter.stage == "dedup")

    def as_lines(self) -> list[str]:
        """Write the story for a terminal, each stage's name before what it did."""
        width = max(len(chapter.stage) for chapter in self.chapters) + 2
        return [
            f"{'' if number else chapter.stage:<{width}}{sentence}"
            for chapter in self.chapters
            for number, sentence in enumerate(chapter.said)
        ]

    def as_data(self) -> dict[str, Any]:
        """Return the story for machines: a key a stage, null for one that has not run."""
        stages = {c.stage: c.data | {"said": c.said} if c.data else None for c in self.chapters}
        key = {"id": self.frame.id, "clip": self.frame.clip, "index": self.frame.index}
        return key | {"beside": self.compared.beside, "because": self.compared.because} | stages


def explain(frame: str, places: Places) -> Story:
    """Return the story of a frame, given its id; outputs of stages that have not run may lack.

    Raises:
        UserError: there is no such frame, or a table is not what it should be.
    """
    found = find(frame, places)
    tellers = (_frames, _labels, dedup_chapter, split_chapter, cap_chapter, shards_chapter)
    return Story(found, [tell(found, places) for tell in tellers])


def _frames(found: Found, places: Places) -> Chapter:
    if found.part.is_empty():
        return not_run("frames", places.frames)
    row = found.part.row(by_predicate=pl.col("index") == found.index, named=True)
    at = "" if row["time"] is None else f"at {row['time']:.2f} s: "
    data = {name: row[name] for name in ("subject", "time", "sharpness", "brightness", "reason")}
    if row["reason"] is not None:
        said = _UNUSABLE.get(row["reason"], f"not usable: {row['reason']}")
        return Chapter("frames", [f"{at}{said}"], data | {"hash": None})
    code = f"{row['hash']:016x}"
    said = (
        f"{at}decoded; sharpness {row['sharpness']:.0f}, brightness {row['brightness']:.0f} of "
        f"255, hash {code}"
    )
    return Chapter("frames", [said], data | {"hash": code})


def _labels(found: Found, places: Places) -> Chapter:
    if not places.labels.is_file():
        return not_run("labels", places.labels)
    table = read_rows(places.labels, pl.col("id") == found.id)
    if table.is_empty():
        said = "none: the frame is in no label file, so nothing is known of it"
        return Chapter("labels", [said], {"known": False})
    row, names = table.row(0, named=True), action_units(table)
    by_state = {s: [n for n in names if _STATES[row[n]] == s] for s in _STATES.values()}
    intensities = {name: row.get(intensity(name)) for name in names}
    told = [
        f"{state}: {', '.join(_written(name, intensities[name]) for name in units)}"
        for state, units in by_state.items()
        if units
    ]
    told[0] += "; in brackets: intensity, 0-5" if any(intensities.values()) else ""
    return Chapter("labels", told, {"known": True, "intensities": intensities, **by_state})


def _written(name: str, value: float | None) -> str:
    return f"{name} ({value:g})" if value else name
