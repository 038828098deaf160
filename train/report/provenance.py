"""Where a report comes from: the code's commit, the data's hashes, the commands that repeat it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.filesize import decimal

from curate.base.errors import UserError
from curate.base.git import git
from curate.base.params import Parameters, format_setting
from curate.viz.html import Table

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

# Committing dvc.lock records a run and changes no code: a report made after it is the same.
_NOT_LOCK = (".", ":(exclude)dvc.lock")
_CHANGED = "changed since, by something else than 'dvc repro'"


@dataclass(frozen=True)
class Code:
    """The commit that holds the code, None without git; whether tracked files differ from it;
    and its params.yaml, None where it has none that can be read."""

    commit: str | None
    changed: bool = False
    settings: dict[str, Any] | None = None


def read_code(project: Path) -> Code:
    """Ask git for the last commit in `project` that changed anything but dvc.lock."""
    commit = _ask(project, "log", "-1", "--format=%H", "--", *_NOT_LOCK)
    if not commit:
        return Code(None)
    changed = _ask(
        project,
        "--no-optional-locks",
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        *_NOT_LOCK,
        ":(exclude)params.yaml",
    )
    return Code(commit, bool(changed), _settings(_ask(project, "show", f"{commit}:./params.yaml")))


def _ask(project: Path, *command: str) -> str | None:
    """Return what git prints; None without git, a repository or such an object."""
    try:
        return git(*command, folder=project)
    except UserError:
        return None


def _settings(text: str | None) -> dict[str, Any] | None:
    try:
        content = yaml.safe_load(text) if text else None
    except yaml.YAMLError:
        return None
    return content if isinstance(content, dict) else None


def format_code(code: Code) -> str:
    """Describe which code made the report."""
    if code.commit is None:
        return "Code: not under git, or not committed yet; the versions below are all that is known"
    if code.changed:
        return f"Code: commit {code.commit}, with uncommitted changes that it does not hold"
    return f"Code: commit {code.commit}"


def commands(code: Code, parameters: Parameters) -> list[str]:
    """List the commands that make the report again, from the commit and the settings beside it."""
    ours = parameters.model_dump()
    base = Parameters().model_dump() if code.settings is None else code.settings
    differing = [key for key, value in ours.items() if key not in base or base[key] != value]
    other = [f"-S {shlex.quote(format_setting(key, ours[key]))}" for key in differing]
    checkout = [f"git checkout {code.commit}"] if code.commit else []
    install = "pip install -c constraints.txt -e ."
    run = " ".join(["dvc exp run report", *other]) if other else "dvc repro report"
    return [*checkout, install, run]


def data_table(project: Path, footage: str, read: list[Path]) -> Table | None:
    """List the data's hashes as dvc.lock has them, the footage first; None where there is none.

    What the report has `read` is compared with the record, and a column tells where they differ.
    The report's own entry, which is older than the report, is left out.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(project)) as repo:
            recorded = _recorded(repo, project, footage)
            # DVC remembers the hash of what has not been touched: it is not read again.
            rows = [_row(entry, Path(entry.def_path) in read) for entry in recorded]
    except DvcException:  # no DVC project, or one that DVC cannot read either
        return None
    if not rows:
        return None
    columns = ["data", "md5 (of a folder: DVC's)", "files", "size"]
    if any(row[-1] for row in rows):
        columns.append("now")
    return Table("Data, as dvc.lock records it", columns, [row[: len(columns)] for row in rows])


def _recorded(repo: Repo, project: Path, footage: str) -> list[Output]:
    """List what dvc.lock has a hash of: the footage, and each stage's outputs in dvc.yaml's order.

    Of stages in `project` itself, not of pipelines in folders below it.
    """
    pipeline = str(project.resolve() / "dvc.yaml")
    stages = [s for s in repo.index.stages if s.path == pipeline and s.name != "report"]
    data = [dep for stage in stages for dep in stage.deps if dep.def_path == footage]
    data += chain.from_iterable(stage.outs for stage in stages)
    return list({entry.def_path: entry for entry in data if entry.hash_info}.values())


def _row(entry: Output, compare: bool) -> list[str]:
    changed = compare and entry.workspace_status()
    size = decimal(entry.meta.size or 0)
    files = f"{entry.meta.nfiles or 1:,}"
    return [entry.def_path, entry.hash_info.value, files, size, _CHANGED if changed else ""]
