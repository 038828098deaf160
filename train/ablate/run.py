"""Run a grid of experiments on DVC's queue, each once, and tell how they went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from curate.base.errors import UserError
from curate.base.params import load_parameters
from curate.base.paths import PARAMS
from train.ablate.grid import Experiment, Grid
from train.ablate.queue import Entry, Queue
from train.ablate.shared import (
    changed_since,
    changes,
    copied_paths,
    outdated,
    repeated_stages,
    reproduce,
    shared_stages,
    untracked,
)
from train.ablate.watch import Watch

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What became of one experiment; `seconds` of a run that was seen, `reason` of a failure."""

    experiment: Experiment
    result: Literal["finished", "reused", "failed"]
    seconds: float | None = None
    reason: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.experiment.name,
            "settings": self.experiment.settings,
            "result": self.result,
            "seconds": None if self.seconds is None else round(self.seconds),
            "reason": self.reason,
        }


def ablate(grid: Grid, jobs: int, force: bool, tell: Say, show: Say, note: Say) -> list[Outcome]:
    """Queue what has not run yet, run it, and return what became of each experiment.

    `tell` is given a line for each event, `show` what goes on now, `note` what to look at. Ended
    by Ctrl-C, it ends what runs; a second call goes on with what waits.

    Raises:
        UserError: an experiment of a name here has other settings, or DVC cannot run.
    """
    queue = Queue()
    copied = copied_paths(load_parameters(PARAMS))
    by_name = {one.name: one for one in grid.experiments}
    with queue.alone():
        _check_workers(queue, jobs)
        waiting, reused = _sort(grid.experiments, queue, force, note)
        there = queue.entries()
        _note_others(there, by_name, note)
        _add([one for one in waiting if one.name not in there], queue, copied, tell, note)
        watch = Watch(
            queue,
            names=[one.name for one in waiting],
            jobs=jobs,
            add=lambda name: queue.add(by_name[name], copied),
            tell=tell,
            show=show,
        )
        ended = watch.run()
    return [
        Outcome(one, "reused") if one in reused else Outcome(one, *ended[one.name])
        for one in grid.experiments
    ]


def _check_workers(queue: Queue, jobs: int) -> None:
    count = len(queue.workers())
    if count > jobs:
        raise UserError(
            f"{count} workers of DVC's queue are at work already, more than --jobs {jobs}: "
            f"'dvc queue stop' lets them end, --jobs {count} uses them"
        )


def _sort(
    experiments: list[Experiment], queue: Queue, force: bool, note: Say
) -> tuple[list[Experiment], list[Experiment]]:
    """Part the experiments into those to wait for and those whose result is there already.

    What failed, what a dead worker left and, with `force`, everything is taken out to run again.
    """
    entries = queue.entries()
    if not force:
        for one in experiments:
            _check_same(one, entries.get(one.name), queue)
    for one in experiments:
        if one.name in entries:
            _clear(one.name, entries[one.name], queue, force)
    entries = queue.entries()
    reused = [
        one for one in experiments if one.name in entries and entries[one.name].state == "finished"
    ]
    _note_reused(reused, entries, note)
    return [one for one in experiments if one not in reused], reused


def _clear(name: str, entry: Entry, queue: Queue, force: bool) -> None:
    """Take an experiment out of DVC that is to run again."""
    at_work = entry.state in ("taken", "running")
    if at_work and not force and queue.workers():
        return
    if at_work:
        queue.end(name)
    if at_work or force or entry.state == "failed":
        queue.remove(name, "failed" if at_work else entry.state)


def _check_same(one: Experiment, entry: Entry | None, queue: Queue) -> None:
    """Refuse an experiment of the same name whose parameters are others.

    Raises:
        UserError: it is so; one that failed does not count.
    """
    if entry is None or entry.state == "failed":
        return
    there = queue.parameters(entry.revision)
    wanted = load_parameters(PARAMS, **one.settings).model_dump()
    other = [key for key in wanted if there.get(key) != wanted[key]]
    if other:
        said = ", ".join(f"{key} {there.get(key)}, here {wanted[key]}" for key in other)
        raise UserError(
            f"experiment '{one.name}' is there already with other settings ({said}): --force "
            f"replaces it, 'dvc exp rename {one.name} NEW-NAME' keeps it"
        )


def _note_reused(reused: list[Experiment], entries: dict[str, Entry], note: Say) -> None:
    others = sorted({path for one in reused for path in changed_since(entries[one.name].revision)})
    if others:
        note(
            f"{_names(reused)}: finished before with other versions of {_some(others)}; "
            "--force runs them again"
        )


def _note_others(entries: dict[str, Entry], ours: dict[str, Experiment], note: Say) -> None:
    others = [name for name, e in entries.items() if e.state == "queued" and name not in ours]
    if others:
        note(f"DVC's queue holds other experiments, and its workers run them too: {_some(others)}")


def _add(new: list[Experiment], queue: Queue, copied: list[str], tell: Say, note: Say) -> None:
    """Run what the new experiments share, then queue each."""
    if not new:
        return
    if changes():
        note(f"changes that are not committed are part of each experiment: {_some(changes())}")
    if untracked():
        note(f"experiments lack what git does not track ('git add' them): {_some(untracked())}")
    if copied:
        note(
            f"copied for each experiment, as neither git nor DVC tracks it: {_some(copied)}; "
            "'dvc add' spares that"
        )
    written = load_parameters(PARAMS).model_dump()
    changed = {key for one in new for key, value in one.settings.items() if value != written[key]}
    again = repeated_stages(changed)
    if again:
        note(
            f"every experiment runs {', '.join(again)} anew; a setting that all of them share is "
            "better put into params.yaml"
        )
    stages = shared_stages(changed)
    late = outdated(stages)
    if late:
        tell(f"running in the workspace what all experiments share: {', '.join(late)}")
        reproduce(stages)
    for one in new:
        queue.add(one, copied)
    tell(f"queued: {_names(new)}")


def _names(experiments: list[Experiment]) -> str:
    return ", ".join(one.name for one in experiments)


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + more
