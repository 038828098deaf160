"""`curate dedup` on any footage, and against other footage; kept frames gathered in a folder.

The footage is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import polars as pl

from curate.base.console import Summary
from curate.base.errors import BadParameterError
from curate.base.stage_params import ThinningParameters
from curate.base.text import plural
from curate.dedup.rule import decide_with, peaks
from curate.dedup.stage import decide_on_tables, summarize
from curate.footage.cache import cache_folder
from curate.footage.hash import Hashed, hash_all
from curate.footage.labels import labels_of
from curate.footage.measure import Wanted
from curate.footage.open import Footage, check_hash_kind, open_footage
from curate.footage.unreadable import Unreadable, find_unreadable, note_unreadable
from curate.standalone.against import hash_against
from curate.standalone.destinations import DedupPaths
from curate.standalone.export import copy_kept
from curate.tables import DEDUP, KEY, NO_ROWS, part_paths, read_table, write_table

_ALL_NAMED = "all are named by --output and by --json"
Hashing = Callable[[Footage, Wanted], Hashed]


@dataclass
class Outcome:
    """What a run decided, how many files it read for that, and notes for the user."""

    decisions: pl.DataFrame
    notes: list[str]
    unreadable: list[Unreadable] = field(default_factory=list)
    read: int = 0
    cached: int = 0
    hashed: bool = True  # False where only tables of the pipeline were looked at

    def summary(self, path: Path, parameters: ThinningParameters, paths: DedupPaths) -> Summary:
        """Count the frames at `path` by reason, and describe what was read and written."""
        summary = summarize(path, self.decisions, parameters, self.notes)
        if self.hashed:
            summary.data |= {
                "files_read": self.read,
                "files_cached": self.cached,
                "unreadable_files": [file.as_data() for file in self.unreadable],
                "notes": self.notes,
            }
        summary.closing = self._closing(paths)
        return summary

    def _closing(self, paths: DedupPaths) -> list[str]:
        """Describe what was read and what was written."""
        written = paths.closing(int(self.decisions["keep"].sum()))
        if not self.read + self.cached:
            return written
        files = plural(self.read + self.cached, "file")
        return [f"{files}: {self.read:,} read, {self.cached:,} known from the cache", *written]


def dedup_footage(
    path: Path, parameters: ThinningParameters, workers: int, paths: DedupPaths
) -> Outcome:
    """Hash what the stride keeps of the footage at `path`, decide on every frame, and write.

    The id of an image is its path below `path`.

    Raises:
        UserError: no footage, labels that are lacking or do not fit, or paths that are not free.
    """
    _check(path, parameters, paths)
    labels = None if paths.labels is None else read_table(paths.labels, KEY)
    if parameters.keep == "peak":
        peaks(NO_ROWS, labels)  # before anything is hashed: are there intensities at all?
    footage = open_footage(path)
    hashing, notes = _hashing(path, workers, paths)
    side = parameters.image_size if parameters.keep == "sharpest" else None
    hashed = hashing(footage, Wanted(parameters.hash, parameters.stride, parameters.decode, side))
    if labels is not None and paths.labels is not None:
        labels, unused = labels_of(hashed.frames, labels, paths.labels, path)
        notes += unused
    unreadable = find_unreadable(footage, hashed.frames)
    notes += footage.notes + hashed.notes + note_unreadable(path, unreadable, _ALL_NAMED)
    outcome = Outcome(hashed.frames, notes, unreadable, hashed.read, hashed.cached)
    against = _hash_older(footage, parameters, hashing, paths, outcome)
    outcome.decisions = decide_with(parameters, hashed.frames, labels, against)
    _write(footage, workers, paths, outcome)
    return outcome


def dedup_pipeline(
    frames: Path, labels: Path, parameters: ThinningParameters, workers: int, paths: DedupPaths
) -> Outcome:
    """Decide on the pipeline's frames, compare them with older footage if asked to, and write.

    Raises:
        UserError: a table is missing or is not what it should be, or paths are not free.
    """
    _check(frames, parameters, replace(paths, labels=labels))
    parts = part_paths(frames)
    check_hash_kind(parts, parameters.hash)
    footage = Footage(frames, parts=parts)
    hashing, notes = _hashing(frames, workers, paths)
    outcome = Outcome(NO_ROWS, notes, hashed=paths.against is not None)
    against = _hash_older(footage, parameters, hashing, paths, outcome)
    outcome.decisions, lost = decide_on_tables(frames, labels, parameters, against)
    outcome.notes += lost
    _write(footage, workers, paths, outcome)
    return outcome


def _check(path: Path, parameters: ThinningParameters, paths: DedupPaths) -> None:
    paths.check(path)
    if paths.against is not None and parameters.distance < 0:
        raise BadParameterError(
            f"--against: distance is {parameters.distance}, which looks for no repeats; give "
            "--distance 0 or more",
            key="distance",
        )


def _hashing(path: Path, workers: int, paths: DedupPaths) -> tuple[Hashing, list[str]]:
    """Return the function that hashes footage in this run, and notes."""
    cache: Path | None = None
    notes: list[str] = []
    if paths.use_cache:
        cache, notes = cache_folder(paths.cache, path, paths.against)
    remember = not paths.dry_run
    return partial(hash_all, workers=workers, cache=cache, remember=remember), notes


def _hash_older(
    footage: Footage,
    parameters: ThinningParameters,
    hashing: Hashing,
    paths: DedupPaths,
    outcome: Outcome,
) -> pl.DataFrame | None:
    """Hash every frame of the footage to compare with, if there is any; count and note it."""
    if paths.against is None:
        return None
    wanted = Wanted(parameters.hash, decode=parameters.decode)
    older = hash_against(footage, paths.against, lambda other: hashing(other, wanted))
    outcome.read += older.read
    outcome.cached += older.cached
    outcome.notes += older.notes
    return older.frames


def _write(footage: Footage, workers: int, paths: DedupPaths, outcome: Outcome) -> None:
    """Gather the kept frames and write the decisions, as asked for."""
    if paths.dry_run:
        return
    if paths.to is not None:
        outcome.notes += copy_kept(footage, outcome.decisions, paths.to, workers, link=paths.link)
    if paths.output is not None:
        write_table(outcome.decisions, paths.output, DEDUP)
