"""DVC's experiments by name, and what each left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curate.base import console
from curate.base.errors import UserError
from train.experiments.entries import FINISHED, Entry, list_finished, list_unfinished
from train.experiments.project import branch, open_project
from train.experiments.results import Results, read_parameters, read_results

if TYPE_CHECKING:
    from dvc.repo import Repo
    from fsspec import AbstractFileSystem

WORKSPACE = "workspace"
_MOST_NAMES = 12  # names listed to who mistypes one


@dataclass(frozen=True, eq=False)
class Experiment:
    """One experiment, branch, tag, commit, or the workspace, and what it left behind.

    `state` is finished, queued, running or failed; `results.problems` say what is missing and why.
    `revision` is its commit, None for the workspace; `baseline` is true for the commit that the
    experiments start from.
    """

    name: str
    revision: str | None
    state: str
    baseline: bool
    results: Results


def read_experiments(root: Path, names: Sequence[str] = ()) -> list[Experiment]:
    """Read what is named; without names the last commit, the workspace and its experiments.

    Names are of experiments, branches, tags or commits, or `workspace`; the order is theirs.
    Without names the workspace is left out where another says the same.

    Raises:
        UserError: no DVC project, no commit, no experiments, or a name that is none of these.
    """
    with open_project(root) as repo:
        entries = {name: _find(repo, name) for name in names} if names else _list_all(repo)
        experiments = []
        with console.progress("reading experiments", len(entries)) as advance:
            for name, entry in entries.items():
                experiments.append(_read(repo, name, entry))
                advance(1)
    return experiments if names else _without_same_workspace(experiments)


def _list_all(repo: Repo) -> dict[str, Entry | None]:
    """List the last commit, the workspace, and the experiments that start from that commit."""
    # An experiment that failed and was then run again under its name has succeeded.
    experiments = {**list_unfinished(repo), **list_finished(repo)}
    if experiments:
        return {branch(repo): Entry(repo.scm.get_rev()), WORKSPACE: None, **experiments}
    others = list(list_finished(repo, all_commits=True))[:_MOST_NAMES]
    raise UserError(
        f"no experiments start from the last commit ({repo.scm.get_rev()[:7]}, {branch(repo)}); "
        "run one with 'dvc exp run -S lr=0.001'"
        + (f", or name some of {', '.join(others)}" if others else "")
    )


def _find(repo: Repo, name: str) -> Entry | None:
    """Find what a name means; None is the workspace.

    Raises:
        UserError: it means nothing, or more than one thing.
    """
    from dvc.scm import RevError, resolve_rev

    if name == WORKSPACE:
        return None
    if not name:
        raise UserError("an empty name is no experiment: check the variable that it came from")
    try:
        return Entry(resolve_rev(repo.scm, name))
    except RevError as error:
        if "ambiguous" in str(error):
            raise UserError(
                f"{name}: experiments of several commits have this name; give its commit instead"
            ) from None
    unfinished = list_unfinished(repo)
    if name in unfinished:
        return unfinished[name]
    known = [*unfinished, *list_finished(repo, all_commits=True)]
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    listed = f"experiments are {', '.join(known[:_MOST_NAMES])}{more}"
    raise UserError(
        f"{name}: no experiment, branch, tag or commit of that name; "
        f"{listed if known else 'there is none yet'}; the branch is {branch(repo)}"
    )


def _read(repo: Repo, name: str, entry: Entry | None) -> Experiment:
    from scmrepo.exceptions import SCMError

    revision = entry.revision if entry else None
    state = entry.state if entry else FINISHED
    try:
        files = _files(repo, revision)
        results = read_results(files) if state == FINISHED else Results(read_parameters(files))
    except SCMError:  # git has thrown the commit of an old failure away
        results = Results()
    if entry and entry.problem:
        results.problems = [entry.problem]
    return Experiment(name, revision, state, revision == repo.scm.get_rev(), results)


def _files(repo: Repo, revision: str | None) -> AbstractFileSystem:
    """Open the project's files at a revision, or those of the workspace, by their paths in it."""
    from dvc.api import DVCFileSystem
    from fsspec.implementations.dirfs import DirFileSystem

    if revision is None:
        return DVCFileSystem(repo.root_dir)
    files = DVCFileSystem(repo.root_dir, rev=revision, subrepos=True)
    below = Path(repo.root_dir).relative_to(repo.scm.root_dir)  # a commit begins where git does
    return DirFileSystem(below.as_posix(), files)


def _without_same_workspace(experiments: list[Experiment]) -> list[Experiment]:
    """Leave the workspace out where it holds what another one does: the last one run leaves it."""
    (workspace,) = (each for each in experiments if each.name == WORKSPACE)
    others = [each for each in experiments if each is not workspace]
    measured = [_measured(each) for each in others if each.state == FINISHED]
    return others if _measured(workspace) in measured else experiments


def _measured(experiment: Experiment) -> tuple[object, ...]:
    results = experiment.results
    return results.parameters, results.gap, results.scores
