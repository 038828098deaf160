"""Distances by lag, against all pairs counted one by one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.search.lag import first_above, lags_up_to, measure_lags
from curate.search.neighbors import hamming

SCHEMA = {"clip": pl.String, "index": pl.Int32, "time": pl.Float64, "hash": pl.UInt64}


def hashed(clips: int, frames: int, seconds: float | None) -> pl.DataFrame:
    """Make clips in which frame i has the i lowest bits set: distance is lag."""
    rows = [
        (f"c{clip}", i, None if seconds is None else i * seconds, (1 << i) - 1)
        for clip in range(clips)
        for i in range(frames)
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def test_lag_measures_distance_by_lag():
    lags = measure_lags(hashed(2, 40, 0.05), seed=0)
    assert lags.all["median"].to_list() == lags.all["lag"].to_list()
    assert lags.interval == pytest.approx(0.05)
    assert lags.elsewhere is not None


def test_lag_counts_frames_that_are_missing_as_time():
    frames = hashed(1, 40, None).filter(pl.col("index") % 2 == 0)
    assert all(number % 2 == 0 for number in measure_lags(frames, seed=0).all["lag"])


clip = st.dictionaries(
    st.integers(0, 9), st.one_of(st.none(), st.integers(0, 2**64 - 1)), min_size=1, max_size=8
)


@given(st.lists(clip, min_size=1, max_size=3), st.integers(1, 9))
def test_medians_and_means_are_those_of_all_pairs(clips, lag):
    rows = [(f"c{c}", i, None, h) for c, frames in enumerate(clips) for i, h in frames.items()]
    measured = measure_lags(pl.DataFrame(rows, SCHEMA, orient="row"), seed=0, lags=[lag])
    found = {row["clip"]: row for row in measured.clips.to_dicts()}
    for number, frames in enumerate(clips):
        usable = {i: h for i, h in frames.items() if h is not None}
        bits = [(usable[i] ^ usable[i + lag]).bit_count() for i in usable if i + lag in usable]
        row = found.pop(f"c{number}", None)
        assert (row is None) == (not bits)
        if row is not None:
            assert (row["lag"], row["pairs"]) == (lag, len(bits))
            assert row["median"] == np.median(bits)
            assert row["mean"] == pytest.approx(np.mean(bits))
    assert not found


def test_the_level_is_the_mean_distance_of_all_pairs_of_a_clip():
    hashes = np.random.default_rng(0).integers(0, 2**64, 30, np.uint64)
    rows = [("a", i, i / 20, int(h)) for i, h in enumerate(hashes)] + [("b", 0, 0.0, 7)]
    levels = measure_lags(pl.DataFrame(rows, SCHEMA, orient="row"), seed=0).levels
    apart = hamming(hashes[:, None], hashes[None, :])
    assert levels["clip"].to_list() == ["a", "b"]
    assert levels["frames"].to_list() == [30, 1]
    assert levels["level"].to_list() == [pytest.approx(apart.sum() / (30 * 29)), None]
    assert levels["interval"].to_list() == [pytest.approx(0.05), None]


def test_top_is_what_nine_pairs_in_ten_lie_within():
    hashes = [0, 1] * 5 + [0b111]  # ten neighbours: nine differ in 1 bit, one in 2
    rows = [("a", i, None, h) for i, h in enumerate(hashes)]
    row = measure_lags(pl.DataFrame(rows, SCHEMA, orient="row"), seed=0, lags=[1]).all.row(
        0, named=True
    )
    assert (row["pairs"], row["median"], row["top"]) == (10, 1.0, 1.0)


def test_no_frame_has_no_lags():
    measured = measure_lags(pl.DataFrame(schema=SCHEMA), seed=0)
    assert measured.clips.is_empty()
    assert measured.levels.is_empty()
    assert (measured.elsewhere, measured.interval) == (None, None)


def test_lags_are_even_in_ratio_and_end_at_the_longest():
    assert lags_up_to(8, 4) == [1, 2, 4, 8]
    assert lags_up_to(0, 28) == [1]
    assert lags_up_to(10_000, 28)[-1] == 600


def test_first_above_passes_over_lags_with_few_pairs():
    curve = pl.DataFrame({"lag": [1, 2, 3], "pairs": [50, 3, 40], "median": [0.0, 9.0, 4.0]})
    assert first_above(curve, "median", 2) == 2
    assert first_above(curve, "median", 2, pairs=20) == 3
    assert first_above(curve, "median", 9) is None
