"""dvc.yaml's code dependencies are exact: each stage's imports, no file less and no folder more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
BASE = ROOT / "curate" / "base"
PACKAGES = ("curate", "train")


def home(program: str, stage: str) -> Path:
    """Find where a stage's code begins: its folder's stage.py, or its file."""
    return next(
        path
        for path in (ROOT / program / stage / "stage.py", ROOT / program / f"{stage}.py")
        if path.exists()
    )


def imported(file: Path) -> set[Path]:
    """List the project's files that a file imports, also within functions.

    The sources of footage are loaded by name (`curate.sources`): their folder counts as a whole.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    found = set()
    for name in sorted(names):
        path = ROOT.joinpath(*name.split("."))
        if name.partition(".")[0] in PACKAGES and name not in PACKAGES:
            found |= {p for p in (path.with_suffix(".py"), path / "__init__.py") if p.exists()}
    if ROOT / "curate" / "sources" / "__init__.py" in found:
        found |= set((ROOT / "curate" / "sources").glob("*.py"))
    return found


def closure(start: Path) -> set[Path]:
    """Follow imports from a file to all that it stands on, curate/base left out."""
    reached: set[Path] = set()
    open_files = [start]
    while open_files:
        file = open_files.pop()
        if file not in reached and BASE not in file.parents:
            reached.add(file)
            open_files += imported(file)
    return reached


def covers(dependency: str, file: Path) -> bool:
    path = ROOT / dependency
    return path == file or path in file.parents


def uncovered(stage: str, dependencies: list[str]) -> list[str]:
    """List the files of a stage's closure that its dependencies do not name."""
    program = STAGES[stage]["cmd"].split()[0]
    return sorted(
        file.relative_to(ROOT).as_posix()
        for file in closure(home(program, stage))
        if not any(covers(dependency, file) for dependency in dependencies)
    )


def code_of(stage: str) -> list[str]:
    return [dep for dep in STAGES[stage]["deps"] if dep.startswith(("curate/", "train/"))]


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_that_a_stage_imports_is_a_dependency(stage):
    assert uncovered(stage, code_of(stage)) == []


@pytest.mark.parametrize("stage", STAGES)
def test_every_dependency_is_reached(stage):
    files = closure(home(STAGES[stage]["cmd"].split()[0], stage))
    assert [dep for dep in code_of(stage) if not any(covers(dep, file) for file in files)] == []


@pytest.mark.parametrize(
    ("stage", "left_out", "missed"),
    [
        ("dedup", "curate/search", "curate/search/neighbors.py"),
        ("fit", "train/data.py", "train/data.py"),
        ("report", "curate/tables.py", "curate/tables.py"),
    ],
)
def test_a_dependency_left_out_is_missed(stage, left_out, missed):
    assert missed in uncovered(stage, [dep for dep in code_of(stage) if dep != left_out])
