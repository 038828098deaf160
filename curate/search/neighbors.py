"""Near-duplicates among 64-bit hashes: the greedy rule, pairs, counts and the nearest; all exact.

Everything goes by blocks, so that memory is bounded whatever the hashes are: a million copies of
one picture have 10^12 pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.search.index import Hashes, Pairs, RadiusIndex

BLOCK = 512  # hashes compared with one another at a time
PAIRS = 2**24  # most pairs found at a time
_QUERIES = 4096  # most hashes searched for at a time
_FAR = 255  # more bits than a hash has
_SHIFT = 56  # a distance above this many binary digits sorts before the rows below them

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Kept:
    """What the greedy rule decides for n hashes: `owner` (n,) int64, `distance` (n,) int64.

    A hash that is kept owns itself at distance -1; one that is dropped is owned by the nearest
    kept hash before it (the earliest of several).
    """

    owner: Rows
    distance: Rows


def keep_first(
    hashes: Hashes,
    radius: int,
    groups: NDArray[np.integer] | None = None,
    *,
    block_size: int = BLOCK,
) -> Kept:
    """Go through hashes in order; keep each that no kept one lies within `radius` bits of.

    Only hashes with the same number in `groups` (n,) are compared; those of one group follow one
    another. Comparing with kept hashes only means that slow drift does not chain: something new is
    kept every time the picture has moved by more than the radius from the last one kept. The result
    does not depend on `block_size`, how many hashes are compared with one another at a time.
    """
    groups = np.zeros(len(hashes), np.int64) if groups is None else groups
    owner = np.full(len(hashes), -1, np.int64)
    distance = np.full(len(hashes), radius + 1, np.int64)
    kept = np.zeros(len(hashes), np.int64)  # rows of the hashes in the index, by number
    for block, continues in _blocks_of_groups(groups, block_size):
        if not continues:
            index = RadiusIndex(radius)
        elif len(index):
            rows, number, bits = _nearest(*index.search(hashes[block]))
            owner[block.start + rows], distance[block.start + rows] = kept[number], bits
        new = block.start + _keep_within(hashes[block], groups[block], owner[block] < 0, radius)
        _own(hashes, groups, block, new, owner, distance)
        if block.stop < len(hashes) and groups[block.stop] == groups[block.stop - 1] and len(new):
            kept[len(index) : len(index) + len(new)] = new
            index.add(hashes[new])
    return Kept(owner, distance)


def _blocks_of_groups(groups: NDArray[np.integer], size: int) -> Iterator[tuple[slice, bool]]:
    """Cut rows into blocks of complete groups, and longer groups into blocks of their own.

    Yields with each block whether it continues the group of the block before.
    """
    ends = np.append(np.flatnonzero(np.diff(groups)) + 1, len(groups))
    start, continues = 0, False
    while start < len(groups):
        stop = min(start + size, len(groups))
        if continues:
            stop = min(stop, int(ends[ends.searchsorted(start, side="right")]))
        else:
            last_end = int(ends[ends.searchsorted(stop, side="right") - 1])
            stop = last_end if start < last_end <= stop else stop
        yield slice(start, stop), continues
        continues = stop < len(groups) and bool(groups[stop] == groups[stop - 1])
        start = stop


def _keep_within(
    hashes: Hashes, groups: NDArray[np.integer], undecided: NDArray[np.bool_], radius: int
) -> Rows:
    """Decide the undecided hashes of a block one after the other; return the rows of those kept.

    Each one's near hashes are the bits of a whole number, so that to ask for a kept one among
    them is a single operation.
    """
    rows = np.flatnonzero(undecided)
    near = np.bitwise_count(hashes[rows, None] ^ hashes[rows]) <= radius
    near &= groups[rows, None] == groups[rows]
    kept = 0
    for row, packed in enumerate(np.packbits(near, axis=1, bitorder="little")):
        if not int.from_bytes(packed.tobytes(), "little") & kept:
            kept |= 1 << row
    bits = np.frombuffer(kept.to_bytes(-(-len(rows) // 8), "little"), np.uint8)
    return rows[np.unpackbits(bits, count=len(rows), bitorder="little").astype(bool)]


def _own(
    hashes: Hashes,
    groups: NDArray[np.integer],
    block: slice,
    new: Rows,
    owner: Rows,
    distance: Rows,
) -> None:
    """Give each hash of the block to the nearest of the `new` kept before it, if that is nearer."""
    if not len(new):
        return
    bits = np.bitwise_count(hashes[block, None] ^ hashes[new])
    rows = np.arange(block.start, block.stop)
    bits[(groups[block, None] != groups[new]) | (rows[:, None] <= new)] = _FAR
    best = bits.argmin(axis=1)
    nearest = bits[np.arange(len(bits)), best]
    nearer = nearest < distance[block]
    owner[rows[nearer]], distance[rows[nearer]] = new[best[nearer]], nearest[nearer]
    owner[new], distance[new] = new, -1


def _nearest(rows: Rows, numbers: Rows, bits: Rows) -> Pairs:
    """Keep the nearest of each row, the lowest number of several; `rows` come in order."""
    start = np.flatnonzero(np.diff(rows, prepend=-1))
    if not len(start):
        return rows, numbers, bits
    best = np.minimum.reduceat(bits << _SHIFT | numbers, start)
    return rows[start], best & (1 << _SHIFT) - 1, best >> _SHIFT


class _Distinct:
    """Hashes without repeats: `values` (k,), and the rows that have each of them, ascending.

    Frames of a still face share their hash; searching for each once saves most of the work.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.order = hashes.argsort(kind="stable")
        self.values, self.start = np.unique(hashes[self.order], return_index=True)
        self.count = np.diff(self.start, append=len(hashes))

    def rows(self, number: Rows, which: Rows) -> Rows:
        """Look up rows: of the distinct hash `number`, the row that comes as `which`, from 0."""
        return self.order[self.start[number] + which]


def _blocks(
    queries: Hashes, stored: Hashes, radius: int, most_pairs: int = PAIRS
) -> Iterator[Pairs]:
    """Find all pairs, with those of a few queries in memory at a time."""
    if not len(stored):
        return
    index = RadiusIndex(radius)
    index.add(stored)
    size = min(max(most_pairs // len(stored), 1), _QUERIES)
    for start in range(0, len(queries), size):
        rows, numbers, bits = index.search(queries[start : start + size])
        yield start + rows, numbers, bits


def pairs_within(hashes: Hashes, others: Hashes, radius: int, *, most_pairs: int = PAIRS) -> Pairs:
    """Find all pairs of one of the `hashes` and one of the `others` within `radius` bits.

    Returns rows of `hashes`, rows of `others` and distances, by distance, then by row. They take
    memory for each pair; `count_within` does not. The search has about `most_pairs` of them in
    memory at a time.
    """
    left, right = _Distinct(hashes), _Distinct(others)
    blocks = _blocks(left.values, right.values, radius, most_pairs)
    return _by_distance((_row_pairs(left, right, *block) for block in blocks), len(others))


def pairs_among(hashes: Hashes, radius: int) -> Pairs:
    """Find all pairs of two of the `hashes` within `radius` bits, each once: a row and a later row.

    Returns rows, later rows and distances, by distance, then by the pair's hashes, then by row;
    memory as `pairs_within`.
    """
    distinct = _Distinct(hashes)

    def once(rows: Rows, numbers: Rows, bits: Rows) -> Pairs:
        half = rows <= numbers
        return rows[half], numbers[half], bits[half]

    blocks = _blocks(distinct.values, distinct.values, radius)
    # Sorted before repeats are written out: there are several times fewer pairs to sort.
    pairs = _by_distance((once(*block) for block in blocks), len(distinct.values))
    first, second, bits = _row_pairs(distinct, distinct, *pairs)
    single = (bits > 0) | (first < second)  # equal hashes are found in both orders
    first, second = first[single], second[single]
    return np.minimum(first, second), np.maximum(first, second), bits[single]


def _row_pairs(left: _Distinct, right: _Distinct, rows: Rows, numbers: Rows, bits: Rows) -> Pairs:
    """Write out the pairs of rows behind pairs of distinct hashes."""
    repeats = left.count[rows] * right.count[numbers]
    pair = np.repeat(np.arange(len(rows)), repeats)
    which = np.arange(len(pair)) - np.repeat(repeats.cumsum() - repeats, repeats)
    first, second = np.divmod(which, right.count[numbers][pair])
    return left.rows(rows[pair], first), right.rows(numbers[pair], second), bits[pair]


def _by_distance(blocks: Iterable[Pairs], columns: int) -> Pairs:
    """Sort pairs by distance, row and other row (below `columns`), each as one whole number."""
    shift = max(columns - 1, 1).bit_length()
    keys = [bits << _SHIFT | row << shift | column for row, column, bits in blocks]
    key = np.concatenate([np.zeros(0, np.int64), *keys])
    key.sort()
    bits, rest = key >> _SHIFT, key & (1 << _SHIFT) - 1
    return rest >> shift, rest & (1 << shift) - 1, bits


def count_within(hashes: Hashes, others: Hashes, radius: int, *, most_pairs: int = PAIRS) -> int:
    """Count what `pairs_within` finds, in memory that does not depend on how many there are."""
    left, right = _Distinct(hashes), _Distinct(others)
    return sum(
        int(left.count[rows] @ right.count[numbers])
        for rows, numbers, _ in _blocks(left.values, right.values, radius, most_pairs)
    )


def nearest_within(hashes: Hashes, others: Hashes, radius: int) -> tuple[Rows, Rows]:
    """Find for each hash the nearest of `others` within `radius` bits, the earliest of several.

    Returns rows of `others` and distances, (n,) int64 each, both -1 where there is none.
    """
    left, right = _Distinct(hashes), _Distinct(others)
    row = np.full(len(left.values), -1, np.int64)
    distance = np.full(len(left.values), -1, np.int64)
    for rows, numbers, bits in _blocks(left.values, right.values, radius):
        rows, earliest, nearest = _nearest(rows, right.order[right.start[numbers]], bits)
        row[rows], distance[rows] = earliest, nearest
    number = np.repeat(np.arange(len(left.values)), left.count)
    nearest = np.empty((2, len(hashes)), np.int64)
    nearest[:, left.order] = row[number], distance[number]
    return nearest[0], nearest[1]


def hamming(hashes: Hashes, others: Hashes) -> NDArray[np.int64]:
    """Count the bits in which hashes differ (broadcasting)."""
    return np.bitwise_count(hashes ^ others).astype(np.int64)
