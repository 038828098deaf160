"""dvc.yaml, params.yaml, the README and the code say the same."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from curate.base.params import STAGES as STAGE_MODELS
from curate.base.params import Parameters, load_parameters
from curate.viz.style import PROBES
from tests.repository import commit, run, start

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = PIPELINE["stages"]


def test_the_parameter_file_holds_the_defaults():
    assert load_parameters(ROOT / "params.yaml") == Parameters()


def test_every_parameter_is_in_the_file_with_a_comment():
    lines = (ROOT / "params.yaml").read_text().splitlines()
    commented = [m.group(1) for line in lines if (m := re.match(r"(\w+):.*\S +# \S", line))]
    assert commented == list(Parameters.model_fields)


@pytest.mark.parametrize("name", STAGES)
def test_a_stages_name_is_its_command_and_its_folder_or_file(name):
    program, command = STAGES[name]["cmd"].split()[:2]
    assert command == name
    assert {f"{program}/{name}", f"{program}/{name}.py"} & set(STAGES[name]["deps"])
    assert STAGES[name]["desc"]


@pytest.mark.parametrize("name", [name for name in STAGES if name != "report"])
def test_a_stage_names_just_the_parameters_of_its_model(name):
    """Its code sees no others (mypy holds it to the model), so a change of one re-runs it."""
    assert set(STAGES[name]["params"]) == set(STAGE_MODELS[name].model_fields)


def test_every_parameter_is_some_stages():
    named = {key for model in STAGE_MODELS.values() for key in model.model_fields}
    assert named == set(Parameters.model_fields)
    assert STAGES["report"]["params"] == [{"params.yaml": None}]


def test_ci_runs_the_readmes_test_command():
    tests = "pytest -n 2 --dist worksteal"
    readme = (ROOT / "README.md").read_text()
    (command,) = [line for line in readme.splitlines() if line.endswith(tests)]
    checks = {"ruff check .", "ruff format --check .", "mypy", "lint-imports", tests}
    assert checks <= {*command.split(" && ")}
    assert f'grep -m1 "{tests}$" README.md' in (ROOT / ".ci" / "run").read_text()


def test_no_file_names_a_registry_or_a_machine():
    pattern = re.compile(r"https?://[^\s\"']*/simple\b|(?<![\w.])/(?:home|root|work)/\w")
    suffixes = {".py", ".toml", ".txt", ".yaml", ".md", ".html", ""}
    files = [
        path
        for folder in (".", "curate", "framewise", "train", "tests", ".ci", "docs")
        for path in (ROOT / folder).glob("*" if folder == "." else "**/*")
        if path.is_file()
        and path.suffix in suffixes
        and path not in (Path(__file__), ROOT / ".git")
    ]
    assert len(files) > 50
    assert [str(p) for p in files if pattern.search(p.read_text(errors="ignore"))] == []


def test_files_that_python_compiles_do_not_make_a_stage_run_again(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "stage.py").touch()
    stage = {"cmd": "echo run >> runs && touch output", "deps": ["code"], "outs": ["output"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"stage": stage}}))
    start(tmp_path)
    shutil.copy(ROOT / ".dvcignore", tmp_path)
    compiled = tmp_path / "code" / "__pycache__" / "stage.cpython-311.pyc"
    for file, runs in ((None, 1), (compiled, 1), (tmp_path / "code" / "other.py", 2)):
        if file:
            file.parent.mkdir(exist_ok=True)
            file.touch()
        run(tmp_path, "dvc", "repro", "-q")
        assert (tmp_path / "runs").read_text() == "run\n" * runs


def printed_json(folder, *command):
    """Run a command of DVC that prints JSON, in a process of its own."""
    words = [sys.executable, "-m", "dvc", *command, "--json"]
    return json.loads(subprocess.run(words, cwd=folder, capture_output=True, check=True).stdout)


def write_outputs(folder, gap, share):
    """Write what the declared metrics and plots are read from, as fit and evaluate do."""
    files = {
        "fit/metrics.json": json.dumps({"gap": gap, "share_people": share}),
        "evaluation/summary.json": json.dumps({"natural_f1": 0.5}),
        "fit/probes.csv": "epoch,seen,unseen,dropped,moments,people\n"
        f"0.25,0.5,0.6,0.6,0.7,{gap}\n1,0.4,,0.5,0.7,0.8\n",
        "fit/history.csv": "epoch,loss,learning_rate\n1,0.5,0.1\n2,0.4,0.1\n",
        "evaluation/per_action_unit.csv": "split,action_unit,precision,recall\n"
        "validation,AU2,0.5,0.6\nvalidation,AU12,,0\nvalidation_balanced,AU2,0.7,0.8\n",
    }
    for name, text in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(scope="module")
def two_revisions(tmp_path_factory):
    """A repository of the declared metrics and plots: a commit, and other figures since."""
    folder = tmp_path_factory.mktemp("repository")
    start(folder)
    shutil.copytree(ROOT / ".dvc" / "plots", folder / ".dvc" / "plots")
    plots = [plot for plot in PIPELINE["plots"] if isinstance(plot, dict)]
    declared = {"metrics": PIPELINE["metrics"], "plots": plots}
    (folder / "dvc.yaml").write_text(yaml.safe_dump(declared))
    write_outputs(folder, 0.9, 0.4)
    commit(folder, "first")
    write_outputs(folder, 0.25, None)
    return folder


def test_dvc_sets_metrics_side_by_side_even_where_a_share_is_gone(two_revisions):
    changed = printed_json(two_revisions, "metrics", "diff")["data/fit/metrics.json"]
    assert changed["gap"] == {"old": 0.9, "new": 0.25, "diff": -0.65}
    assert changed["share_people"] == {"old": 0.4, "new": None}


def test_dvc_tells_probes_and_revisions_apart(two_revisions):
    plots = printed_json(two_revisions, "plots", "diff", "HEAD", "workspace")["data"]
    specs = {name: drawn[0]["content"] for name, drawn in plots.items()}
    assert [name for name in specs if "<DVC_METRIC" in json.dumps(specs[name])] == []
    probes, units = specs["probes"], specs["precision and recall"]
    assert {row["rev"] for row in probes["data"]["values"]} == {"HEAD", "workspace"}
    assert {row["field"] for row in probes["data"]["values"]} == set(PROBES)
    # An empty cell is no zero: DVC hands it on as text.
    assert "datum['dvc_inferred_y_value'] !== ''" in probes["transform"][0]["filter"]
    scale = probes["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == PROBES
    assert probes["layer"][0]["encoding"]["strokeDash"]["field"] == "rev"
    assert units["encoding"]["color"]["scale"]["domain"] == ["precision", "recall"]
    assert units["encoding"]["shape"]["field"] == "rev"
