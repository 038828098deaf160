"""Radius search: every index finds what comparing all finds, and refuses what it would miss."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.search.index import Plan, RadiusIndex, plan

whole = st.integers(0, 2**64 - 1)
PLANS = [Plan()] + [
    Plan(parts, 64 // parts, flips) for parts in (2, 3, 4, 5, 8) for flips in (0, 1)
]


@settings(deadline=None)
@given(
    st.lists(whole, max_size=12),
    st.lists(st.sets(st.integers(0, 63), max_size=33), max_size=12),
    st.integers(0, 32),
    st.sampled_from(PLANS),
)
def test_each_index_finds_what_comparing_all_finds(
    stored: list[int], flips: list[set[int]], radius: int, how: Plan
) -> None:
    """Queries are stored hashes with some bits flipped, so that every distance occurs."""
    queries = [sum(1 << bit for bit in bits) ^ (stored or [0])[0] for bits in flips]
    radius = min(radius, how.exact_radius)
    index = RadiusIndex(radius, how)
    for value in stored:
        index.add(np.array([value], np.uint64))
    found = zip(
        *(part.tolist() for part in index.search(np.array(queries, np.uint64))), strict=True
    )
    assert sorted(found) == [
        (i, j, (a ^ b).bit_count())
        for i, a in enumerate(queries)
        for j, b in enumerate(stored)
        if (a ^ b).bit_count() <= radius
    ]


@pytest.mark.parametrize("how", PLANS[1:], ids=lambda how: how.name)
def test_a_plan_is_exact_up_to_its_radius_and_not_beyond(how: Plan) -> None:
    # One flip more in every part than is looked up: the nearest hash that a multi-index misses.
    each = sum(((1 << how.flips + 1) - 1) << part * how.bits for part in range(how.parts))
    assert each.bit_count() == how.exact_radius + 1
    with pytest.raises(ValueError, match=f"exact up to {how.exact_radius} bits, not"):
        RadiusIndex(how.exact_radius + 1, how)
    # faiss itself, asked beyond, misses it: the refusal is not overcautious.
    index = faiss.IndexBinaryMultiHash(64, how.parts, how.bits)
    index.nflip = how.flips
    index.add(np.zeros((1, 8), np.uint8))
    query = np.frombuffer(each.to_bytes(8, "little"), np.uint8).reshape(1, 8)
    assert len(index.range_search(query, 65)[2]) == 0


@pytest.mark.parametrize("stored", [0, 100, 10_000, 300_000, 1_000_000])
@pytest.mark.parametrize("radius", [-1, *range(33)])
def test_the_plan_chosen_is_exact_and_no_dearer_than_flat(stored: int, radius: int) -> None:
    chosen = plan(stored, radius)
    assert chosen.exact_radius >= radius
    assert chosen.cost(stored) <= Plan().cost(stored)
    assert chosen.parts * chosen.bits <= 64


def test_large_and_near_is_a_multi_index_and_far_is_flat() -> None:
    assert plan(300_000, 4).name == "multi-index 3x21, 1 flips"
    assert plan(300_000, 32).name == plan(100, 4).name == "flat"


def test_an_index_that_grows_changes_its_plan_and_forgets_nothing() -> None:
    generator = np.random.default_rng(5)
    hashes = generator.integers(0, 2**64, 6000, np.uint64)
    index = RadiusIndex(4)
    names = []
    for start in range(0, 6000, 300):
        index.add(hashes[start : start + 300])
        names.append(index.plan.name)
    assert names[0] == "flat"
    assert names[-1].startswith("multi-index")
    flipped = hashes ^ np.uint64(0b1000_0100_0010_0001)
    rows, found, bits = index.search(flipped)
    assert (rows.tolist(), found.tolist(), set(bits.tolist())) == ([*range(6000)],) * 2 + ({4},)
