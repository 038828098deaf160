"""Stage `dedup`: read frames and labels, decide, write."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.base.console import Summary
from curate.base.stage_params import DedupParameters
from curate.dedup.rule import count_reasons, decide_with
from curate.tables import DEDUP, KEY, read_frames, read_table, write_table


def run(frames: Path, labels: Path, output: Path, parameters: DedupParameters) -> Summary:
    """Decide on the pipeline's frames, write the decisions, and count frames by reason.

    Raises:
        UserError: a table is missing or is not what it should be, or has no intensities where
            `keep` is peak.
    """
    decisions, notes = decide_on_tables(frames, labels, parameters)
    write_table(decisions, output, DEDUP)
    return summarize(frames, decisions, parameters, notes)


def decide_on_tables(
    frames: Path, labels: Path, parameters: DedupParameters, against: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """Decide on the frames of the pipeline's tables; return the decisions, and notes.

    `against` is as `curate.dedup.rule.decide` takes it.

    Raises:
        UserError: as `run`.
    """
    frames_table = read_frames(frames)
    labels_table = read_table(labels, KEY)
    decisions = decide_with(parameters, frames_table, labels_table, against)
    return decisions, _note_labels_without_frame(frames_table, labels_table)


def summarize(
    path: Path, decisions: pl.DataFrame, parameters: DedupParameters, notes: list[str]
) -> Summary:
    """Count the frames at `path` by reason: frames in, dropped for each reason, kept."""
    counts = count_reasons(decisions)
    frames_in = max(1, counts[0][1])
    title = (
        f"{path}: stride {parameters.stride}, distance {parameters.distance} bits, "
        f"scope {parameters.scope}, keep {parameters.keep}"
    )
    rows = [(name, count, f"{count / frames_in:.1%}") for name, count in counts]
    return Summary(title, ["frames", "count", "share"], rows, dict(counts), notes)


def _note_labels_without_frame(frames: pl.DataFrame, labels: pl.DataFrame) -> list[str]:
    """Count, by clip, labels that have no frame; the shorter of video and labels is used."""
    lost = labels.join(frames.select("id"), on="id", how="anti")
    by_clip = lost.group_by("clip").len().sort("clip").rows()
    return [
        f"{clip}: {count} labels have no frame; the video is shorter than its labels"
        for clip, count in by_clip
    ]
