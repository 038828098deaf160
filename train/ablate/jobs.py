"""Run experiments, several at a time, each as `dvc exp run` in a copy of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import IO

from curate.base.errors import UserError
from train.ablate.copies import FOLDER, Snapshot, collect
from train.ablate.grid import Experiment
from train.ablate.processes import end_processes, environment
from train.ablate.progress import Ended, Progress
from train.ablate.shared import Recipe
from train.experiments.log import reason_of_failure

# What DVC prints when it comes to a stage; one that it does not run has ended with that line.
_STAGE = re.compile(r"(Running stage|Stage) '([^']+)'")
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Jobs:
    """Runs experiments to their end, at most `jobs` at a time.

    `recipes` are, by experiment and stage, what a stage makes: of two experiments with the same
    recipe the second waits until the first has run that stage, and DVC then takes its output from
    the run cache. Threads follow the experiments; all else happens in the thread that calls `run`,
    to which they hand what they see.
    """

    def __init__(
        self,
        experiments: list[Experiment],
        jobs: int,
        snapshot: Snapshot,
        recipes: dict[str, dict[str, Recipe]],
        progress: Progress,
    ) -> None:
        self._waiting, self._jobs = list(experiments), jobs
        self._snapshot, self._recipes, self._progress = snapshot, recipes, progress
        self._ahead: dict[str, dict[str, Recipe]] = {}  # of what runs: stages not yet done
        self._stage: dict[str, str] = {}
        self._ended: dict[str, Ended] = {}
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = Event()

    def run(self) -> dict[str, Ended]:
        """Return by name what became of each; interrupted, end all that runs and pass it on."""
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                while self._waiting or self._ahead:
                    while len(self._ahead) < self._jobs and (experiment := self._next()):
                        self._start(experiment, pool)
                    if len(self._ahead) < self._jobs and self._waiting:
                        self._progress.hold()
                    self._progress.refresh()
                    try:
                        self._events.get(timeout=1)()
                    except Empty:
                        continue
            except BaseException:
                self._stop(pool)
                raise
        return self._ended

    def _next(self) -> Experiment | None:
        """Choose the first experiment no stage of which is being made, or about to be."""
        ahead = {recipe for stages in self._ahead.values() for recipe in stages.values()}
        for experiment in self._waiting:
            if ahead.isdisjoint(self._recipes[experiment.name].values()):
                return experiment
        return None

    def _start(self, experiment: Experiment, pool: ThreadPoolExecutor) -> None:
        self._waiting.remove(experiment)
        self._ahead[experiment.name] = dict(self._recipes[experiment.name])
        self._progress.begin(experiment.name)
        pool.submit(self._run, experiment).add_done_callback(
            lambda future: self._events.put(partial(self._end, experiment.name, future))
        )

    def _end(self, name: str, future: Future[Ended]) -> None:
        ended = future.result()
        del self._ahead[name]
        self._ended[name] = ended
        self._progress.end(name, ended)

    def _begin_stage(self, name: str, stage: str, runs: bool) -> None:
        """Note that an experiment has come to a stage: those before it are done."""
        self._ahead[name].pop(self._stage.get(name, ""), None)
        self._stage[name] = stage
        if runs:
            self._progress.begin_stage(name, stage)
        else:
            self._ahead[name].pop(stage, None)

    def _stop(self, pool: ThreadPoolExecutor) -> None:
        """End all that runs and remove the copies; a second signal does not cut this short."""
        before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
        try:
            self._stopping.set()
            end_processes(FOLDER)
            pool.shutdown()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _run(self, experiment: Experiment) -> Ended:
        """Run an experiment to its end; what fails here fails this one only."""
        began = time.monotonic()
        try:
            with self._snapshot.copy(experiment.name) as copy:
                code = self._reproduce(experiment, copy)
                if code == 0:
                    collect(copy, experiment.name)
            reason = _reason(code, log_of(experiment.name))
        except (UserError, OSError) as error:
            reason = [str(error)]
        return Ended("failed" if reason else "finished", time.monotonic() - began, reason)

    def _reproduce(self, experiment: Experiment, copy: Path) -> int:
        """Run an experiment in its copy, keep what it prints, and return its exit code."""
        command = [sys.executable, "-m", "dvc", "exp", "run", "-n", experiment.name]
        command += [word for override in experiment.overrides for word in ("-S", override)]
        with log_of(experiment.name).open("w", buffering=1, encoding="utf-8") as log:
            process = subprocess.Popen(
                command,
                cwd=copy,
                env=environment(copy),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C in the terminal reaches this process only
            )
            assert process.stdout is not None
            reader = Thread(target=self._read, args=(experiment.name, process.stdout, log))
            reader.start()
            if self._stopping.is_set():  # it began while the others were ended
                end_processes(copy)
            code = process.wait()
            end_processes(copy)  # what it left: a stage goes on when DVC is killed
            reader.join()
        return code

    def _read(self, name: str, output: IO[str], log: IO[str]) -> None:
        for line in output:
            log.write(line)
            if seen := _STAGE.match(line):
                runs = seen[1] == "Running stage"
                self._events.put(partial(self._begin_stage, name, seen[2], runs))


def log_of(name: str) -> Path:
    """Return where all that an experiment prints is kept."""
    return FOLDER / f"{name}.log"


def _reason(code: int, log: Path) -> list[str]:
    if code < 0:
        return [f"its process was ended from outside ({signal.Signals(-code).name})"]
    return reason_of_failure(log.read_text(encoding="utf-8").splitlines()) if code else []
