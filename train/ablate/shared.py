"""What experiments share: stages to run once before them, changes and paths that go along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from curate.base.errors import UserError
from curate.base.params import Parameters
from train.ablate.queue import git
from train.ablate.workers import environment


def shared_stages(changed: set[str]) -> list[str]:
    """List the stages that no experiment changes: neither they nor what they rest on use a key.

    They run in the workspace, once. DVC would find most of them in its run cache, but never one
    with a persistent output (frames), and two workers would both do what neither has done yet.
    """
    with Repo() as repo:
        touched = _touched(repo, changed)
        return sorted(one.addressing for one in repo.index.stages if one not in touched)


def repeated_stages(changed: set[str]) -> list[str]:
    """List the stages that each experiment runs anew even if all of them change it alike."""
    with Repo() as repo:
        touched = _touched(repo, changed)
        return sorted(one.addressing for one in touched if any(out.persist for out in one.outs))


def _touched(repo: Repo, changed: set[str]) -> list[Any]:
    graph = repo.index.graph  # from a stage to those that it rests on
    touched = [stage for stage in graph if _uses(stage, changed)]
    for stage in touched:  # it grows: what rests on a changed stage is changed too
        touched += [one for one in graph.predecessors(stage) if one not in touched]
    return touched


def _uses(stage: Any, keys: set[str]) -> bool:
    """Return whether a stage names one of these keys of params.yaml, or the whole file."""
    named = [dependency.params for dependency in stage.params]
    return bool(keys) and any(not some or keys & set(some) for some in named)


def outdated(stages: list[str]) -> list[str]:
    """List those of these stages, and what they rest on, that `dvc repro` would run."""
    if not stages:
        return []
    with Repo() as repo:
        return sorted(repo.status(targets=stages, with_deps=True))


def reproduce(stages: list[str]) -> None:
    """Run stages in the workspace, and see to it that git knows the dvc.lock that records them.

    Raises:
        UserError: one failed; DVC has said why.
    """
    command = [sys.executable, "-m", "dvc", "repro", *stages]
    if subprocess.run(command, stdout=sys.stderr, env=environment(), check=False).returncode:
        raise UserError(
            "a stage that all experiments share failed (see above); mend it, and run it again"
        )
    git("add", "--intent-to-add", "dvc.lock")  # experiments are given what git knows, only


def copied_paths(parameters: Parameters) -> list[str]:
    """List the paths among the parameters that a copy of the repository would lack.

    Experiments run in copies made of what git and DVC track; DVC copies other paths on request.
    """
    with Repo() as repo:
        outputs = [Path(out.fs_path) for out in repo.index.outs if out.protocol == "local"]
    found = []
    for text in (parameters.footage, parameters.backbone):
        path = Path(text)
        inside = path.exists() and path.resolve().is_relative_to(Path.cwd())
        known = {path.resolve(), *path.resolve().parents} & {out.resolve() for out in outputs}
        if inside and not path.is_absolute() and not known and not git("ls-files", "--", text):
            found.append(text)
    return found


def changes() -> list[str]:
    """List what is not committed but goes along into every experiment, dvc.lock aside."""
    return [path for path in git("diff", "--name-only", "HEAD").split("\n") if _is_of_note(path)]


def untracked() -> list[str]:
    """List the files that git neither tracks nor ignores: no experiment has them."""
    listed = git("ls-files", "--others", "--exclude-standard").split("\n")
    return [path for path in listed if _is_of_note(path)]


def changed_since(revision: str) -> list[str]:
    """List the tracked files that are otherwise now than in a commit, parameters aside."""
    listed = git("diff", "--name-only", "--diff-filter=M", revision).split("\n")
    return [path for path in listed if _is_of_note(path) and path != "params.yaml"]


def _is_of_note(path: str) -> bool:
    return bool(path) and path != "dvc.lock"
