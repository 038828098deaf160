"""Stage `dedup`: read frames and labels, decide, write."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.base.stage_params import DedupParameters
from curate.dedup.rule import decide_with
from curate.tables import (
    DEDUP,
    KEY,
    read_frames,
    read_table,
    write_table,
)


def dedup_stage(
    frames: Path,
    labels: Path,
    output: Path | None,
    parameters: DedupParameters,
    against: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, list[str]]:
    """Decide on the pipeline's frames; write the decisions and return them, with notes.

    `against` is as `decide` takes it. An `output` of None writes nothing.

    Raises:
        UserError: a table is missing or is not what it should be, or has no intensities where
            `keep` is peak.
    """
    frames_table = read_frames(frames)
    labels_table = read_table(labels, KEY)
    decisions = decide_with(parameters, frames_table, labels_table, against)
    if output is not None:
        write_table(decisions, output, DEDUP)
    return decisions, _labels_without_frame(frames_table, labels_table)


def _labels_without_frame(frames: pl.DataFrame, labels: pl.DataFrame) -> list[str]:
    """Describe, by clip, how many labels have no frame; the shorter of video and labels is used."""
    lost = labels.join(frames.select("id"), on="id", how="anti")
    by_clip = lost.group_by("clip").len().sort("clip").rows()
    return [
        f"{clip}: {count} labels have no frame; the video is shorter than its labels"
        for clip, count in by_clip
    ]
