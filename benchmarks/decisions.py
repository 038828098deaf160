"""Decide on a made-up table of 300,000 frames with 12 action units: dedup, split and cap.

python -m benchmarks.decisions [--json]
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer

from benchmarks.pairs import video_like
from curate.base import console
from curate.base.console import Summary
from curate.base.params import Parameters
from curate.cap.rule import apply
from curate.dedup import rule as dedup
from curate.split import rule as split
from curate.tables import FRAMES, KEY, frame_id

SUBJECTS, CLIPS, FRAMES_A_CLIP = 60, 120, 2500
# Share of frames in which an action unit is present, about as in spontaneous footage (DISFA).
RATES = {
    "AU1": 0.05, "AU2": 0.04, "AU4": 0.15, "AU5": 0.01, "AU6": 0.08, "AU9": 0.04,
    "AU12": 0.13, "AU15": 0.02, "AU17": 0.03, "AU20": 0.015, "AU25": 0.28, "AU26": 0.09,
}  # fmt: skip
RUN = 25  # frames that an action unit stays present, in the mean
UNREADABLE, UNLABELLED = 0.002, 0.01


def make_frames(seed: int = 0) -> pl.DataFrame:
    """Make up a frames table without pictures: a random walk of hashes a clip, a few unreadable."""
    generator = np.random.default_rng(seed)
    count = CLIPS * FRAMES_A_CLIP
    clips = [f"S{clip % SUBJECTS:03d}-{clip // SUBJECTS}" for clip in range(CLIPS)]
    table = pl.DataFrame({"clip": clips}).join(
        pl.DataFrame({"index": np.arange(FRAMES_A_CLIP)}), how="cross"
    )
    names = [frame_id(clip, index) for clip, index in table.rows()]
    usable = pl.Series(generator.random(count) >= UNREADABLE)
    return table.select(
        pl.Series("id", names),
        pl.col("clip").str.split("-").list.first().alias("subject"),
        "clip",
        pl.col("index").cast(KEY["index"]),
        pl.when(usable).then(pl.Series(video_like(count, seed))).alias("hash"),
        pl.Series("sharpness", generator.gamma(4, 50, count)).cast(FRAMES["sharpness"]),
        pl.when(~usable).then(pl.lit("unreadable")).alias("reason"),
    )


def make_labels(frames: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Make up labels in runs of time: on and off for geometric times, so that rates come out."""
    generator = np.random.default_rng(seed)
    rates = np.array(list(RATES.values()))
    leave, enter = 1 / RUN, rates / (1 - rates) / RUN
    present = np.zeros((FRAMES_A_CLIP, CLIPS, len(rates)), np.int8)
    present[0] = generator.random((CLIPS, len(rates))) < rates
    for frame in range(1, FRAMES_A_CLIP):
        before, drawn = present[frame - 1], generator.random((CLIPS, len(rates)))
        present[frame] = np.where(before == 1, drawn >= leave, drawn < enter)
    by_clip = present.transpose(1, 0, 2).reshape(-1, len(rates))
    labels = frames.select(*KEY).with_columns(
        pl.Series(name, by_clip[:, column]) for column, name in enumerate(RATES)
    )
    return labels.filter(pl.Series(generator.random(len(labels)) >= UNLABELLED))


def main(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Time each decision by itself; all of them are made from tables in memory."""
    frames = make_frames()
    rows = _timed(frames, make_labels(frames), Parameters(stride=1, distance=4))
    rows.append(("all", sum(row[1] for row in rows), len(frames), None))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = round(peak / (2**20 if sys.platform == "darwin" else 2**10))
    summary = Summary(
        f"{len(frames):,} frames, {len(RATES)} action units, stride 1, distance 4 bits: "
        f"peak memory {memory:,} MB",
        ["decision", "seconds", "frames in", "kept"],
        rows,
        {"memory": memory, "seconds": {row[0]: row[1] for row in rows}},
    )
    console.show(summary, as_json=as_json)


def _timed(
    frames: pl.DataFrame, labels: pl.DataFrame, parameters: Parameters
) -> list[tuple[Any, ...]]:
    """Make the decisions one after the other; split and cap go on from dedup within clips."""
    rows: list[tuple[Any, ...]] = []

    def timed(name: str, decide: Any, *tables: Any, **rule: Any) -> pl.DataFrame:
        start = time.perf_counter()
        decided: pl.DataFrame = decide(*tables, **rule)
        rows.append((name, time.perf_counter() - start, len(decided), int(decided["keep"].sum())))
        return decided

    def decide_cap(split: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
        return apply(split, labels, parameters.cap).table

    def decide_dedup(**rule: Any) -> pl.DataFrame:
        return dedup.decide(
            frames,
            dedup.label_sets(frames, labels),
            stride=parameters.stride,
            distance=parameters.distance,
            **rule,
        )

    timed("dedup, scope all", decide_dedup, scope="all")
    timed("dedup, scope all, any labels", decide_dedup, scope="all", same_labels=False)
    thinned = timed("dedup, scope clip", decide_dedup, scope="clip")
    placed = timed(
        "split",
        split.decide,
        thinned,
        labels,
        validation_fraction=parameters.validation_fraction,
        moments_fraction=parameters.moments_fraction,
        margin=parameters.margin,
        seed=parameters.seed,
    )
    timed("cap", decide_cap, placed, labels)
    return rows


if __name__ == "__main__":
    typer.run(main)
