"""Which experiments DVC has, and where each stands: finished, queued, running or failed.

The list is made of git's references and of the queue, not of `dvc.api.exp_show`: that reads every
experiment's files, fails altogether where a worker was stopped before its first task, and rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from natsort import natsorted

FINISHED = "finished"


@dataclass(frozen=True)
class Entry:
    """Where an experiment stands: its commit, its state, and why it failed."""

    revision: str
    state: str = FINISHED
    problem: str | None = None


def list_experiments(repo: Any, baseline: str | None) -> dict[str, Entry]:
    """List the experiments that start from the commit `baseline`, or all, in natural order."""
    from dvc.repo.experiments.utils import exp_refs_by_baseline

    revisions = None if baseline is None else {baseline}
    by_baseline = exp_refs_by_baseline(repo.scm, revisions)
    refs = [ref for group in by_baseline.values() for ref in group]
    found = {ref.name: Entry(repo.scm.get_ref(str(ref))) for ref in refs}
    # An experiment that failed and was then run again under its name has succeeded.
    found = {**_unfinished(repo, revisions), **found}
    return {name: found[name] for name in natsorted(found)}


def _unfinished(repo: Any, baselines: set[str] | None) -> dict[str, Entry]:
    """List what is queued, runs or failed; DVC remembers no failure outside its queue."""
    queue, aside = repo.experiments.celery_queue, repo.experiments.tempdir_queue
    running = "running, or its worker was stopped; 'dvc queue status' tells"
    found: dict[str, Entry] = {}
    for entries, state, problem in (
        ((entry for entry, _ in queue.iter_failed()), "failed", ""),
        (queue.iter_queued(), "queued", "queued; run it with 'dvc queue start'"),
        (queue.iter_active(), "running", running),
        (aside.iter_active(), "running", running),
    ):
        for entry in entries:
            if baselines is None or entry.baseline_rev in baselines:
                name = entry.name or entry.stash_rev[:7]
                said = problem or _failure(queue, entry.stash_rev, name)
                found[name] = Entry(entry.stash_rev, state, said)
    return found


def _failure(queue: Any, revision: str, name: str) -> str:
    """Return why a queued experiment failed: its stage's last line before DVC's error."""
    logs = f"all it said: 'dvc queue logs {name}'"
    process = queue.proc.get(revision)
    path = Path(process.stdout) if process and process.stdout else None
    if path is None or not path.is_file():
        return f"failed; {logs}"
    lines = [line.split("\r")[-1].strip() for line in path.read_text(errors="replace").splitlines()]
    errors = [place for place, line in enumerate(lines) if line.startswith("ERROR: ")]
    if not errors:
        return f"failed; {logs}"
    said = [line for line in lines[: errors[0]] if line and not line.startswith(("> ", "Running "))]
    error = lines[errors[0]].removeprefix("ERROR: ")
    return f"failed: {said[-1] if said else error}; {logs}"
