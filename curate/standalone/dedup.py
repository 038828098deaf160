"""`curate dedup` on any footage, and against other footage; kept frames gathered in a folder.

The footage is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from curate.base.errors import UserError
from curate.base.files import check_outside
from curate.base.params import Parameters
from curate.base.text import plural
from curate.dedup.rule import count_reasons, decide_with, peaks
from curate.dedup.stage import dedup_stage
from curate.footage.cache import cache_folder
from curate.footage.hash import Hashed, hash_all
from curate.footage.labels import labels_of
from curate.footage.measure import Wanted
from curate.footage.open import Footage, check_hash_kind, open_footage
from curate.footage.unreadable import Unreadable, find_unreadable, note_unreadable
from curate.standalone.against import hash_against
from curate.standalone.destinations import Places
from curate.standalone.export import copy_kept
from curate.tables import DEDUP, KEY, NO_ROWS, read_table, write_table

__all__ = ["Outcome", "Places", "check_outside", "dedup_footage", "dedup_pipeline"]

_ALL_NAMED = "all are named by --output and by --json"
Hashing = Callable[[Footage, Wanted], Hashed]


@dataclass
class Outcome:
    """What a run decided, how many files it read for that, and what there is to say."""

    decisions: pl.DataFrame
    notes: list[str]
    unreadable: list[Unreadable] = field(default_factory=list)
    read: int = 0
    cached: int = 0

    def as_data(self) -> dict[str, Any]:
        """Return counts by reason, and what goes with them, for machines."""
        return {
            **dict(count_reasons(self.decisions)),
            "files_read": self.read,
            "files_cached": self.cached,
            "unreadable_files": [one.as_data() for one in self.unreadable],
            "notes": self.notes,
        }

    def closing(self, places: Places) -> list[str]:
        """Describe what was read and what was written."""
        kept = int(self.decisions["keep"].sum())
        files = self.read + self.cached
        read = [
            f"{plural(files, 'file')}: {self.read:,} read, {self.cached:,} known from the cache"
        ]
        return (read if files else []) + places.closing(kept)


def dedup_footage(path: Path, parameters: Parameters, workers: int, places: Places) -> Outcome:
    """Hash what the stride keeps of the footage at `path`, decide on every frame, and write.

    The id of an image is its path below `path`.

    Raises:
        UserError: no footage, labels that are lacking or do not fit, or places that are not free.
    """
    _check(path, parameters, places)
    labels = None if places.labels is None else read_table(places.labels, KEY)
    if parameters.keep == "peak":
        peaks(NO_ROWS, labels)  # before anything is hashed: are there intensities at all?
    footage = open_footage(path)
    hashing, notes = _hashing(path, workers, places)
    side = parameters.image_size if parameters.keep == "sharpest" else None
    hashed = hashing(footage, Wanted(parameters.hash, parameters.stride, parameters.decode, side))
    if labels is not None and places.labels is not None:
        labels, unused = labels_of(hashed.frames, labels, places.labels, path)
        notes += unused
    unreadable = find_unreadable(footage, hashed.frames)
    notes += footage.notes + hashed.notes + note_unreadable(path, unreadable, _ALL_NAMED)
    outcome = Outcome(hashed.frames, notes, unreadable, hashed.read, hashed.cached)
    against = _hash_older(footage, parameters, hashing, places, outcome)
    outcome.decisions = decide_with(parameters, hashed.frames, labels, against)
    _write(footage, workers, places, outcome)
    return outcome


def dedup_pipeline(
    frames: Path, labels: Path, parameters: Parameters, workers: int, places: Places
) -> Outcome:
    """Decide on the pipeline's frames, compare them with older footage if asked to, and write.

    Raises:
        UserError: a table is missing or is not what it should be, or places are not free.
    """
    _check(frames, parameters, replace(places, labels=labels))
    parts = sorted(frames.rglob("*.parquet")) if frames.is_dir() else [frames]
    check_hash_kind(parts, parameters.hash)
    footage = Footage(frames, parts=parts)
    hashing, notes = _hashing(frames, workers, places)
    outcome = Outcome(NO_ROWS, notes)
    against = _hash_older(footage, parameters, hashing, places, outcome)
    outcome.decisions, said = dedup_stage(frames, labels, None, parameters, against)
    outcome.notes += said
    _write(footage, workers, places, outcome)
    return outcome


def _check(path: Path, parameters: Parameters, places: Places) -> None:
    places.check(path)
    if places.against is not None and parameters.distance < 0:
        raise UserError(
            f"--against: distance is {parameters.distance}, which looks for no repeats; give "
            "--distance 0 or more"
        )


def _hashing(path: Path, workers: int, places: Places) -> tuple[Hashing, list[str]]:
    """Give the function that hashes footage in this run; with notes."""
    asked = cache_folder(places.cache, path, places.against) if places.use_cache else (None, [])
    cache, notes = asked
    remember = not places.dry_run
    return partial(hash_all, workers=workers, cache=cache, remember=remember), notes


def _hash_older(
    footage: Footage, parameters: Parameters, hashing: Hashing, places: Places, outcome: Outcome
) -> pl.DataFrame | None:
    """Hash every frame of the footage to compare with, if there is any; count and note it."""
    if places.against is None:
        return None
    wanted = Wanted(parameters.hash, decode=parameters.decode)
    older = hash_against(footage, places.against, lambda found: hashing(found, wanted))
    outcome.read += older.read
    outcome.cached += older.cached
    outcome.notes += older.notes
    return older.frames


def _write(footage: Footage, workers: int, places: Places, outcome: Outcome) -> None:
    """Gather the kept frames and write the decisions, as asked for."""
    if places.dry_run:
        return
    if places.to is not None:
        outcome.notes += copy_kept(footage, outcome.decisions, places.to, workers, link=places.link)
    if places.output is not None:
        write_table(outcome.decisions, places.output, DEDUP)
