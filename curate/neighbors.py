"""Near-duplicates among 64-bit hashes: exact search within a Hamming radius, on faiss."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from curate.hashing import hamming

Hashes = NDArray[np.uint64]
_BLOCK = 512  # hashes compared with one another at a time


@dataclass(frozen=True)
class Kept:
    """Answer of the greedy rule for n hashes: `owner` (n,) int64, `distance` (n,) int64.

    A hash that is kept owns itself at distance -1; one that is dropped is owned by the nearest
    kept hash before it (the earliest of several).
    """

    owner: NDArray[np.int64]
    distance: NDArray[np.int64]


def keep_first(hashes: Hashes, radius: int) -> Kept:
    """Go through hashes in order; keep each that no kept one lies within `radius` bits of.

    Comparing with kept hashes only means that slow drift does not chain: something new is kept
    every time the picture has moved by more than the radius from the last one kept.
    """
    owner = np.full(len(hashes), -1, np.int64)
    distance = np.full(len(hashes), radius + 1, np.int64)
    index = faiss.IndexBinaryFlat(64)
    kept: list[int] = []
    for start in range(0, len(hashes), _BLOCK):
        block = slice(start, start + _BLOCK)
        _search_kept(index, np.array(kept, np.int64), hashes, block, radius, owner, distance)
        new = _keep_within(hashes, block, owner, distance)
        index.add(_as_bytes(hashes[new]))
        kept += new
    distance[kept] = -1
    return Kept(owner, distance)


def _as_bytes(hashes: Hashes) -> NDArray[np.uint8]:
    return np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, 8)


def _search_kept(
    index: faiss.IndexBinaryFlat,
    kept: NDArray[np.int64],
    hashes: Hashes,
    block: slice,
    radius: int,
    owner: NDArray[np.int64],
    distance: NDArray[np.int64],
) -> None:
    """Note, for each hash of the block, the nearest hash kept before the block."""
    if not len(kept):
        return
    queries, found, distances = _range_search(index, hashes[block], radius)
    if not len(queries):
        return
    order = np.lexsort((found, distances, queries))
    first = order[np.unique(queries[order], return_index=True)[1]]
    rows = queries[first] + block.start
    owner[rows], distance[rows] = kept[found[first]], distances[first]


def _keep_within(
    hashes: Hashes, block: slice, owner: NDArray[np.int64], distance: NDArray[np.int64]
) -> list[int]:
    """Decide the block's hashes one after the other; answer the positions of those kept."""
    between = hamming(hashes[block][:, None], hashes[block][None, :])
    kept: list[int] = []
    for row in range(len(between)):
        position = block.start + row
        if kept:
            near = between[row, kept]
            best = int(near.argmin())
            if near[best] < distance[position]:
                owner[position], distance[position] = block.start + kept[best], near[best]
        if owner[position] < 0:
            owner[position] = position
            kept.append(row)
    return [block.start + row for row in kept]


def _range_search(
    index: faiss.IndexBinaryFlat, queries: Hashes, radius: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find all pairs within `radius`: query rows, index rows, distances in bits."""
    # faiss answers with distances strictly below what it is given.
    limits, distances, found = index.range_search(_as_bytes(queries), radius + 1)
    rows = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
    return rows, found.astype(np.int64), distances.astype(np.int64)


def count_within(one: Hashes, other: Hashes, radius: int) -> int:
    """Count what `pairs_within` finds, with the pairs of one block in memory at a time."""
    blocks = range(0, len(one), _BLOCK)
    return sum(len(pairs_within(one[i : i + _BLOCK], other, radius)[0]) for i in blocks)


def pairs_within(
    one: Hashes, other: Hashes, radius: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find all pairs of a hash in `one` and a hash in `other` within `radius` bits.

    Answers rows of `one`, rows of `other` and distances, by distance, then by row.
    """
    index = faiss.IndexBinaryFlat(64)
    index.add(_as_bytes(other))
    rows, found, distances = _range_search(index, one, radius)
    order = np.lexsort((found, rows, distances))
    return rows[order], found[order], distances[order]
