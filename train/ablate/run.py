"""Run a grid of experiments, each once, and return how they went."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from dvc.repo import Repo
from pydantic import ValidationError

from curate.base.errors import UserError
from curate.base.git import git
from curate.base.params import Parameters, load_parameters
from curate.base.paths import PARAMS
from curate.base.workers import terminated_as_exit
from train.ablate.copies import remove_leftovers, take_snapshot
from train.ablate.grid import Experiment, Grid
from train.ablate.jobs import Jobs, log_of
from train.ablate.lock import alone
from train.ablate.progress import Ended, Progress, Tell
from train.ablate.shared import (
    changed_since,
    changes,
    outdated,
    read_stages,
    reproduce,
    untracked,
    untracked_inputs,
)
from train.experiments.project import open_project


@dataclass
class Outcome:
    """What became of one experiment; `seconds` of a run that was seen, `reason` of a failure."""

    experiment: Experiment
    result: Literal["finished", "reused", "failed"]
    seconds: float | None = None
    reason: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path | None:
        """Where all that it printed is kept; None where it did not run."""
        return None if self.result == "reused" else log_of(self.experiment.name)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.experiment.name,
            "settings": self.experiment.settings,
            "result": self.result,
            "seconds": None if self.seconds is None else round(self.seconds),
            "reason": self.reason,
            "log": None if self.log is None else str(self.log),
        }


def ablate(
    grid: Grid, jobs: int, force: bool, tell: Tell, show: Tell | None, note: Tell
) -> list[Outcome]:
    """Run each experiment that has no result yet, and return what became of each.

    `tell` is given a line for each event, `show` what runs now, `note` what to look at. Interrupted
    or terminated, it ends what runs; called again, it runs what has no result yet.

    Raises:
        UserError: an experiment of a name here has other settings, or DVC cannot run.
    """
    with open_project(Path()) as repo, alone(Path(repo.root_dir)), terminated_as_exit():
        remove_leftovers()
        reused = _find_results(repo, grid.experiments, force, note)
        new = [experiment for experiment in grid.experiments if experiment.name not in reused]
        progress = Progress(len(new), jobs, tell, show)
        try:
            cache = Path(repo.cache.local_cache_dir)
            ended = _run(new, jobs, cache, progress, note) if new else {}
        except (KeyboardInterrupt, SystemExit):
            again = "the same command without --force" if force else "the same command"
            tell(progress.how_to_go_on(again))
            raise
    return [
        Outcome(experiment, *ended.get(experiment.name, ("reused",)))
        for experiment in grid.experiments
    ]


def _find_results(
    repo: Repo, experiments: list[Experiment], force: bool, note: Tell
) -> dict[str, str]:
    """Return the commits of the experiments that have a result already; none with `force`.

    Raises:
        UserError: one of the same name has other parameters.
    """
    by_name = {experiment.name: experiment for experiment in experiments}
    listed = repo.experiments.ls()[repo.scm.get_rev()]
    known = {name: revision for name, revision in listed if name in by_name}
    if force and known:
        repo.experiments.remove([*known])
        return {}
    for name, revision in known.items():
        _check_same(by_name[name], revision)
    edited = sorted({path for revision in known.values() for path in changed_since(revision)})
    if edited:
        note(
            f"{', '.join(known)}: finished before with other versions of {_some(edited)}; "
            "--force runs them again"
        )
    return known


def _check_same(experiment: Experiment, revision: str) -> None:
    existing = _parameters(revision)
    differences = [
        f"{key} {existing.get(key)}, here {value}"
        for key, value in load_parameters(PARAMS, **experiment.settings).model_dump().items()
        if existing.get(key) != value
    ]
    if differences:
        raise UserError(
            f"experiment '{experiment.name}' is there already with other settings "
            f"({', '.join(differences)}): --force replaces it, "
            f"'dvc exp rename {experiment.name} NEW-NAME' keeps it"
        )


def _parameters(revision: str) -> dict[str, Any]:
    """Read params.yaml as a commit has it; empty where there is none that is valid today."""
    try:
        return Parameters(**yaml.safe_load(git("show", f"{revision}:./{PARAMS}"))).model_dump()
    except (UserError, ValidationError, TypeError):
        return {}


def _run(
    new: list[Experiment], jobs: int, cache: Path, progress: Progress, note: Tell
) -> dict[str, Ended]:
    """Run in the workspace what experiments share, then each in a copy of its own."""
    written = load_parameters(PARAMS).model_dump()
    parameters = {
        experiment.name: load_parameters(PARAMS, **experiment.settings).model_dump()
        for experiment in new
    }
    stages = read_stages({k for p in parameters.values() for k in p if p[k] != written[k]})
    linked = untracked_inputs({p[k] for p in parameters.values() for k in ("footage", "backbone")})
    _note_what_they_run_with(linked, stages.repeated, note)
    if late := outdated(stages.shared):
        progress.tell(f"running in the workspace what all experiments share: {', '.join(late)}")
        reproduce(stages.shared)
    progress.tell(f"to run: {', '.join(parameters)}")
    recipes = {name: stages.recipes(values) for name, values in parameters.items()}
    return Jobs(new, jobs, take_snapshot(cache, linked), recipes, progress).run()


def _note_what_they_run_with(linked: list[str], repeated: list[str], note: Tell) -> None:
    if edited := changes():
        note(f"changes that are not committed are part of each experiment: {_some(edited)}")
    if lacking := untracked():
        note(f"experiments lack what git does not track ('git add' them): {_some(lacking)}")
    if linked:
        note(f"experiments read in place what neither git nor DVC tracks: {_some(linked)}")
    if repeated:
        note(
            f"every experiment runs {', '.join(repeated)} anew; a setting that all of them share "
            "is better put into params.yaml"
        )


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + more
