"""Which experiments DVC has, and where each stands: finished, queued, running or failed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from natsort import natsorted

from train.experiments.log import reason_of_failure

if TYPE_CHECKING:
    from dvc.repo import Repo

FINISHED = "finished"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """Where an experiment stands: its commit, its state, and why it has no result."""

    revision: str
    state: str = FINISHED
    problem: str | None = None


def list_finished(repo: Repo, *, all_commits: bool = False) -> dict[str, Entry]:
    """List in natural order the experiments that start from the last commit, or from any."""
    by_commit = repo.experiments.ls(all_commits=all_commits)
    revisions = {name: revision for pairs in by_commit.values() for name, revision in pairs}
    return {name: Entry(revisions[name]) for name in natsorted(revisions)}


def list_unfinished(repo: Repo) -> dict[str, Entry]:
    """List what is queued, runs or failed of the experiments that start from the last commit.

    DVC remembers only those failures that its queue ran. Where it cannot read its queue, as after
    a worker was killed, a warning is logged and nothing is listed.
    """
    from dvc.exceptions import DvcException

    try:
        (baseline,) = repo.experiments.show(hide_workspace=True)
    except (DvcException, OSError) as error:
        _LOG.warning("DVC's queue is left out: %s; 'dvc queue remove --all' empties it", error)
        return {}
    entries = {}
    for experiment in baseline.experiments or ():
        state = experiment.executor.state if experiment.executor else "success"
        if state != "success":
            revision = experiment.revs[0].rev
            name = experiment.name or revision[:7]
            log = experiment.executor.local.log if experiment.executor.local else None
            entries[name] = Entry(revision, state, _problem(name, state, log))
    return entries


def _problem(name: str, state: str, log: str | None) -> str:
    if state == "queued":
        return "queued; run it with 'dvc queue start'"
    if state == "running":
        return "running, or its worker was stopped: see 'dvc queue status'"
    where = f"its log: 'dvc queue logs {name}'"
    if not log or not Path(log).is_file():
        return f"failed; {where}"
    lines = Path(log).read_text(errors="replace").splitlines()
    return f"failed: {reason_of_failure(lines)[-1]}; {where}"
