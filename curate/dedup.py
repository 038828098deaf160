"""Stage `dedup`: temporal stride, then near-duplicates. Every frame gets keep, or a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from curate.neighbors import keep_first
from curate.params import Parameters
from curate.table import DEDUP, KEY, REASONS, action_units, read_frames, read_table, write_table

_SCOPES: dict[str, list[str]] = {"clip": ["clip"], "subject": ["subject"], "all": []}


def label_sets(frames: pl.DataFrame, labels: pl.DataFrame | None) -> pl.Series:
    """Write each frame's labels as one string, such as "10?" (present, absent, unknown).

    Null where no action unit of the frame is known; without a labels table, "" for every frame.
    """
    if labels is None:
        return pl.Series("label_set", [""] * len(frames), dtype=pl.String)
    names = action_units(labels)
    if not names:
        return pl.Series("label_set", [None] * len(frames), dtype=pl.String)
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in names)
    written = pl.concat_str([pl.col(name).cast(pl.String).fill_null("?") for name in names])
    joined = frames.select("id").join(
        labels.select("id", pl.when(known).then(written).alias("label_set")),
        on="id",
        how="left",
        maintain_order="left",
    )
    return joined["label_set"]


def decide(
    frames: pl.DataFrame,
    label_set: pl.Series,
    *,
    stride: int,
    distance: int,
    scope: str = "clip",
    same_labels: bool = True,
) -> pl.DataFrame:
    """Decide for every frame: keep, or the reason why not.

    `frames` has id, subject, clip, index, hash and reason; `label_set` is null for an unlabelled
    frame. A frame is dropped as a near-duplicate when it lies within `distance` bits of a frame
    already kept in its scope with the same labels; -1 looks for none. The answer has the columns
    of `curate.table.DEDUP`, by clip and index; the order of the input does not matter.
    """
    table = frames.with_columns(label_set.alias("label_set")).sort("clip", "index")
    reason = (
        pl.when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(pl.col("label_set").is_null())
        .then(pl.lit("unlabelled"))
        .when(pl.col("index") % stride != 0)
        .then(pl.lit("stride"))
    )
    table = table.with_columns(reason.alias("reason")).with_row_index("row")
    owner, bits = _near_duplicates(table, distance, scope, same_labels)
    repeats = pl.Series("repeats", owner >= 0)
    ids = table["id"].to_numpy()
    duplicate_of = [ids[i] if i >= 0 else None for i in owner]
    return table.with_columns(
        pl.when(repeats).then(pl.lit("near_duplicate")).otherwise(pl.col("reason")).alias("reason"),
        pl.Series("duplicate_of", duplicate_of, dtype=pl.String),
        pl.when(repeats).then(pl.Series("distance", bits)).cast(pl.Int32).alias("distance"),
    ).with_columns(pl.col("reason").is_null().alias("keep"))


def _near_duplicates(
    table: pl.DataFrame, distance: int, scope: str, same_labels: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Answer, per row, the row that it repeats (-1: none) and at what distance in bits."""
    owner = np.full(len(table), -1, np.int64)
    bits = np.full(len(table), -1, np.int64)
    candidates = table.filter(pl.col("reason").is_null())
    if distance < 0 or candidates.is_empty():
        return owner, bits
    keys = _SCOPES[scope] + (["label_set"] if same_labels else [])
    groups = candidates.partition_by(keys, maintain_order=True) if keys else [candidates]
    for group in groups:
        rows = group["row"].to_numpy().astype(np.int64)
        kept = keep_first(group["hash"].to_numpy(), distance)
        dropped = kept.distance >= 0
        owner[rows[dropped]] = rows[kept.owner[dropped]]
        bits[rows[dropped]] = kept.distance[dropped]
    return owner, bits


def count_reasons(decisions: pl.DataFrame) -> list[tuple[str, int]]:
    """Count frames in, kept, and dropped by reason, in the order in which reasons are asked."""
    counts = dict(decisions.group_by("reason").len().rows())
    known = [reason for reason in REASONS if reason in counts]
    return [
        ("frames in", len(decisions)),
        *((reason, counts[reason]) for reason in known),
        ("kept", counts.get(None, 0)),
    ]


def dedup_stage(
    frames: Path, labels: Path, output: Path, parameters: Parameters
) -> tuple[pl.DataFrame, list[str]]:
    """Decide on the pipeline's frames; write the decisions and answer them, with notes.

    Raises:
        UserError: a table is missing or is not what it should be.
    """
    frames_table = read_frames(frames)
    labels_table = read_table(labels, KEY)
    decisions = decide(
        frames_table,
        label_sets(frames_table, labels_table),
        stride=parameters.stride,
        distance=parameters.distance,
        scope=parameters.scope,
        same_labels=parameters.same_labels,
    )
    write_table(decisions, output, DEDUP)
    return decisions, _labels_without_frame(frames_table, labels_table)


def _labels_without_frame(frames: pl.DataFrame, labels: pl.DataFrame) -> list[str]:
    """Say, by clip, how many labels have no frame; the shorter of video and labels is used."""
    lost = labels.join(frames.select("id"), on="id", how="anti")
    by_clip = lost.group_by("clip").len().sort("clip").rows()
    return [
        f"{clip}: {count} labels have no frame; the video is shorter than its labels"
        for clip, count in by_clip
    ]
