"""How fast pictures change: made-up footage of known pace."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from curate.search.lag import measure_lags
from curate.suggest.pace import format_lag, lags_to_measure, pace_by_clip, pace_of_all
from curate.tables import frame_id

RANDOM = np.random.default_rng(0)


def clip(name: str, hashes: list[int], seconds: float | None = None) -> pl.DataFrame:
    rows = [
        (frame_id(name, i), name, i, None if seconds is None else i * seconds, h)
        for i, h in enumerate(hashes)
    ]
    schema = {
        "id": pl.String,
        "clip": pl.String,
        "index": pl.Int32,
        "time": pl.Float64,
        "hash": pl.UInt64,
    }
    return pl.DataFrame(rows, schema, orient="row")


def drift(frames: int, hold: int) -> list[int]:
    """Set a bit more every `hold` frames and unset them again: distance grows with lag."""
    return [
        (1 << min(step % 80, 80 - step % 80)) - 1 for step in (i // hold for i in range(frames))
    ]


def unlike(frames: int) -> list[int]:
    return [int(h) for h in RANDOM.integers(0, 2**64, frames, np.uint64)]


def pace(*clips: pl.DataFrame):
    frames = pl.concat(clips)
    lags = measure_lags(frames, seed=0, lags=lags_to_measure(frames))
    return pace_of_all(lags), pace_by_clip(lags, pace_of_all(lags).limit)


@pytest.mark.parametrize("hold", [1, 3])
def test_frames_change_once_most_differ_by_more_than_neighbours(hold):
    found, _ = pace(clip("a", drift(480 * hold, hold), 0.04))
    assert found.limit == 1  # neighbours differ by at most one bit
    # At lag 1.5 x hold, half of the pairs are two steps apart; the next lag is beyond half.
    assert found.changes == (2 if hold == 1 else 5)
    assert found.unrelated is not None
    assert found.unrelated > found.changes
    assert not found.independent
    assert found.time(25) == "25 frames (1 s)"


def test_unlike_pictures_are_independent():
    found, _ = pace(clip("a", unlike(200)))
    assert found.independent
    assert (found.changes, found.unrelated) == (1, 1)
    assert found.limit <= 8  # a quarter of 32


def test_frozen_footage_never_changes():
    found, _ = pace(clip("a", [9] * 100))
    assert (found.limit, found.level) == (0, 0.0)
    assert (found.changes, found.unrelated, found.longest) == (None, None, 49)
    assert not found.independent


def test_noise_about_one_picture_is_no_change():
    """The scene stands still: neighbours differ as much as any two, but by little."""
    flips = RANDOM.random((300, 64)) < 0.03
    hashes = [int(sum(1 << int(bit) for bit in np.flatnonzero(row))) for row in flips]
    found, _ = pace(clip("a", hashes))
    assert 3 < found.level < 8
    assert found.changes is None
    assert not found.independent


@pytest.mark.parametrize("clips", [{"a": 3}, {f"c{i}": 1 for i in range(40)}], ids=["3", "1 each"])
def test_too_few_pairs_are_not_measured(clips):
    found, by_clip = pace(*(clip(name, unlike(frames)) for name, frames in clips.items()))
    assert found.longest is None
    assert found.changes is None
    assert by_clip["changes"].to_list() == [None] * len(clips)


def test_each_clip_has_its_own_pace():
    _, by_clip = pace(clip("fast", drift(400, 2), 0.04), clip("slow", drift(400, 10), 0.1))
    fast, slow = by_clip.to_dicts()
    assert (fast["clip"], fast["interval"]) == ("fast", pytest.approx(0.04))
    assert slow["interval"] == pytest.approx(0.1)
    assert fast["changes"] < slow["changes"]


def test_a_lag_in_words():
    assert format_lag(1, None) == "1 frame"
    assert format_lag(1200, 0.05) == "1,200 frames (60 s)"


def test_lags_are_measured_one_by_one_then_at_ratios():
    lags = lags_to_measure(clip("a", [0] * 1000))
    assert lags[:64] == list(range(1, 65))
    assert lags[-1] == 499
    assert lags == sorted(set(lags))
    assert len(lags) < 90
