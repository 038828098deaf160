"""Where names of dots go, so that none covers another, a dot or, if it can be, an interval.

The package adjustText does this too, by forces: it stops by the clock, so that places differ from
run to run, and where dots are dense it leaves names on top of dots.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, inf, pi, sin

_RINGS = (7, 12, 20, 32, 48, 68, 92, 120, 155, 195, 240, 290, 350, 420)  # points from the dot
_DIRECTIONS = 24
_CROSSED = 25.0  # what crossing an interval costs, in points of distance


@dataclass(frozen=True)
class Box:
    """An upright rectangle, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Whether the two share more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def within(self, other: Box) -> bool:
        """Whether this one lies wholly inside the other."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )


def around(x: float, y: float, width: float, height: float) -> Box:
    """Make the box of a size whose middle is at a place."""
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def place_labels(
    dots: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    intervals: Sequence[Box],
    inside: Box,
    taken: Sequence[Box] = (),
    dot: float = 10,
) -> list[Box | None]:
    """Find a box for the name of each dot: near it, free of other names, dots and `taken`.

    All in points; `sizes` are (width, height) of the names, `dot` the diameter of a dot. One that
    fits nowhere gets None. Names are placed in order, so the same input gives the same places.
    """
    occupied = [*taken, *(around(x, y, dot, dot) for x, y in dots)]
    placed: list[Box | None] = []
    for (x, y), (width, height) in zip(dots, sizes, strict=True):
        free = (
            (distance, box)
            for distance, box in _candidates(x, y, width, height)
            if box.within(inside) and not any(box.overlaps(other) for other in occupied)
        )
        box = _cheapest(free, intervals)
        placed.append(box)
        occupied += [box] if box else []
    return placed


def _cheapest(candidates: Iterable[tuple[float, Box]], intervals: Sequence[Box]) -> Box | None:
    """Return the nearest box, where crossing an interval counts as distance; nearest come first."""
    least, cheapest = inf, None
    for distance, box in candidates:
        if distance >= least:
            break
        cost = distance + _CROSSED * sum(box.overlaps(interval) for interval in intervals)
        if cost < least:
            least, cheapest = cost, box
    return cheapest


def _candidates(x: float, y: float, width: float, height: float) -> Iterator[tuple[float, Box]]:
    """Yield distances and boxes around a dot, nearest first, to the right before all else."""
    for ring in _RINGS:
        for step in range(_DIRECTIONS):
            turn = (step + 1) // 2 * (1 if step % 2 else -1)  # right, then up and down by turns
            angle = 2 * pi * turn / _DIRECTIONS
            across, up = cos(angle) * (ring + width / 2), sin(angle) * (ring + height / 2)
            yield ring, around(x + across, y + up, width, height)
