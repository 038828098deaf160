"""Near-duplicate pairs among video-like hashes: ours beside imagededup, and how time grows.

python -m benchmarks.pairs [--json]

imagededup 0.3 is called as its users do, on a map of hashes, with its default search (brute force
in Cython, all cores). Growth is measured in a fresh process for each size, so that each peak of
memory is its own.
"""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
import time
import warnings
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.timing import by_turns
from curate.base import console
from curate.base.console import Summary, Table
from curate.search.index import plan
from curate.search.neighbors import count_within, pairs_among

RADIUS = 4
COMPARED = 10_000
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
CLIP = 1000  # frames
# How often a frame differs from the one before by 0, 1, 2 or 3 bits, and how many bits of a clip
# ever change: as in the demo's and in recorded footage, frames 5 apart then differ by 2 bits in
# the median, frames 6 s apart by 16; and frames of other clips by about 30.
STEPS = (0.66, 0.25, 0.07, 0.02)
RESTLESS = 32
Hashes = NDArray[np.uint64]


def video_like(frames: int, seed: int = 0) -> Hashes:
    """Make up the hashes of clips, each a random walk over some of the bits of a random start.

    The bits of starts are not even: each has a probability of its own, as those of true hashes.
    """
    generator = np.random.default_rng(seed)
    clips = -(-frames // CLIP)
    probability = np.clip(generator.normal(0.5, 0.18, 64), 0.05, 0.95)
    starts = np.packbits(generator.random((clips, 64)) < probability, axis=1).view(">u8")
    bits = generator.permuted(np.tile(np.arange(64, dtype=np.uint64), (clips, 1)), axis=1)
    steps = generator.choice(len(STEPS), size=(clips, CLIP), p=STEPS)
    walk = np.zeros((clips, CLIP), np.uint64)
    for flip in range(1, len(STEPS)):
        chosen = generator.integers(0, RESTLESS, (clips, CLIP))
        flipped = np.uint64(1) << np.take_along_axis(bits, chosen, axis=1)
        walk ^= np.where(steps >= flip, flipped, np.uint64(0))
    hashes = starts.astype(np.uint64) ^ np.bitwise_xor.accumulate(walk, axis=1)
    return hashes.reshape(-1)[:frames]


def main(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    measure: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Find all pairs within 4 bits; compare with imagededup, then grow to a million hashes."""
    if measure:
        print(json.dumps(_measure(measure)))
        return
    # A process that is started inherits the peak of memory: first grow, then import PyTorch.
    growth = [_in_a_fresh_process(size) for size in SIZES]
    sides = _beside_imagededup()
    timed = f"pairs within {RADIUS} bits, {COMPARED:,} video-like hashes, median of turns"
    growing = f"pairs within {RADIUS} bits, a fresh process for each size"
    summary = Summary(timed, *_cells(sides), {"beside": sides, "growth": growth})
    summary.more.append(Table(growing, *_cells(growth)))
    console.show(summary, as_json=as_json)


def _cells(rows: list[dict[str, Any]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    return list(rows[0]), [tuple(row.values()) for row in rows]


def _beside_imagededup() -> list[dict[str, Any]]:
    """Time both sides on the same hashes.

    Raises:
        AssertionError: they do not find the same pairs.
    """
    from imagededup.methods import PHash  # brings PyTorch

    logging.disable(logging.INFO)  # it tells of its steps,
    warnings.simplefilter("ignore", RuntimeWarning)  # and of an option that nobody gave
    hashes = video_like(COMPARED)
    named = {str(row): f"{value:016x}" for row, value in enumerate(hashes.tolist())}
    found: dict[str, Any] = {}

    def theirs() -> None:
        found["theirs"] = PHash(verbose=False).find_duplicates(
            encoding_map=named, max_distance_threshold=RADIUS
        )

    def ours() -> None:
        found["ours"] = pairs_among(hashes, RADIUS)

    seconds = by_turns({"imagededup": theirs, "framewise": ours})
    rows, others, _ = found["ours"]
    pairs = set(zip(rows.tolist(), others.tolist(), strict=True))
    theirs_once = {
        (int(row), int(other))
        for row, names in found["theirs"].items()
        for other in names
        if int(row) < int(other)
    }
    assert pairs == theirs_once
    return [
        {
            "side": side,
            "seconds": taken,
            "pairs": len(pairs),
            "ours is faster by": seconds[side] / seconds["framewise"],
        }
        for side, taken in seconds.items()
    ]


def _in_a_fresh_process(size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.pairs", "--measure", str(size)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    row: dict[str, Any] = json.loads(answer)
    return row


def _measure(size: int) -> dict[str, Any]:
    """Count, then list, all pairs; memory is the peak of the process so far, in MB."""
    hashes = video_like(size)
    start = time.perf_counter()
    count = count_within(hashes, hashes, RADIUS)
    counted = time.perf_counter()
    count_memory = _peak_memory()
    pairs = len(pairs_among(hashes, RADIUS)[0])
    end = time.perf_counter()
    assert count == 2 * pairs + size
    return {
        "hashes": size,
        "pairs": pairs,
        "count: seconds": counted - start,
        "count: MB": count_memory,
        "list: seconds": end - counted,
        "list: MB": _peak_memory(),
        "search": plan(len(np.unique(hashes)), RADIUS).name,
    }


def _peak_memory() -> int:
    """Return this process's peak resident memory in MB (Linux counts in KiB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


if __name__ == "__main__":
    typer.run(main)
