"""Footage that is not what it should be: video that stands still, clips with broken frames."""

from __future__ import annotations

import polars as pl

# A recorder that hangs writes one picture again and again, and a codec adds next to nothing to it:
# re-encoded as MPEG-4 or MJPEG, mean brightness moves by less than 0.05 grey levels and sharpness
# by less than 0.1 %. A living face that keeps still stays within both for 4 frames at the longest.
LEAST_FRAMES = 10
_BRIGHTNESS = 0.05  # grey levels
_SHARPNESS = 0.001  # of the sharpness itself
_RUNS = {
    "clip": pl.String,
    "first": pl.String,
    "last": pl.String,
    "frames": pl.Int64,
    "seconds": pl.Float64,
}


def frozen_runs(frames: pl.DataFrame, least: int = LEAST_FRAMES) -> pl.DataFrame:
    """Find runs of at least `least` consecutive frames of a clip that are the same picture.

    `frames` has id, clip, index, time, hash, sharpness and, where it is known, brightness. The
    same picture: equal hashes, and quality equal but for a codec's noise. Returns clip, first,
    last (ids), frames, seconds (null where time is not known), the longest first.
    """
    same = ((pl.col("index").diff() == 1) & _as_before(frames)).over("clip").fill_null(False)
    table = frames.sort("clip", "index").with_columns((~same).alias("begins"))
    table = table.with_columns(pl.col("begins").cum_sum().alias("run"))
    runs = table.group_by("clip", "run", maintain_order=True).agg(
        pl.col("id").first().alias("first"),
        pl.col("id").last().alias("last"),
        pl.len().cast(pl.Int64).alias("frames"),
        (pl.col("time").last() - pl.col("time").first()).alias("seconds"),
    )
    runs = runs.filter(pl.col("frames") >= least)
    return runs.sort("frames", "first", descending=[True, False]).select(
        pl.col(name).cast(dtype) for name, dtype in _RUNS.items()
    )


def same_pictures(frames: pl.DataFrame) -> pl.DataFrame:
    """Number the pictures: frames of one number are the same picture, wherever they are from.

    `frames` has id, hash, sharpness and, where it is known, brightness. Returns id and picture
    (UInt32), of frames that have a hash.
    """
    quality = [name for name in ("brightness", "sharpness") if name in frames.columns]
    table = frames.drop_nulls("hash").sort("hash", *quality, "id")
    begins = ~_as_before(frames).fill_null(False)
    return table.select("id", begins.cum_sum().cast(pl.UInt32).alias("picture"))


def _as_before(frames: pl.DataFrame) -> pl.Expr:
    """Mark each row that is the same picture as the row before, but for noise."""
    same = pl.col("hash") == pl.col("hash").shift(1)
    same &= pl.col("sharpness").diff().abs() <= _SHARPNESS * pl.col("sharpness")
    if "brightness" in frames.columns:
        same &= pl.col("brightness").diff().abs() <= _BRIGHTNESS
    return same


def broken_clips(frames: pl.DataFrame) -> pl.DataFrame:
    """Count unreadable frames: clip, broken, frames; clips that have some, the worst first."""
    counts = frames.group_by("clip").agg(
        (pl.col("reason") == "unreadable").sum().cast(pl.Int64).alias("broken"),
        pl.len().cast(pl.Int64).alias("frames"),
    )
    return counts.filter(pl.col("broken") > 0).sort("broken", "clip", descending=[True, False])
