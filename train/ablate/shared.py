"""What experiments share: stages to run once before them, and files that each of them needs."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from curate.base.errors import UserError
from curate.base.git import git
from train.ablate.processes import end_processes, environment

Recipe = tuple[
    Any, ...
]  # a stage, and the values of all that experiments change of what decides it


@dataclass(frozen=True)
class Stages:
    """The stages of the pipeline by the changed keys that decide each.

    A key decides a stage that uses it, and all stages that rest on that one. `repeated` have a
    persistent output: DVC's run cache never holds these.
    """

    deciding: dict[str, frozenset[str]]
    repeated: list[str]

    @property
    def shared(self) -> list[str]:
        """The stages that no experiment changes."""
        return sorted(name for name, keys in self.deciding.items() if not keys)

    def recipes(self, parameters: Mapping[str, Any]) -> dict[str, Recipe]:
        """Return by stage what it makes with these parameters: equal for equal outputs.

        Only of those stages that DVC's run cache spares the second experiment.
        """
        return {
            stage: (stage, *(f"{key}={parameters[key]}" for key in sorted(keys)))
            for stage, keys in self.deciding.items()
            if keys and stage not in self.repeated
        }


def read_stages(changed: set[str]) -> Stages:
    """Read from dvc.yaml which of the `changed` keys of params.yaml decide which stage."""
    deciding: dict[Any, frozenset[str]] = {}
    with Repo() as repo:
        graph = repo.index.graph  # from a stage to those that it rests on

        def decide(stage: Any) -> frozenset[str]:
            if stage not in deciding:
                before = map(decide, graph.successors(stage))
                deciding[stage] = _used(stage, changed).union(*before)
            return deciding[stage]

        repeated = [
            stage.addressing
            for stage in graph
            if decide(stage) and any(out.persist for out in stage.outs)
        ]
        return Stages({stage.addressing: keys for stage, keys in deciding.items()}, repeated)


def _used(stage: Any, keys: set[str]) -> frozenset[str]:
    """Return which of these keys of params.yaml a stage names; all, where it names the file."""
    named = [dependency.params for dependency in stage.params]
    return frozenset(key for key in keys if any(not some or key in some for some in named))


def outdated(stages: list[str]) -> list[str]:
    """List those of these stages, and what they rest on, that `dvc repro` would run."""
    if not stages:
        return []
    with Repo() as repo:
        return sorted(repo.status(targets=stages, with_deps=True))


def reproduce(stages: list[str]) -> None:
    """Run stages in the workspace; interrupted, they have ended when this returns.

    Raises:
        UserError: one failed; DVC has said why.
    """
    # Polars lets SIGINT restart a wait, so Ctrl-C would not be heard until all stages are done.
    signal.siginterrupt(signal.SIGINT, True)
    command = [sys.executable, "-m", "dvc", "repro", *stages]
    process = subprocess.Popen(
        command, stdout=sys.stderr, env=environment(Path.cwd()), start_new_session=True
    )
    try:
        failed = process.wait()
    except BaseException:
        end_processes(Path.cwd(), first=signal.SIGINT)  # as Ctrl-C ends `dvc repro` itself
        process.wait()
        raise
    if failed:
        raise UserError(
            "a stage that all experiments share failed (see above); fix it, and run it again"
        )


def untracked_inputs(paths: Iterable[str]) -> list[str]:
    """List those of these paths that a copy of the project would lack: it holds what is tracked."""
    with Repo() as repo:
        outputs = {
            Path(out.fs_path).resolve() for out in repo.index.outs if out.protocol == "local"
        }
    inputs = []
    for text in sorted(paths):
        path = Path(text)
        inside = path.exists() and path.resolve().is_relative_to(Path.cwd())
        known = outputs.intersection((path.resolve(), *path.resolve().parents))
        if inside and not path.is_absolute() and not known and not git("ls-files", "--", text):
            inputs.append(text)
    return inputs


def changes() -> list[str]:
    """List what is not committed but goes along into every experiment, dvc.lock aside."""
    return _of_note(git("diff", "--name-only", "HEAD"))


def untracked() -> list[str]:
    """List the files that git neither tracks nor ignores: no experiment has them."""
    return _of_note(git("ls-files", "--others", "--exclude-standard"))


def changed_since(revision: str) -> list[str]:
    """List the tracked files that are otherwise now than in a commit, parameters aside."""
    listed = _of_note(git("diff", "--name-only", "--diff-filter=M", revision))
    return [path for path in listed if path != "params.yaml"]


def _of_note(listed: str) -> list[str]:
    return [path for path in listed.split("\n") if path not in ("", "dvc.lock")]
