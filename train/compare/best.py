"""Which experiment is best by which measure, and which others its interval stands clear of.

A difference is taken for more than chance only where the 95 % intervals lie apart. They are of one
experiment each, so this is cautious: intervals that overlap a little may still differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from train.experiments.read import Experiment


@dataclass(frozen=True)
class Measure:
    """What experiments are compared by, how it is called and how a value of it is written."""

    name: str
    short: str
    title: str
    best: str
    value: str
    highest: bool


MACRO_F1 = Measure(
    name="macro F1",
    short="F1",
    title="Macro F1, natural validation set",
    best="the best macro F1",
    value="{:.3f}",
    highest=True,
)
GAP = Measure(
    name="gap",
    short="gap",
    title="Gap at the end, nats",
    best="the smallest gap",
    value="{:+.3f} nats",
    highest=False,
)


@dataclass(frozen=True)
class Measured:
    """One measure of one experiment, with the ends of its 95 % interval where they are known."""

    label: str
    value: float
    low: float | None
    high: float | None

    def apart(self, other: Measured) -> bool:
        """Whether both intervals are known and share no value."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return False
        return self.low > other.high or self.high < other.low


@dataclass(frozen=True)
class Contender:
    """One experiment of a comparison: its number in the table, and what it is called."""

    number: int
    label: str
    experiment: Experiment

    @property
    def macro_f1(self) -> Measured | None:
        """The macro F1 on the natural validation set; None where there is none."""
        macro = self.experiment.results.scores.get("macro", {})
        f1 = macro.get("f1")
        if f1 is None:
            return None
        return Measured(self.label, f1, macro.get("f1_low"), macro.get("f1_high"))

    @property
    def gap(self) -> Measured | None:
        """The gap of the weights kept, in nats; None where there is none."""
        gap = self.experiment.results.gap
        if gap is None or gap.gap is None:
            return None
        return Measured(self.label, gap.gap, *gap.bounds("gap"))

    def as_dict(self) -> dict[str, Any]:
        """Return the experiment and what it left behind, for JSON."""
        experiment, results = self.experiment, self.experiment.results
        return {
            "name": experiment.name,
            "label": self.label,
            "revision": experiment.revision,
            "state": experiment.state,
            "baseline": experiment.baseline,
            "parameters": results.parameters,
            "gap": results.gap and results.gap.as_dict(),
            "validation": results.scores or None,
            "training_frames": results.frames,
            "problems": results.problems,
        }


@dataclass(frozen=True)
class Best:
    """Who leads by one measure: the winners (more than one where equal), and all others."""

    measure: Measure
    winners: list[Measured]
    others: list[Measured]

    @property
    def alone(self) -> bool:
        """Whether only one experiment has this measure, so that it leads nobody."""
        return len(self.winners) == 1 and not self.others

    @property
    def clear(self) -> list[Measured]:
        """Those of the others whose interval lies apart from the winner's."""
        return [other for other in self.others if self.winners[0].apart(other)]

    @property
    def unknown(self) -> list[Measured]:
        """Those of all that have no interval."""
        return [measured for measured in (*self.winners, *self.others) if measured.low is None]

    @property
    def overlapping(self) -> list[Measured]:
        """Those of the others whose interval overlaps the winner's."""
        if self.winners[0].low is None:
            return []
        aside = [*self.clear, *self.unknown]
        return [other for other in self.others if other not in aside]

    @property
    def sure(self) -> bool:
        """Whether one stands clear of all others."""
        return len(self.winners) == 1 and bool(self.others) and self.clear == self.others


def find_best(measure: Measure, measured: Iterable[Measured | None]) -> Best:
    """Find who leads by a measure; None was not measured, and nobody leads where all are None."""
    known = [each for each in measured if each]
    choose = max if measure.highest else min
    top = choose((each.value for each in known), default=0.0)
    winners = [each for each in known if each.value == top]
    return Best(measure, winners, [each for each in known if each.value != top])
