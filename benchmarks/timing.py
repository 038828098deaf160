"""Timing sides by turns: on a shared machine only a ratio within one run means something."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def by_turns(sides: dict[str, Callable[[], object]], runs: int = 3) -> dict[str, float]:
    """Run each side once a round, `runs` rounds; answer each side's median in seconds.

    Noise that comes and goes hits all sides alike, because they take turns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}
