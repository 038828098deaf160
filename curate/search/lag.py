"""How fast pictures change: distance in bits of a clip's frames by the time between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.search.neighbors import hamming

_LAGS = 28  # lags at which a clip is measured, at even ratios
_LONGEST = 600  # frames
_RANDOM_PAIRS = 20_000
_BITS = 64  # of a hash
_QUARTILES = [25, 50, 75]
_NEIGHBORS = 90  # per cent of the pairs that lie within `top`
_CLIPS = {
    "clip": pl.String,
    "lag": pl.Int64,
    "pairs": pl.Int64,
    "median": pl.Float64,
    "mean": pl.Float64,
}
_ALL = {
    "lag": pl.Int64,
    "pairs": pl.Int64,
    "low": pl.Float64,
    "median": pl.Float64,
    "high": pl.Float64,
    "top": pl.Float64,
}


@dataclass(frozen=True)
class Lags:
    """Distances in bits by lag in frames.

    `clips`: clip, lag, pairs, median, mean; `all`: lag, pairs, low, median, high (quartiles over
    the pairs of all clips), top (the distance that nine pairs in ten lie within); `levels`: clip,
    frames, level (mean distance of two frames of the clip, whatever the lag; null for one frame),
    interval (seconds between frames, null where time is not known); `elsewhere`: median of random
    pairs of different clips, None where there is one clip; `interval`: as in `levels`, over all
    clips, None where time is not known.
    """

    clips: pl.DataFrame
    all: pl.DataFrame
    levels: pl.DataFrame
    elsewhere: float | None
    interval: float | None


def measure_lags(frames: pl.DataFrame, seed: int, lags: Sequence[int] | None = None) -> Lags:
    """Measure distances within clips at many lags, and of random pairs of other clips.

    `frames` has clip, index, time and hash; frames without a hash are left out. `lags` are in
    frames, ascending; by default at even ratios, up to half of the longest clip.
    """
    usable = frames.drop_nulls("hash").sort("clip", "index")
    hashes = usable["hash"].to_numpy()
    wanted = lags_up_to(longest_lag(usable), _LAGS) if lags is None else lags
    positions = _positions(usable, max(wanted))
    clips: list[pl.DataFrame] = []
    quartiles: list[tuple[float, ...]] = []
    for lag in wanted:
        first, second = _at_lag(positions, lag)
        bits = hamming(hashes[first], hashes[second])
        if len(bits):
            clips.append(_by_clip(usable["clip"].gather(first), bits, lag))
            top = np.percentile(bits, _NEIGHBORS, method="inverted_cdf")
            quartiles.append((lag, len(bits), *np.percentile(bits, _QUARTILES), top))
    return Lags(
        pl.concat([pl.DataFrame(schema=_CLIPS), *clips]).sort("clip", "lag"),
        pl.DataFrame(quartiles, _ALL, orient="row"),
        _levels(usable, frames),
        _elsewhere(usable, seed),
        _interval(frames),
    )


def lags_up_to(longest: int, count: int) -> list[int]:
    """Choose about `count` lags at even ratios, from 1 to `longest` (at most 600) frames."""
    most = min(_LONGEST, max(longest, 1))
    return [int(lag) for lag in np.unique(np.geomspace(1, most, count).round())]


def first_above(curve: pl.DataFrame, column: str, level: float, pairs: int = 1) -> int | None:
    """Return the least lag at which `curve[column]` exceeds `level`, None where it never does.

    Lags with fewer than `pairs` pairs are passed over.
    """
    above = curve.filter((pl.col("pairs") >= pairs) & (pl.col(column) > level))
    least = above["lag"].min()
    return least if isinstance(least, int) else None


def longest_lag(frames: pl.DataFrame) -> int:
    """Return half of the longest clip, in frames: beyond, too few pairs are left to average."""
    spans = frames.group_by("clip").agg((pl.col("index").max() - pl.col("index").min()).alias("s"))
    return int(max(spans["s"].to_list(), default=0)) // 2


def _positions(usable: pl.DataFrame, longest: int) -> NDArray[np.int64]:
    """Number all frames in one ascending line, the clips further apart than any lag."""
    index = usable["index"].cast(pl.Int64).to_numpy()
    clip = usable["clip"].rank("dense").cast(pl.Int64).to_numpy()
    room = (int(index.max()) + 1 if len(index) else 0) + longest
    return np.asarray(clip * room + index, np.int64)


def _at_lag(positions: NDArray[np.int64], lag: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of all pairs of a clip's frames that are `lag` frames apart."""
    later = np.searchsorted(positions, positions + lag)
    first = np.flatnonzero(later < len(positions))
    first = first[positions[later[first]] == positions[first] + lag]
    return first, later[first]


def _by_clip(clips: pl.Series, bits: NDArray[np.int64], lag: int) -> pl.DataFrame:
    return (
        pl.DataFrame({"clip": clips, "bits": bits})
        .group_by("clip")
        .agg(
            pl.len().cast(pl.Int64).alias("pairs"),
            pl.col("bits").median().alias("median"),
            pl.col("bits").mean().alias("mean"),
        )
        .select("clip", pl.lit(lag, pl.Int64).alias("lag"), "pairs", "median", "mean")
    )


def _levels(usable: pl.DataFrame, frames: pl.DataFrame) -> pl.DataFrame:
    """Measure, for each clip, what two of its frames differ by whatever the lag, and its rate."""
    lengths = usable.group_by("clip", maintain_order=True).len("frames")["frames"]
    counts = lengths.cast(pl.Int64).to_numpy()
    starts = np.cumsum(counts) - counts
    bits = np.unpackbits(usable["hash"].to_numpy().view(np.uint8).reshape(-1, 8), axis=1)
    ones = np.add.reduceat(bits, starts, axis=0, dtype=np.int64) if len(bits) else bits[:0]
    # The pairs that differ in a bit are those of a frame that has it set and one that has not.
    differ = 2 * (ones * (counts[:, None] - ones)).sum(axis=1, dtype=np.int64)
    level = np.divide(differ, counts * (counts - 1.0), where=counts > 1, out=counts * np.nan)
    table = pl.DataFrame(
        {
            "clip": usable["clip"].unique(maintain_order=True),
            "frames": pl.Series(counts, dtype=pl.Int64),
            "level": pl.Series(level, dtype=pl.Float64).fill_nan(None),
        }
    )
    return table.join(_intervals(frames), on="clip", how="left", maintain_order="left")


def _elsewhere(usable: pl.DataFrame, seed: int) -> float | None:
    if usable["clip"].n_unique() < 2:
        return None
    generator = np.random.default_rng(seed)
    first, second = generator.integers(0, len(usable), (2, _RANDOM_PAIRS))
    clips = usable["clip"].rank("dense").to_numpy()
    differ = clips[first] != clips[second]
    hashes = usable["hash"].to_numpy()
    return float(np.median(hamming(hashes[first[differ]], hashes[second[differ]])))


def _steps(frames: pl.DataFrame) -> pl.DataFrame:
    """Return the seconds between each frame and the one before it in its clip, a frame a row."""
    timed = frames.drop_nulls("time").sort("clip", "index")
    step = pl.col("time").diff() / pl.col("index").diff()
    return timed.select("clip", step.over("clip").alias("step"))


def _intervals(frames: pl.DataFrame) -> pl.DataFrame:
    steps = _steps(frames).group_by("clip").agg(pl.col("step").median().alias("interval"))
    positive = pl.col("interval") > 0
    return steps.with_columns(pl.when(positive).then(pl.col("interval")))


def _interval(frames: pl.DataFrame) -> float | None:
    seconds = _steps(frames)["step"].median()
    return float(seconds) if isinstance(seconds, float) and seconds > 0 else None
