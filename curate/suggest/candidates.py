"""Candidates of stride and distance: how many frames, positives and events each would leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.base.errors import BadParameterError
from curate.base.stage_params import DedupParameters
from curate.dedup.rule import decide, label_sets, peaks
from curate.suggest.events import Left, count_left, find_events

STRIDES = (1, 2, 3, 5, 8, 10, 15, 20, 30)
OFF = -1
DISTANCES = (OFF, 0, 2, 4, 6, 8)
_MOST_DISTANCE = 32
_MOST_STRIDE = 1_000_000


@dataclass(frozen=True)
class Candidate:
    """What the rule of dedup leaves at a stride and a distance: frames, and of each unit."""

    stride: int
    distance: int
    frames: int
    units: dict[str, Left]

    @property
    def least(self) -> tuple[str, float] | None:
        """The action unit of which least is covered, and how much; None where none has any."""
        covered = [(n, left.covered) for n, left in self.units.items() if left.covered is not None]
        return min(covered, key=lambda pair: pair[1], default=None)


def read_numbers(text: str | None, option: str, default: Sequence[int]) -> list[int]:
    """Read an option such as "off,0,2,4" (distances) or "1,5,10" (strides), ascending.

    Raises:
        BadParameterError: an entry is no whole number, or out of range.
    """
    if text is None:
        return list(default)
    least, most = (OFF, _MOST_DISTANCE) if option == "--distances" else (1, _MOST_STRIDE)
    words = [word.strip() for word in text.split(",")]
    numbers: set[int] = set()
    for word in words:
        number = str(OFF) if word == "off" and least == OFF else word
        if not number.removeprefix("-").isdecimal() or not least <= int(number) <= most:
            off = " or off" if least == OFF else ""
            raise BadParameterError(
                f"{option}: '{word}' is not allowed, must be whole numbers from {least} to "
                f"{most:,}{off}, with commas between",
                key=option.removeprefix("--"),
            )
        numbers.add(int(number))
    return sorted(numbers)


def grid(strides: Sequence[int], distances: Sequence[int]) -> list[tuple[int, int]]:
    """List the candidates by stride, then distance, after all frames: stride 1, distance off."""
    return [(1, OFF), *((s, d) for s in strides for d in distances if (s, d) != (1, OFF))]


def try_all(
    frames: pl.DataFrame,
    labels: pl.DataFrame | None,
    pairs: Sequence[tuple[int, int]],
    parameters: DedupParameters,
    advance: Callable[[int], None] = lambda steps: None,
) -> list[Candidate]:
    """Decide as `curate dedup` would, for every (stride, distance) of a `grid`.

    `frames` is sorted by clip and index; `parameters` gives scope, same_labels and keep;
    `advance` is told of each candidate that is done.
    """
    label_set = label_sets(frames, labels)
    peak = peaks(frames, labels) if parameters.keep == "peak" else None

    def keep(stride: int, distance: int) -> NDArray[np.bool_]:
        decisions = decide(
            frames,
            label_set,
            stride=stride,
            distance=distance,
            scope=parameters.scope,
            same_labels=parameters.same_labels,
            keep=parameters.keep,
            peak=peak,
        )
        advance(1)
        return decisions["keep"].to_numpy()

    usable = keep(*pairs[0])
    events = {} if labels is None else find_events(frames, labels, usable)

    def count(pair: tuple[int, int], kept: NDArray[np.bool_]) -> Candidate:
        units = {name: count_left(numbers, kept) for name, numbers in events.items()}
        return Candidate(*pair, int(kept.sum()), units)

    return [count(pairs[0], usable), *(count(pair, keep(*pair)) for pair in pairs[1:])]
