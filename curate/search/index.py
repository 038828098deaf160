"""Exact search of 64-bit hashes within a Hamming radius, on faiss: flat, or a multi-index.

A multi-index cuts the 64 bits into m parts of b bits and keeps a table of each part's values. Two
hashes within r bits differ in at least one part by at most r // m bits (the pigeonhole principle),
so looking up each part and its neighbours at up to that many flipped bits finds every pair within
r, and no pair is compared that agrees in no part (Norouzi et al., "Fast exact search in Hamming
space with multi-index hashing", 2014). Many flips cost more than comparing with everything: then
the search is flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import faiss
import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]

_BITS = 64
# What a look-up and a candidate cost, in comparisons of a flat search (measured: about 0.7 ns).
_LOOKUP = 80
_CANDIDATE = 150
# Searches of more comparisons than this (about 6 ms) take all cores. Threads wait for one another
# at the end of a search, on a busy machine for longer than a short search takes by itself.
_WORTH_THREADS = 2**23


@dataclass(frozen=True)
class Plan:
    """How hashes are searched: flat (`parts` 0), or a multi-index of `parts` of `bits` bits."""

    parts: int = 0
    bits: int = 0
    flips: int = 0

    @property
    def name(self) -> str:
        """Describe it for a reader, such as "multi-index 5x12, 0 flips"."""
        if not self.parts:
            return "flat"
        return f"multi-index {self.parts}x{self.bits}, {self.flips} flips"

    @property
    def exact_radius(self) -> int:
        """The largest radius, in bits, within which no pair is missed."""
        return self.parts * (self.flips + 1) - 1 if self.parts else _BITS

    def cost(self, stored: int) -> float:
        """Estimate what one query costs among `stored` hashes, in comparisons of a flat search."""
        if not self.parts:
            return stored
        lookups = self.parts * sum(comb(self.bits, flips) for flips in range(self.flips + 1))
        return lookups * (_LOOKUP + _CANDIDATE * stored / 2**self.bits)


def plan(stored: int, radius: int) -> Plan:
    """Choose the cheapest search among `stored` hashes that is exact up to `radius` bits."""
    multi = [Plan(parts, _BITS // parts, max(radius, 0) // parts) for parts in range(2, 9)]
    return min([Plan(), *multi], key=lambda choice: choice.cost(stored))


class RadiusIndex:
    """Hashes that grow in number, searched within one radius; `plan` is how at the moment.

    Raises:
        ValueError: the plan `fixed` is not exact up to the radius.
    """

    def __init__(self, radius: int, fixed: Plan | None = None) -> None:
        if fixed is not None and fixed.exact_radius < radius:
            raise ValueError(
                f"{fixed.name} is exact up to {fixed.exact_radius} bits, not {radius}; "
                "take more parts or flips, or a flat search"
            )
        self.radius = radius
        self.plan = fixed or Plan()
        self._fixed = fixed is not None
        self._index = _new_index(self.plan)
        self._added: list[Hashes] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, hashes: Hashes) -> None:
        """Add hashes (n,); they are numbered in the order in which they come, from 0."""
        self._added.append(hashes)
        self._size += len(hashes)
        better = self.plan if self._fixed else plan(self._size, self.radius)
        if better != self.plan:
            self.plan, self._index = better, _new_index(better)
            hashes = np.concatenate(self._added)
        self._index.add(_as_bytes(hashes))

    def search(self, queries: Hashes) -> Pairs:
        """Find all pairs within the radius: rows of `queries`, numbers of hashes, bits.

        By row of `queries`; in no order within one row.
        """
        threads = faiss.omp_get_max_threads()
        if len(queries) * self.plan.cost(self._size) < _WORTH_THREADS:
            faiss.omp_set_num_threads(1)
        try:
            # faiss returns distances strictly below what it is given.
            limits, distances, numbers = self._index.range_search(
                _as_bytes(queries), self.radius + 1
            )
        finally:
            faiss.omp_set_num_threads(threads)
        ends = limits.astype(np.int64)
        rows = np.repeat(np.arange(len(queries)), ends[1:] - ends[:-1])
        return rows, numbers.astype(np.int64, copy=False), distances.astype(np.int64)


def _new_index(how: Plan) -> faiss.IndexBinaryFlat | faiss.IndexBinaryMultiHash:
    if not how.parts:
        return faiss.IndexBinaryFlat(_BITS)
    index = faiss.IndexBinaryMultiHash(_BITS, how.parts, how.bits)
    index.nflip = how.flips
    return index


def _as_bytes(hashes: Hashes) -> NDArray[np.uint8]:
    return np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, _BITS // 8)
