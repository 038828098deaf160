"""How fast pictures change, in few numbers: when frames stop being near-duplicates.

- A difference is *noticed* when it exceeds what nine in ten neighbouring frames differ by, but at
  most a quarter of what any two frames of a clip differ by. Where that is 8 bits or less, the
  footage is still: a quarter would be less than a phash's least step, 2 bits, and does not count.
- Frames stop being near-duplicates at the least lag at which the median difference is noticed.
- They are *unrelated* from the lag on at which their mean difference reaches 90 % of that of any
  two frames of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from curate.base.text import plural
from curate.search.lag import Lags, first_above, lags_up_to, longest_lag

_FEW = 20  # pairs below which a median says nothing
_QUARTER, _STILL = 0.25, 8.0  # share of the level, bits
_UNRELATED = 0.9  # share of the level
_EACH, _SPACED = 64, 40  # lags measured one by one, then so many at even ratios


@dataclass(frozen=True)
class Pace:
    """How fast pictures change. Lags are in frames, None where what they mark is never reached.

    `limit`: bits beyond which a difference is noticed; `changes`: lag at which frames stop being
    near-duplicates; `unrelated`: lag at which they are as far apart as any two; `first` and
    `longest`: lags measured, None where there are too few pairs; `level`: mean difference of any
    two frames of a clip in bits; `interval`: seconds between frames, None where not known.
    """

    limit: int
    changes: int | None
    unrelated: int | None
    first: int | None
    longest: int | None
    level: float
    interval: float | None

    @property
    def independent(self) -> bool:
        """Whether neighbouring frames are as unlike as any two: nothing repeats over time."""
        apart = self.unrelated is not None and self.unrelated == self.first
        return apart and self.level > _STILL

    @property
    def longest_stride(self) -> int:
        """The longest stride that the pictures allow; labels may allow less."""
        if self.independent or self.longest is None:
            return 1
        return self.longest if self.changes is None else self.changes

    @property
    def most_distance(self) -> int:
        """The most bits that the pictures allow: what neighbouring frames differ by anyway."""
        return 0 if self.independent else self.limit

    def time(self, lag: int) -> str:
        """Write a lag in words, such as "12 frames (0.6 s)"."""
        return format_lag(lag, self.interval)


def format_lag(lag: int, interval: float | None) -> str:
    """Write a lag as frames and, where `interval` (seconds between frames) is known, as time."""
    frames = plural(lag, "frame")
    return frames if interval is None else f"{frames} ({lag * interval:.2g} s)"


def lags_to_measure(frames: pl.DataFrame) -> list[int]:
    """Choose lags in frames: each one up to 64, then at even ratios up to half of a clip."""
    longest = max(longest_lag(frames), 1)
    return sorted({*range(1, min(longest, _EACH) + 1), *lags_up_to(longest, _SPACED)})


def pace_of_all(lags: Lags) -> Pace:
    """Return how fast the pictures of all clips change, taken together."""
    levels = lags.levels.drop_nulls("level")
    level = float(np.average(levels["level"], weights=levels["frames"])) if len(levels) else 0.0
    measured = lags.all.filter(pl.col("pairs") >= _FEW)
    if measured.is_empty():
        return Pace(0, None, None, None, None, level, lags.interval)
    top = measured["top"][0]
    limit = int(min(top, _QUARTER * level) if level > _STILL else top)
    return Pace(
        limit,
        first_above(measured, "median", limit),
        first_above(_means(lags), "mean", _UNRELATED * level, _FEW),
        measured["lag"][0],
        measured["lag"][-1],
        level,
        lags.interval,
    )


def _means(lags: Lags) -> pl.DataFrame:
    pairs = pl.col("pairs")
    mean = (pl.col("mean") * pairs).sum() / pairs.sum()
    return (
        lags.clips.sort("lag", "clip").group_by("lag", maintain_order=True).agg(mean, pairs.sum())
    )


def pace_by_clip(lags: Lags, limit: int) -> pl.DataFrame:
    """Return how fast each clip changes: clip, frames, level, interval, changes, unrelated.

    The last two are lags in frames, as in `Pace`, null where not reached.
    """
    enough = lags.clips.filter(pl.col("pairs") >= _FEW).join(lags.levels, on="clip")
    far = pl.col("mean") > _UNRELATED * pl.col("level")
    reached = enough.group_by("clip").agg(
        pl.col("lag").filter(pl.col("median") > limit).min().alias("changes"),
        pl.col("lag").filter(far).min().alias("unrelated"),
    )
    return lags.levels.join(reached, on="clip", how="left", maintain_order="left")
