"""dvc.yaml, params.yaml, the README and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from curate.params import Parameters, load_parameters

ROOT = Path(__file__).resolve().parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def test_the_parameter_file_holds_the_defaults():
    assert load_parameters(ROOT / "params.yaml") == Parameters()


def test_every_parameter_is_in_the_file_with_a_comment():
    lines = (ROOT / "params.yaml").read_text().splitlines()
    commented = [m.group(1) for line in lines if (m := re.match(r"(\w+):.*\S +# \S", line))]
    assert commented == list(Parameters.model_fields)


@pytest.mark.parametrize("name", STAGES)
def test_a_stages_name_is_its_command_and_its_module(name):
    program, command = STAGES[name]["cmd"].split()[:2]
    assert command == name
    assert f"{program}/{name}.py" in STAGES[name]["deps"]
    assert STAGES[name]["desc"]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_code_that_is_there(name):
    code = [path for path in STAGES[name]["deps"] if path.startswith(("curate/", "train/"))]
    assert [path for path in code if not (ROOT / path).exists()] == []


def test_stages_name_parameters_that_are_there_and_none_is_forgotten():
    named = [key for stage in STAGES.values() for key in stage["params"] if isinstance(key, str)]
    assert set(named) == set(Parameters.model_fields)


@pytest.mark.parametrize("name", [n for n in STAGES if n != "report"])
def test_a_stage_reads_just_the_parameters_that_it_names(name):
    """Keys read in a stage's own code are named in dvc.yaml, so a change of one re-runs it."""
    files = [
        file
        for dep in STAGES[name]["deps"]
        if dep.startswith(("curate/", "train/"))
        for file in ([ROOT / dep] if dep.endswith(".py") else (ROOT / dep).rglob("*.py"))
    ]
    read = {m for file in files for m in re.findall(r"parameters\.(\w+)", file.read_text())}
    # Sources serve two stages: labels reads what concerns labels, frames what concerns clips.
    labels_only = {"positive_at", "frame_base", "image_offset", "confidence", "openface_columns"}
    expected = read & set(Parameters.model_fields) - (labels_only if name == "frames" else set())
    assert expected <= set(STAGES[name]["params"])


def test_ci_runs_the_readmes_test_command():
    readme = (ROOT / "README.md").read_text()
    found = [line for line in readme.splitlines() if line.endswith("pytest -n 2")]
    assert len(found) == 1
    assert 'grep -m1 "pytest -n 2$" README.md' in (ROOT / ".ci" / "run").read_text()


def test_no_file_names_a_registry_or_a_machine():
    pattern = re.compile(r"https?://[^\s\"']*/simple\b|(?<![\w.])/(?:home|root|work)/\w")
    suffixes = {".py", ".toml", ".txt", ".yaml", ".md", ".html", ""}
    files = [
        path
        for folder in (".", "curate", "train", "tests", ".ci", "docs")
        for path in (ROOT / folder).glob("*" if folder == "." else "**/*")
        if path.is_file() and path.suffix in suffixes and path != Path(__file__)
    ]
    assert len(files) > 50
    assert [str(p) for p in files if pattern.search(p.read_text(errors="ignore"))] == []
