"""Timing sides by turns: on a shared machine only a ratio within one run means something."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

import cv2


def by_turns(sides: dict[str, Callable[[], object]], runs: int = 3) -> dict[str, float]:
    """Run each side once a round, `runs` rounds; return each side's median in seconds.

    Noise that comes and goes hits all sides alike, because they take turns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}


def one_core() -> None:
    """Keep this process, whatever threads its libraries start, on one core (where Linux can)."""
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
