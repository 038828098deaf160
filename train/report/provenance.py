"""Where a report comes from: the code's commit, the data's hashes, the commands that repeat it."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from curate.base.params import STAGES, Parameters, format_value
from curate.viz.html import Table

# Committing dvc.lock records a run and changes no code: a report made after it is the same.
_NOT_LOCK = (".", ":(exclude)dvc.lock")
_PLAIN = re.compile(r"[\w./+-]+")  # what an experiment's setting may hold without quotes
_SIZES = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Code:
    """The commit that holds the code, None without git; whether tracked files differ from it;
    and its params.yaml, None where it has none that can be read."""

    commit: str | None
    changed: bool = False
    settings: dict[str, Any] | None = None


def read_code(project: Path) -> Code:
    """Ask git for the last commit in `project` that changed anything but dvc.lock."""
    commit = _git(project, "log", "-1", "--format=%H", "--", *_NOT_LOCK)
    if not commit:
        return Code(None)
    changed = _git(
        project,
        "--no-optional-locks",
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        *_NOT_LOCK,
        ":(exclude)params.yaml",
    )
    return Code(commit, bool(changed), _settings(_git(project, "show", f"{commit}:./params.yaml")))


def _git(project: Path, *command: str) -> str | None:
    """Return what git prints; None without git, a repository or such an object."""
    try:
        done = subprocess.run(
            ["git", *command], cwd=project, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


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
    other = [f"-S {_setting(k, ours[k])}" for k in ours if k not in base or base[k] != ours[k]]
    checkout = [f"git checkout {code.commit}"] if code.commit else []
    install = "pip install -c constraints.txt -e ."
    run = " ".join(["dvc exp run report", *other]) if other else "dvc repro report"
    return [*checkout, install, run]


def _setting(key: str, value: object) -> str:
    """Write a setting for a shell, its value as Hydra reads it."""
    written = format_value(value)
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        written = json.dumps(value, ensure_ascii=False)
    return shlex.quote(f"{key}={written}")


def data_table(project: Path, footage: str, read: list[Path]) -> Table | None:
    """List the data's hashes as dvc.lock has them, the footage first; None where there is none.

    What the report has `read` is hashed again: where it differs from the record, that is said. The
    report's own entry, which is older than the report, is left out.
    """
    recorded = _recorded(project / "dvc.lock", footage)
    if not recorded:
        return None
    checked = {str(path) for path in read}
    rows = []
    for path, entry in recorded.items():
        stale = path in checked and dvc_md5(project / path) != entry["md5"]
        files = f"{entry.get('nfiles', 1):,}"
        state = "changed since, by something else than 'dvc repro'" if stale else ""
        rows.append([path, entry["md5"], files, _size(entry.get("size", 0)), state])
    columns = ["data", "md5 (of a folder: DVC's)", "files", "size"]
    if any(row[-1] for row in rows):
        columns.append("now")
    return Table("Data, as dvc.lock records it", columns, [row[: len(columns)] for row in rows])


def _recorded(lock: Path, footage: str) -> dict[str, dict[str, Any]]:
    """Map paths to what dvc.lock says of them: the footage, and each stage's outputs in order."""
    if not lock.is_file():
        return {}
    stages = (_settings(lock.read_text(encoding="utf-8")) or {}).get("stages") or {}
    entries = [
        entry
        for name, stage in sorted(stages.items(), key=_place)
        if name != "report"
        for entry in [
            *(dep for dep in stage.get("deps", []) if dep["path"] == footage),
            *stage.get("outs", []),
        ]
    ]
    return {entry["path"]: entry for entry in entries if "md5" in entry}


def _place(stage: tuple[str, Any]) -> tuple[int, str]:
    """Order stages as the pipeline does, not as dvc.lock happens to have been written."""
    order = list(STAGES)
    return (order.index(stage[0]) if stage[0] in order else len(order), stage[0])


def dvc_md5(path: Path) -> str:
    """Hash a file, or a folder as DVC does: the md5 of a list of its files' md5s, by path."""
    if not path.is_dir():
        return _md5(path) if path.is_file() else ""
    files = sorted((f.relative_to(path).as_posix(), f) for f in path.rglob("*") if f.is_file())
    listed = json.dumps([{"md5": _md5(f), "relpath": name} for name, f in files])
    return hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _size(size: float) -> str:
    power = 0
    while size >= 1000 and power < len(_SIZES) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.3g} {_SIZES[power]}"
