"""Waiting for queued experiments: what runs, how many are done, time left, workers that die."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from curate.base.errors import UserError
from curate.base.text import plural
from train.ablate.queue import Entry, Queue

_LOOK = 1.0  # seconds between two looks at the queue
_LOST_AFTER = 5  # looks that do not find an experiment, until it counts as taken out
_STUCK_AFTER = 180.0  # seconds in which living workers run nothing, though experiments wait
_MOST_STARTS = 3  # times that workers are begun without that anything runs or ends
_TAIL = 4  # lines of a failed experiment's log to show
_PASSING = (
    "> ",
    "Stage '",
    "Running stage '",
    "Reproducing experiment",
    "WARNING: No file hash info",
    "Generating lock file",
    "Updating lock file",
)


class Ended(NamedTuple):
    """What became of an experiment: seconds where it was seen to run, why it failed."""

    result: Literal["finished", "failed"]
    seconds: float | None
    reason: list[str]


class Watch:
    """Sees the experiments of these names through to their end, with at least one living worker.

    `add` queues one anew, `tell` is given a line for each event, `show` what goes on now.
    """

    def __init__(
        self,
        queue: Queue,
        names: list[str],
        jobs: int,
        add: Callable[[str], None],
        tell: Callable[[str], None],
        show: Callable[[str], None],
    ) -> None:
        self._queue, self._jobs, self._add = queue, jobs, add
        self._tell, self._show = tell, show
        self._waiting = list(names)
        self._total = len(names)
        self._ended: dict[str, Ended] = {}
        self._began: dict[str, float] = {}
        self._missed = dict.fromkeys(names, 0)
        self._starts = 0
        self._moved = time.monotonic()  # when anything last ran

    def run(self) -> dict[str, Ended]:
        """Wait for all to end; on Ctrl-C end what runs, say how to go on, and pass it on."""
        try:
            while self._waiting:
                self._look(self._queue.entries())
                if self._waiting:
                    self._keep_working()
                    time.sleep(_LOOK)
        except KeyboardInterrupt:
            self._stop()
            raise
        return self._ended

    def _look(self, entries: dict[str, Entry]) -> None:
        running = [n for n in self._waiting if n in entries and entries[n].state == "running"]
        for name in running:
            if name not in self._began:
                self._begin(name)
        for name in list(self._waiting):
            self._missed[name] = 0 if name in entries else self._missed[name] + 1
            if name in entries and entries[name].state in ("finished", "failed"):
                self._end(name, entries[name].state == "finished")
            elif self._missed[name] > _LOST_AFTER:
                self._end(name, False, ["it was taken out of the queue"])
        if running:
            self._show(self._now([name for name in running if name in self._waiting]))

    def _begin(self, name: str) -> None:
        self._starts = 0
        self._began[name] = self._queue.began(name) or time.time()
        self._tell(f"{name}: runs")

    def _end(self, name: str, well: bool, reason: list[str] | None = None) -> None:
        self._starts = 0
        self._waiting.remove(name)
        seconds = time.time() - self._began[name] if name in self._began else None
        reason = [] if well else reason or self._why(name)
        self._ended[name] = Ended("finished" if well else "failed", seconds, reason)
        took = f" in {spoken(seconds)}" if seconds is not None else ""
        left = f"; {self._time_left()}" if self._waiting else ""
        done = f"{len(self._ended)} of {self._total} done"
        self._tell(f"{name}: {'finished' if well else 'FAILED'}{took}; {done}{left}")
        for line in reason:
            self._tell(f"    {line}")

    def _why(self, name: str) -> list[str]:
        ended_by = self._queue.ended_by(name)
        if ended_by:
            self._queue.end_left(name)
            return [f"its process was ended from outside ({ended_by})"]
        return reason_of_failure(self._queue.log(name))

    def _time_left(self) -> str:
        """Guess from the mean of those that ended: they differ, so it is a rough guess."""
        took = [end.seconds for end in self._ended.values() if end.seconds is not None]
        if not took:
            return f"{len(self._waiting)} left"
        left = sum(took) / len(took) * len(self._waiting)
        left -= sum(time.time() - self._began[n] for n in self._waiting if n in self._began)
        return f"about {spoken(max(left, 0) / self._jobs)} left"

    def _now(self, running: list[str]) -> str:
        """Describe in a line what runs now, at which stage, and for how long."""
        said = []
        for name in running:
            stages = re.findall(r"Running stage '([\w-]+)'", "\n".join(self._queue.log(name)))
            stage = f" ({stages[-1]})" if stages else ""
            said.append(f"{name}{stage}, {spoken(time.time() - self._began[name])}")
        return f"{'; '.join(said)}; {len(self._ended)} of {self._total} done; {self._time_left()}"

    def _keep_working(self) -> None:
        """Begin a worker where none lives, and give up where that does not help.

        Raises:
            UserError: workers end at once, or live and take nothing.
        """
        now = time.monotonic()
        if self._queue.workers():
            self._moved = now if self._queue.is_busy() else self._moved
            if now - self._moved > _STUCK_AFTER:
                numbers = ", ".join(str(worker.pid) for worker in self._queue.workers())
                raise UserError(
                    f"a worker of DVC's queue (process {numbers}) has taken no experiment for "
                    f"{spoken(_STUCK_AFTER)}: end it with 'kill {numbers}' and run this again"
                )
            return
        self._end_orphans()
        if self._waiting:
            self._start()
        self._moved = now

    def _end_orphans(self) -> None:
        """Count as failed what ran when its worker died; queue anew what it had only taken."""
        entries = self._queue.entries()  # anew: a worker may have ended well since the last look
        for name in list(self._waiting):
            state = entries[name].state if name in entries else None
            if state == "running":
                self._queue.end(name)
                self._end(name, False, ["its worker died: it was killed, or memory ran out"])
            elif state == "taken":
                self._queue.end(name)
                self._queue.remove(name, "failed")
                self._add(name)

    def _start(self) -> None:
        if self._starts == _MOST_STARTS:
            raise UserError(
                f"the workers of DVC's queue ended {_MOST_STARTS} times without running anything; "
                "what they said stands in .dvc/tmp/exps/celery/dvc-exp-worker-1.out"
            )
        self._starts += 1
        self._queue.start_workers(min(self._jobs, len(self._waiting)))

    def _stop(self) -> None:
        running = [name for name in self._waiting if name in self._began]
        if running:
            self._tell(f"ending {', '.join(running)}")
        self._queue.stop(running)
        waiting = plural(len(self._waiting), "experiment waits", "experiments wait")
        again = f", {', '.join(running)} from its beginning" if running else ""
        self._tell(f"stopped: {waiting}; run the same command to go on{again}")


def reason_of_failure(log: list[str]) -> list[str]:
    """Choose the lines of a failed experiment's log that say why.

    The sentence of one of our programs is the reason. Else it is the last lines, each once, without
    DVC's words on what went well and its warnings of outputs that are missing in consequence.
    """
    said = list(dict.fromkeys(line.rstrip() for line in log if not line.startswith(_PASSING)))
    own = [line for line in said if line.startswith(("curate: ", "train: "))]
    return (own or said)[-_TAIL:] or ["it ended before it printed anything"]


def spoken(seconds: float) -> str:
    """Format a duration: 42 s, 3 min 20 s, 1 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
