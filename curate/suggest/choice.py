"""Suggest stride and distance: thin out repetition in time, lose no action unit's events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from curate.base import console
from curate.base.errors import UserError
from curate.base.stage_params import SuggestParameters, ThinningParameters
from curate.footage.hash import hash_with_cache
from curate.footage.labels import labels_of
from curate.search.lag import Lags, measure_lags
from curate.suggest.candidates import OFF, Candidate, grid, try_all
from curate.suggest.pace import Pace, lags_to_measure, pace_by_clip, pace_of_all
from curate.suggest.reasons import Choice, reasons
from curate.tables import KEY, read_frames, read_table

COVERED = 0.95  # least share of an action unit's positives that lie in events with a frame kept


@dataclass(frozen=True)
class Result:
    """All that `curate suggest` found; `tried` starts with all frames that can be used.

    `asked` is the grid of candidates asked for, by stride, then distance; `chosen` is the one
    suggested, for `reasons`, in sentences; `clips` is as `pace_by_clip` returns; `labelled` says
    whether there were labels to count; `notes` are sentences for the user.
    """

    frames: int
    labelled: bool
    lags: Lags
    pace: Pace
    clips: pl.DataFrame
    tried: list[Candidate]
    asked: list[Candidate]
    chosen: Candidate
    reasons: list[str]
    notes: list[str] = field(default_factory=list)


def choose_candidate(asked: Sequence[Candidate], pace: Pace) -> Choice:
    """Choose among the candidates `asked` for: a full grid, by stride, then distance.

    Strides are gone through at the least distance, distances at the stride chosen, each up to the
    first that covers too little of an action unit.
    """
    least, longest = asked[0].distance, pace.longest_stride
    strides = [c for c in asked if c.distance == least and c.stride <= longest]
    at_least, skips = _walk(strides, asked[0])
    most = pace.most_distance
    distances = [c for c in asked if c.stride == at_least.stride and c.distance <= most]
    chosen, merges = _walk(distances, at_least)
    beyond = not strides or not distances
    return Choice(chosen, skips, None if merges is at_least else merges, beyond)


def _walk(
    candidates: Sequence[Candidate], fallback: Candidate
) -> tuple[Candidate, Candidate | None]:
    """Return the last candidate before the first that covers too little, and that one if any.

    Where already the first covers too little, it is both. Without candidates, `fallback` is walked.
    """
    candidates = candidates or [fallback]
    chosen = candidates[0]
    for candidate in candidates:
        if candidate.least is not None and candidate.least[1] < COVERED:
            return chosen, candidate
        chosen = candidate
    return chosen, None


def suggest_stage(
    path: Path | None,
    frames: Path,
    labels: Path | None,
    parameters: SuggestParameters,
    strides: Sequence[int],
    distances: Sequence[int],
    workers: int,
) -> Result:
    """Measure the footage at `path`, or the pipeline's `frames`, and try every candidate.

    Raises:
        UserError: nothing there to read, no frame that can be used, or labels of other frames.
    """
    where = frames if path is None else path
    table, notes = _read_or_hash(path, frames, parameters, workers)
    known = None
    if labels is not None:
        known, lost = labels_of(table, read_table(labels, KEY), labels, where)
        notes += lost
    if table["hash"].null_count() == len(table):
        raise UserError(
            f"{where}: of {len(table):,} frames, none can be used, so there is nothing to suggest; "
            "'curate dedup' on the same footage says why",
            path=where,
        )
    pairs = grid(strides, distances)
    with console.progress("trying candidates", len(pairs)) as advance:
        tried = try_all(table, known, pairs, parameters, advance)
    if tried[0].frames == 0:
        raise UserError(
            f"{where}: of {len(table):,} frames, none is labelled in {labels}", path=labels
        )
    lags = measure_lags(table, parameters.seed, lags_to_measure(table))
    pace = pace_of_all(lags)
    asked = tried if 1 in strides and OFF in distances else tried[1:]
    choice = choose_candidate(asked, pace)
    return Result(
        frames=len(table),
        labelled=known is not None,
        lags=lags,
        pace=pace,
        clips=pace_by_clip(lags, pace.limit),
        tried=tried,
        asked=asked,
        chosen=choice.chosen,
        reasons=reasons(choice, tried[0], pace),
        notes=notes,
    )


def _read_or_hash(
    path: Path | None, frames: Path, parameters: ThinningParameters, workers: int
) -> tuple[pl.DataFrame, list[str]]:
    """Read the pipeline's frames, or hash those at `path`: by clip and index, and notes.

    Hashes go into the cache that `curate dedup` reads from afterwards.
    """
    if path is None:
        return read_frames(frames), []
    sharpness = parameters.keep == "sharpest"
    hashed = hash_with_cache(path, parameters, workers, sharpness=sharpness)
    return hashed.frames.sort("clip", "index"), hashed.notes
