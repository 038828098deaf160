"""How fast pictures change: distance of frames of a clip against the time between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from curate.hashing import hamming
from train.charts.style import BLUE, GRAY, GREEN, VERMILION, in_style, ink, message, new_figure

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


@in_style()
def draw(lags: Lags, *, distance: int, stride: int) -> Figure:
    """Draw the distances; `distance` (bits, -1: none) and `stride` (frames) are lines."""
    if lags.all.is_empty():
        return message("No two frames of a clip to compare", "Every clip holds at most one frame.")
    second = lags.interval or 1.0
    unit = "seconds" if lags.interval else "frames"
    figure = new_figure(10, 5.4, _finding(lags, stride))
    axes = figure.subplots()
    for _, clip in lags.clips.group_by("clip", maintain_order=True):
        axes.plot(
            clip["lag"].to_numpy() * second,
            clip["median"].to_numpy(),
            color=BLUE,
            alpha=0.22,
            linewidth=0.9,
        )
    time = lags.all["lag"].to_numpy() * second
    axes.fill_between(
        time,
        lags.all["low"].to_numpy(),
        lags.all["high"].to_numpy(),
        color=BLUE,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(time, lags.all["median"].to_numpy(), color=BLUE, linewidth=3)
    axes.set_xscale("log")
    axes.set_xlim(time[0] * 0.8, max(time[-1], stride * second) * 1.2)
    highest = max(*lags.all["high"], *lags.clips["median"], lags.elsewhere or 0, distance)
    axes.set_ylim(0, highest * 1.15 + 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(f"{unit} between two frames of a clip (logarithmic)")
    axes.set_title(
        "Distance of perceptual hashes in bits, of 64. "
        "Thick: median of all clips, shaded: quartiles, thin: each clip"
    )
    _mark(axes, lags, distance, stride, second)
    return figure


def _finding(lags: Lags, stride: int) -> str:
    at = lags.all.sort((pl.col("lag") - stride).abs(), "lag").row(0, named=True)
    frames = "1 frame" if at["lag"] == 1 else f"{at['lag']} frames"
    time = f" ({at['lag'] * lags.interval:.2g} s)" if lags.interval else ""
    others = f"; in different clips, {lags.elsewhere:.0f}" if lags.elsewhere is not None else ""
    return f"{frames}{time} apart, pictures differ in {at['median']:.0f} of 64 bits{others}"


def _mark(axes: Axes, lags: Lags, distance: int, stride: int, second: float) -> None:
    right = axes.get_xlim()[1]
    if distance >= 0:
        axes.axhline(distance, color=VERMILION, linestyle=(0, (5, 2)), linewidth=1.6)
        _say(axes, (right, distance), f"distance {distance}: a near-duplicate", VERMILION)
    if lags.elsewhere is not None:
        axes.axhline(lags.elsewhere, color=GRAY, linestyle=":", linewidth=2)
        _say(axes, (right, lags.elsewhere), "random frames of different clips", GRAY)
    axes.axvline(stride * second, color=GREEN, linestyle=(0, (5, 2)), linewidth=1.6)
    axes.annotate(
        f"stride {stride}",
        (stride * second, axes.get_ylim()[1]),
        xytext=(5, -4),
        textcoords="offset points",
        va="top",
        color=ink(GREEN),
        fontweight="bold",
    )


def _say(axes: Axes, place: tuple[float, float], words: str, color: str) -> None:
    axes.annotate(
        words,
        place,
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=ink(color),
        fontweight="bold",
        fontsize=10,
    )
