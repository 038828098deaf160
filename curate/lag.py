"""How fast pictures change: distance in bits of a clip's frames by the time between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.hashing import hamming

_LAGS = 28  # lags at which a clip is measured, at even ratios
_LONGEST = 600  # frames
_RANDOM_PAIRS = 20_000
_CLIPS = {"clip": pl.String, "lag": pl.Int64, "median": pl.Float64}
_ALL = {"lag": pl.Int64, "low": pl.Float64, "median": pl.Float64, "high": pl.Float64}


@dataclass(frozen=True)
class Lags:
    """Distances in bits by lag in frames.

    `clips`: clip, lag, median; `all`: lag, low, median, high (quartiles over the pairs of all
    clips); `elsewhere`: median of random pairs of different clips, None where there is one clip;
    `interval`: seconds between frames, None where time is not known.
    """

    clips: pl.DataFrame
    all: pl.DataFrame
    elsewhere: float | None
    interval: float | None


def measure(frames: pl.DataFrame, seed: int) -> Lags:
    """Measure distances within clips at many lags, and of random pairs of other clips.

    `frames` has clip, index, time and hash; frames without a hash are left out.
    """
    usable = frames.drop_nulls("hash").sort("clip", "index")
    lags = _lags(usable)
    clips: list[tuple[str, int, float]] = []
    pairs: dict[int, list[NDArray[np.int64]]] = {int(lag): [] for lag in lags}
    for (clip,), part in usable.group_by("clip", maintain_order=True):
        for lag in pairs:
            bits = _at_lag(part, lag)
            if len(bits):
                clips.append((str(clip), lag, float(np.median(bits))))
                pairs[lag].append(bits)
    quartiles = [
        (lag, *map(float, np.percentile(np.concatenate(bits), [25, 50, 75])))
        for lag, bits in pairs.items()
        if bits
    ]
    return Lags(
        pl.DataFrame(clips, _CLIPS, orient="row"),
        pl.DataFrame(quartiles, _ALL, orient="row"),
        _elsewhere(usable, seed),
        _interval(frames),
    )


def _lags(usable: pl.DataFrame) -> NDArray[np.int64]:
    """Choose lags up to half of the longest clip: beyond, too few pairs are left to average."""
    spans = usable.group_by("clip").agg((pl.col("index").max() - pl.col("index").min()).alias("s"))
    longest = max(spans["s"].to_list(), default=0)
    most = min(_LONGEST, max(longest // 2, 1))
    return np.unique(np.geomspace(1, most, _LAGS).round().astype(np.int64))


def _at_lag(part: pl.DataFrame, lag: int) -> NDArray[np.int64]:
    """Answer the distances of all pairs of a clip's frames that are `lag` frames apart."""
    index, hashes = part["index"].to_numpy(), part["hash"].to_numpy()
    _, first, second = np.intersect1d(index, index - lag, assume_unique=True, return_indices=True)
    return hamming(hashes[first], hashes[second])


def _elsewhere(usable: pl.DataFrame, seed: int) -> float | None:
    if usable["clip"].n_unique() < 2:
        return None
    generator = np.random.default_rng(seed)
    one, other = generator.integers(0, len(usable), (2, _RANDOM_PAIRS))
    clips = usable["clip"].rank("dense").to_numpy()
    differ = clips[one] != clips[other]
    hashes = usable["hash"].to_numpy()
    return float(np.median(hamming(hashes[one[differ]], hashes[other[differ]])))


def _interval(frames: pl.DataFrame) -> float | None:
    steps = (
        frames.drop_nulls("time")
        .sort("clip", "index")
        .select((pl.col("time").diff() / pl.col("index").diff()).over("clip").alias("step"))["step"]
    )
    seconds = steps.median()
    return float(seconds) if isinstance(seconds, float) and seconds > 0 else None
