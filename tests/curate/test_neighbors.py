"""Near-duplicate search against plain Python: the greedy rule, pairs, counts and the nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.search.neighbors import (
    count_within,
    keep_first,
    nearest_within,
    pairs_among,
    pairs_within,
)

# Few low bits, so that near-duplicates and ties are common; one high bit, for the sign.
values = st.integers(0, 63).map(lambda value: value | (value & 1) << 63)
hashes = st.lists(values, max_size=24)


def distance(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def reference(values: list[int], radius: int) -> tuple[list[int], list[int]]:
    """Go through the hashes in order: owner (nearest kept before, earliest of them), distance."""
    kept: list[int] = []
    owners, distances = [], []
    for row, value in enumerate(values):
        near = [(distance(value, values[k]), k) for k in kept]
        best = min(near, default=(radius + 1, row))
        if best[0] > radius:
            kept.append(row)
            best = (-1, row)
        distances.append(best[0])
        owners.append(best[1])
    return owners, distances


@settings(deadline=None)
@given(hashes, st.integers(0, 5), st.sampled_from([1, 2, 3, 512]))
def test_keep_first_is_the_greedy_rule_across_blocks(
    values: list[int], radius: int, block: int
) -> None:
    kept = keep_first(np.array(values, np.uint64), radius, block_size=block)
    owners, distances = reference(values, radius)
    assert kept.owner.tolist() == owners
    assert kept.distance.tolist() == distances


@settings(deadline=None)
@given(
    st.lists(st.lists(values, min_size=1, max_size=9), max_size=6), st.sampled_from([1, 2, 4, 7])
)
def test_groups_are_decided_each_by_itself(grouped: list[list[int]], block: int) -> None:
    sizes = [len(group) for group in grouped]
    everything = np.array([value for group in grouped for value in group], np.uint64)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    kept = keep_first(everything, 3, groups, block_size=block)
    owners: list[int] = []
    distances: list[int] = []
    for group in grouped:
        owned, bits = reference(group, 3)
        owners += [len(distances) + row for row in owned]
        distances += bits
    assert (kept.owner.tolist(), kept.distance.tolist()) == (owners, distances)


def test_a_long_group_that_ends_within_a_block_leaves_the_next_ones_alone() -> None:
    hashes = np.zeros(8, np.uint64)
    kept = keep_first(hashes, 0, np.array([0, 0, 0, 0, 0, 1, 2, 2]), block_size=4)
    assert kept.owner.tolist() == [0, 0, 0, 0, 0, 5, 6, 6]


def test_keep_first_on_many_hashes_across_true_blocks() -> None:
    generator = np.random.default_rng(3)
    centres = generator.integers(0, 2**63, 80, np.uint64)
    flips = np.uint64(1) << generator.integers(0, 64, 1500, np.uint64)
    values = centres[generator.integers(0, 80, 1500)] ^ flips
    kept = keep_first(values, 4)
    assert (kept.owner.tolist(), kept.distance.tolist()) == reference(values.tolist(), 4)


def test_drift_does_not_chain() -> None:
    # Each frame differs from the one before by one bit, and from the first by ever more.
    values = np.array([(1 << n) - 1 for n in range(8)], np.uint64)
    kept = keep_first(values, 2)
    assert kept.owner.tolist() == [0, 0, 0, 3, 3, 3, 6, 6]
    assert kept.distance.tolist() == [-1, 1, 2, -1, 1, 2, -1, 1]


def test_the_nearest_owns_and_the_earliest_of_two() -> None:
    values = np.array([0b0000, 0b1111, 0b0111, 0b0011], np.uint64)
    kept = keep_first(values, 2)
    assert kept.owner.tolist() == [0, 1, 1, 0]
    assert kept.distance.tolist() == [-1, -1, 1, 2]


@settings(deadline=None)
@given(hashes, hashes, st.integers(0, 5))
def test_pairs_within_are_all_pairs_by_distance_then_row(
    one: list[int], other: list[int], radius: int
) -> None:
    rows, found, bits = pairs_within(np.array(one, np.uint64), np.array(other, np.uint64), radius)
    expected = sorted(
        (distance(a, b), i, j)
        for i, a in enumerate(one)
        for j, b in enumerate(other)
        if distance(a, b) <= radius
    )
    assert list(zip(bits.tolist(), rows.tolist(), found.tolist(), strict=True)) == expected


@settings(deadline=None)
@given(hashes, st.integers(0, 5))
def test_pairs_among_are_those_of_a_row_and_a_later_one(values: list[int], radius: int) -> None:
    array = np.array(values, np.uint64)
    rows, others, bits = pairs_within(array, array, radius)
    later = rows < others
    expected = [part[later].tolist() for part in (bits, rows, others)]
    one, other, apart = pairs_among(array, radius)
    assert sorted(zip(apart, one, other, strict=True)) == list(zip(*expected, strict=True))
    assert (np.diff(apart) >= 0).all()


@settings(deadline=None)
@given(hashes, hashes, st.integers(0, 5))
def test_counting_by_blocks_counts_every_pair(
    one: list[int], other: list[int], radius: int
) -> None:
    expected = sum(distance(a, b) <= radius for a in one for b in other)
    arrays = np.array(one, np.uint64), np.array(other, np.uint64)
    # One query at a time where `other` is longer.
    assert count_within(*arrays, radius, most_pairs=3) == expected
    assert len(pairs_within(*arrays, radius, most_pairs=3)[0]) == expected


@settings(deadline=None)
@given(hashes, hashes, st.integers(-1, 5))
def test_the_nearest_is_the_first_of_the_nearest(
    one: list[int], other: list[int], radius: int
) -> None:
    rows, bits = nearest_within(np.array(one, np.uint64), np.array(other, np.uint64), radius)
    expected = []
    for value in one:
        near, row = min(((distance(value, b), j) for j, b in enumerate(other)), default=(65, -1))
        expected.append((row, near) if near <= radius else (-1, -1))
    assert list(zip(rows.tolist(), bits.tolist(), strict=True)) == expected


@pytest.mark.parametrize("radius", [0, 4, 32])
def test_equal_hashes_are_counted_in_bounded_memory(radius: int) -> None:
    hashes = np.full(100_000, 7, np.uint64)
    assert count_within(hashes, hashes, radius) == 10**10
    kept = keep_first(hashes, radius)
    assert set(kept.owner.tolist()) == {0}
    assert kept.distance.tolist() == [-1] + [0] * 99_999


@pytest.mark.parametrize(("left", "right"), [(0, 0), (0, 3), (3, 0)])
def test_nothing_is_near_nothing(left: int, right: int) -> None:
    one, other = np.zeros(left, np.uint64), np.zeros(right, np.uint64)
    assert [len(part) for part in pairs_within(one, other, 64)] == [0, 0, 0]
    assert count_within(one, other, 64) == 0
    assert nearest_within(one, other, 64)[0].tolist() == [-1] * left
    assert len(keep_first(one, 4).owner) == left
