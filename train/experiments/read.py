"""DVC's experiments by name, and what each left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.base import console
from curate.base.errors import UserError
from train.experiments.entries import FINISHED, Entry, list_experiments
from train.experiments.results import Results, read_parameters, read_results

WORKSPACE = "workspace"
_MOST_NAMES = 12  # names listed to one who mistyped one


@dataclass(frozen=True, eq=False)
class Experiment:
    """One experiment, branch, tag, commit, or the workspace, and what it left behind.

    `state` is finished, queued, running or failed; `results.problems` say what is missing and why.
    `revision` is its commit, None for the workspace; `baseline` is true for the commit that the
    experiments start from; `generated` where DVC made the name up.
    """

    name: str
    revision: str | None
    state: str
    baseline: bool
    generated: bool
    results: Results


def read_experiments(root: Path, names: Sequence[str] = ()) -> list[Experiment]:
    """Read what is named; without names the last commit, the workspace and its experiments.

    Names are of experiments, branches, tags or commits, or `workspace`; the order is theirs.
    Without names the workspace is left out where another says the same.

    Raises:
        UserError: no DVC project, no commit, no experiments, or a name that is none of these.
    """
    with _project(root) as repo:
        known = list_experiments(repo, None if names else repo.scm.get_rev())
        if names:
            chosen = [(name, _find(repo, name, known)) for name in dict.fromkeys(names)]
        else:
            if not known:
                raise UserError(_no_experiments(repo))
            head = Entry(repo.scm.get_rev())
            chosen = [(_branch(repo), head), (WORKSPACE, None), *known.items()]
        with console.progress("reading experiments", len(chosen)) as advance:
            found = []
            for name, entry in chosen:
                found.append(_experiment(repo, name, entry))
                advance(1)
    return found if names else _without_same_workspace(found)


@contextmanager
def _project(root: Path) -> Iterator[Any]:
    """Open the DVC project that `root` lies in."""
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import NoSCM, SCMError

    no_commit = (
        f"{root.resolve()}: DVC keeps experiments in git, and there is no commit; run 'git init', "
        "'git add .' and 'git commit' first"
    )
    try:
        repo = Repo(str(root))
    except SCMError:  # a project that was under git once, and is not now
        raise UserError(no_commit) from None
    except NotDvcRepoError:
        raise UserError(
            f"{root.resolve()}: no DVC project; go to the folder that holds dvc.yaml, or make one "
            "with 'git init' and 'dvc init'"
        ) from None
    with repo:
        if isinstance(repo.scm, NoSCM) or repo.scm.no_commits:
            raise UserError(no_commit)
        yield repo


def _find(repo: Any, name: str, known: dict[str, Entry]) -> Entry | None:
    """Find what a name means; None is the workspace.

    Raises:
        UserError: it means nothing, or more than one thing.
    """
    from dvc.scm import RevError, resolve_rev

    if name == WORKSPACE:
        return None
    if not name:
        raise UserError("an empty name is no experiment: check the variable that it came from")
    if name in known and known[name].state != FINISHED:
        return known[name]
    try:
        return Entry(resolve_rev(repo.scm, name))
    except RevError as error:
        if "ambiguous" in str(error):
            raise UserError(
                f"{name}: experiments of several commits have this name; give its commit instead"
            ) from None
    listed = list(known)[:_MOST_NAMES]
    more = f" and {len(known) - len(listed)} more" if len(known) > len(listed) else ""
    experiments = f"experiments are {', '.join(listed)}{more}" if known else "there is none yet"
    raise UserError(
        f"{name}: no experiment, branch, tag or commit of that name; {experiments}; "
        f"the branch is {_branch(repo)}"
    )


def _no_experiments(repo: Any) -> str:
    others = list(list_experiments(repo, None))[:_MOST_NAMES]
    start = f"no experiments start from the last commit ({repo.scm.get_rev()[:7]}, {_branch(repo)})"
    run = "run one with 'dvc exp run -S lr=0.001'"
    return f"{start}; {run}" + (f", or name some of {', '.join(others)}" if others else "")


def _branch(repo: Any) -> str:
    """Name the branch of the last commit, or the commit where no branch is checked out."""
    reference = repo.scm.get_ref("HEAD", follow=False) or ""
    if reference.startswith("refs/heads/"):
        return str(reference.removeprefix("refs/heads/"))
    return str(repo.scm.get_rev())[:7]


def _experiment(repo: Any, name: str, entry: Entry | None) -> Experiment:
    from dvc.api import DVCFileSystem
    from scmrepo.exceptions import SCMError

    revision = entry.revision if entry else None
    state = entry.state if entry else FINISHED
    try:
        files = DVCFileSystem(repo.root_dir, rev=revision)
        results = read_results(files) if state == FINISHED else Results(read_parameters(files))
    except SCMError:  # git has thrown the commit of an old failure away
        results = Results()
    if entry and entry.problem:
        results.problems = [entry.problem]
    baseline = revision == repo.scm.get_rev()
    return Experiment(name, revision, state, baseline, is_generated(name), results)


def is_generated(name: str) -> bool:
    """Whether DVC made a name up: an adjective and a noun, as in "umber-moll"."""
    from dvc.repo.experiments.utils import gen_random_name

    # The words stand inside that function; a name like "lower-rate" is not made of them.
    lists = [words for words in gen_random_name.__code__.co_consts if isinstance(words, tuple)]
    parts = name.split("-")
    return len(parts) == 2 and all(any(part in words for words in lists) for part in parts)


def _without_same_workspace(found: list[Experiment]) -> list[Experiment]:
    """Leave the workspace out where it holds what another one does: the last one run leaves it."""
    workspace = next(one for one in found if one.name == WORKSPACE)
    same = any(
        one.results.parameters == workspace.results.parameters
        and one.results.gap == workspace.results.gap
        and one.results.scores == workspace.results.scores
        for one in found
        if one is not workspace and one.state == FINISHED
    )
    return [one for one in found if one is not workspace or not same]
