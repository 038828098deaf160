"""How far an ablation is: a line for each event, or one line that a terminal keeps up to date."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple

Tell = Callable[[str], None]


class Ended(NamedTuple):
    """What became of an experiment: whether it finished, in how many seconds, why it failed."""

    result: Literal["finished", "failed"]
    seconds: float
    reason: list[str]


class Progress:
    """Reports on experiments, of which `jobs` run at a time.

    `tell` is given a line for each event. `show`, where there is a terminal, is given what runs now
    and for how long; without it, each stage is a line for `tell`.
    """

    def __init__(self, total: int, jobs: int, tell: Tell, show: Tell | None) -> None:
        self._total, self._jobs, self.tell, self._show = total, jobs, tell, show
        self._began: dict[str, float] = {}
        self._stages: dict[str, str] = {}
        self._took: list[float] = []
        self._held = False

    def hold(self) -> None:
        """Report, once, why no more experiments begin though there is room for them."""
        if not self._held:
            self.tell("those that wait share stages with those that run, and begin after these")
        self._held = True

    def begin(self, name: str) -> None:
        """Report that an experiment begins."""
        self._began[name] = time.monotonic()
        self.tell(f"{name}: runs")

    def begin_stage(self, name: str, stage: str) -> None:
        """Report which stage of an experiment begins."""
        self._stages[name] = stage
        if self._show is None:
            self.tell(self._at_work(name))

    def end(self, name: str, ended: Ended) -> None:
        """Report how an experiment ended, and how many are left."""
        del self._began[name]
        self._took.append(ended.seconds)
        result = "finished" if ended.result == "finished" else "FAILED"
        done = f"{len(self._took)} of {self._total} done"
        left = f"; {self._time_left()}" if len(self._took) < self._total else ""
        self.tell(f"{name}: {result} in {format_duration(ended.seconds)}; {done}{left}")
        for line in ended.reason:
            self.tell(f"    {line}")

    def refresh(self) -> None:
        """Show what runs now."""
        if self._show is not None and self._began:
            running = "; ".join(map(self._at_work, self._began))
            done = f"{len(self._took)} of {self._total} done"
            self._show(f"{running}; {done}; {self._time_left()}")

    def how_to_go_on(self, command: str) -> str:
        """Return, for one that was interrupted, how many are left and what command runs them."""
        left = self._total - len(self._took)
        waits = "experiment waits" if left == 1 else "experiments wait"
        again = f", {', '.join(self._began)} from the beginning" if self._began else ""
        return f"stopped: {left} {waits}; run {command} to go on{again}"

    def _at_work(self, name: str) -> str:
        stage = f" ({self._stages[name]})" if name in self._stages else ""
        return f"{name}{stage}, {format_duration(time.monotonic() - self._began[name])}"

    def _time_left(self) -> str:
        """Guess from the mean of those that ended: they differ, so it is a rough guess."""
        waiting = self._total - len(self._took)
        if not self._took:
            return f"{waiting} left"
        left = sum(self._took) / len(self._took) * waiting
        left -= sum(time.monotonic() - began for began in self._began.values())
        return f"about {format_duration(max(left, 0) / self._jobs)} left"


def format_duration(seconds: float) -> str:
    """Format a duration: 42 s, 3 min 20 s, 1 h 05 min."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60:02d} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60:02d} min"
