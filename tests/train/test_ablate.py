"""Ablations: which experiments a grid is, and that DVC's real queue runs each of them once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters, load_parameters
from tests.train.experiment_project import record_evaluation, record_fit
from train.ablate import workers as ablation_workers
from train.ablate.grid import STEPS, WITHOUT, Experiment, make_grid
from train.ablate.watch import reason_of_failure, spoken

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


def settings_of(experiment: Experiment) -> dict:
    """All parameters with which an experiment runs."""
    return load_parameters(PARAMS, **experiment.settings).model_dump()


def test_the_story_begins_with_nothing_and_ends_with_the_parameters():
    experiments = make_grid([], PARAMS).experiments
    assert [one.name for one in experiments] == [
        "all-frames",
        "capped",
        "capped-stride-5",
        "near-duplicates",
        "dropout",
        "augmentation",
        "lower-lr",
    ]
    assert settings_of(experiments[0]).items() >= WITHOUT.items()
    assert experiments[-1].settings == {}


def test_each_step_of_the_story_changes_its_own_parameters_only():
    experiments = make_grid([], PARAMS).experiments
    steps = zip(experiments, experiments[1:], STEPS.values(), strict=False)
    for before, after, keys in steps:
        old, new = settings_of(before), settings_of(after)
        assert {key for key in old if old[key] != new[key]} == set(keys)


def test_a_single_value_holds_in_every_step_and_a_step_ends_at_it():
    experiments = make_grid(["epochs=4", "stride=2"], PARAMS).experiments
    assert {settings_of(one)["epochs"] for one in experiments} == {4}
    assert [settings_of(one)["stride"] for one in experiments] == [1, 1, 2, 2, 2, 2, 2]
    assert experiments[2].name == "capped-stride-2"


def test_a_step_that_adds_nothing_is_left_out_and_said():
    grid = make_grid(["cap=0", "lr=0.01"], PARAMS)
    assert [one.name for one in grid.experiments] == [
        "all-frames",
        "stride-5",
        "near-duplicates",
        "dropout",
        "augmentation",
    ]
    assert grid.notes == [
        "step 'capped' is left out: it would add nothing (cap 0)",
        "step 'lower-lr' is left out: it would add nothing (lr 0.01)",
    ]
    assert {settings_of(one)["lr"] for one in grid.experiments} == {0.01}


def test_several_values_make_every_combination():
    experiments = make_grid(["lr=1e-3,0.0005", "dropout=0,0.50", "epochs=4"], PARAMS).experiments
    assert [(one.name, one.overrides) for one in experiments] == [
        ("lr-0.001_dropout-0", ["lr=0.001", "dropout=0", "epochs=4"]),
        ("lr-0.001_dropout-0.5", ["lr=0.001", "dropout=0.5", "epochs=4"]),
        ("lr-0.0005_dropout-0", ["lr=0.0005", "dropout=0", "epochs=4"]),
        ("lr-0.0005_dropout-0.5", ["lr=0.0005", "dropout=0.5", "epochs=4"]),
    ]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("units=[64],[32, 32]", ["units-64", "units-32-32"]),
        ("flip=true,false", ["flip-true", "flip-false"]),
        ("distance=-1,2", ["distance--1", "distance-2"]),
        ("footage=../a b,x.lock", ["footage-.-a-b", "footage-x.lock-"]),
        ("dropout=0,0.0,0.5", ["dropout-0", "dropout-0.5"]),
    ],
    ids=["lists", "booleans", "negative", "paths", "equal"],
)
def test_names_are_such_as_git_allows(given, names):
    experiments = make_grid([given], PARAMS).experiments
    assert [one.name for one in experiments] == names
    for name in names:
        subprocess.run(["git", "check-ref-format", f"refs/exps/00/0/{name}"], check=True)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["lrr=1"], "option: unknown parameter 'lrr': did you mean 'lr'?"),
        (["lr=0.1,2"], "option: lr: 2 is not allowed, must be less than or equal to 1 (learning"),
        (["flip=1"], "option: flip: 1 is not allowed, must be true or false (mirror half"),
        (["lr"], "-S lr: must be KEY=VALUE or KEY=VALUE,VALUE, as in lr=0.001,0.01"),
        (["lr=0.1,"], "-S lr: an empty value is not allowed; see params.yaml for what is"),
        (["lr=0.1", "lr=0.2"], "-S lr=0.2: lr is given twice; write lr=VALUE,VALUE"),
        (["footage=a b,a-b"], "would both be named 'footage-a-b'"),
        (["folds=3", "fold=1,9"], "fold: 9 is not allowed with folds: 3, must be 1 to 3"),
    ],
    ids=["key", "range", "type", "no-value", "empty", "twice", "one-name", "together"],
)
def test_bad_settings_are_one_sentence(given, sentence):
    with pytest.raises(UserError) as raised:
        make_grid(given, PARAMS)
    assert sentence in str(raised.value)


def test_the_reason_of_a_failure_is_what_the_program_said():
    log = [
        "Reproducing experiment 'x'",
        "Running stage 'fit':",
        "> train fit",
        "train: the training loss runs away",
        "ERROR: failed to reproduce 'fit': failed to run: train fit, exited with 2",
    ]
    assert reason_of_failure(log) == ["train: the training loss runs away"]
    assert reason_of_failure([*log[:3], "MemoryError", log[4]]) == ["MemoryError", log[4]]
    assert reason_of_failure([]) == ["it ended before it printed anything"]


def test_durations_are_said_as_one_does():
    assert [spoken(s) for s in (41.6, 200, 3900)] == ["42 s", "3 min 20 s", "1 h 05 min"]


DVC_YAML = """\
stages:
  frames:
    cmd: python tools/frames.py
    deps: [tools/frames.py]
    params: [seed]
    outs:
      - data/frames.txt:
          persist: true
  fit:
    cmd: python tools/fit.py
    deps: [tools/fit.py, measure.py, recorded, data/frames.txt]
    params: [lr, dropout, epochs]
    outs: [data/fit, data/evaluation]
metrics: [data/evaluation/metrics.json]
"""
FRAMES_PY = """\
import os
from pathlib import Path

Path("data/frames.txt").write_text("frames")
with Path(os.environ["NOTEBOOK"], "frames").open("a") as file:
    file.write("x")
"""
# The module that it imports lies beside the folder of this file: found only in the experiment's
# own copy, as workers have it.
FIT_PY = """\
import os, sys, time
from pathlib import Path

import yaml

import measure

notebook = Path(os.environ["NOTEBOOK"])
parameters = yaml.safe_load(Path("params.yaml").read_text())
with (notebook / "fits").open("a") as file:
    file.write(f"{parameters['dropout']} ")
while (notebook / "wait").exists():
    time.sleep(0.1)
if parameters["dropout"] == 0.9 and (notebook / "broken").exists():
    sys.exit("train: dropout 0.9 is too much")
measure.write()
"""
MEASURE_PY = """\
import shutil


def write():
    for name in ("fit", "evaluation"):
        shutil.copytree(f"recorded/{name}", f"data/{name}")
"""


class Project:
    """A small git and DVC repository of two stages, and what its stages note down outside it."""

    def __init__(self, root: Path, notebook: Path) -> None:
        self.root, self.notebook = root, notebook
        self._begun: list[subprocess.Popen[str]] = []
        self._environment = os.environ | {"NOTEBOOK": str(notebook), "NO_COLOR": "1"}
        self._environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `train ablate`."""
        code = "from train.cli.app import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "ablate", *arguments],
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._begun.append(process)
        return process

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run `train ablate` to its end; return its exit code and all that it printed."""
        process = self.begin(*arguments)
        said, _ = process.communicate()
        return process.returncode, said

    def fits(self) -> list[str]:
        """The dropout of each training that was begun, in order."""
        path = self.notebook / "fits"
        return path.read_text().split() if path.exists() else []

    def end(self) -> None:
        """End all that was begun here."""
        for process in self._begun:
            process.kill()
            process.wait()
        for worker in ablation_workers.living(self.queue):
            below = worker.children(recursive=True)
            for one in [worker, *below]:
                ablation_workers.kill(one)

    @property
    def queue(self) -> Path:
        """The folder of DVC's queue."""
        return self.root / ".dvc" / "tmp" / "exps" / "celery"


def _commit(root: Path, *commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), cwd=root, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make the repository; end the workers that the test leaves."""
    root, notebook = tmp_path / "project", tmp_path / "notebook"
    (root / "tools").mkdir(parents=True)
    (root / "data").mkdir()
    notebook.mkdir()
    (root / "data" / "README.md").write_text("outputs\n")
    (root / "params.yaml").write_text(PARAMS.read_text())
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "tools" / "frames.py").write_text(FRAMES_PY)
    (root / "tools" / "fit.py").write_text(FIT_PY)
    (root / "measure.py").write_text(MEASURE_PY)
    record_fit(root / "recorded" / "fit")
    record_evaluation(root / "recorded" / "evaluation")
    _commit(root, "git init", "git config user.name T", "git config user.email t@example.org")
    _commit(root, f"{sys.executable} -m dvc init", "git add .", "git commit -m first")
    made = Project(root, notebook)
    yield made
    made.end()


def _read_until(process: subprocess.Popen[str], line: str) -> None:
    """Read what a process prints up to a line; fails where it ends before."""
    assert process.stdout is not None
    while (said := process.stdout.readline()) != f"{line}\n":
        assert said, f"it ended without saying '{line}'"


def test_experiments_run_once_each_and_a_failure_says_why(project: Project):
    (project.notebook / "broken").touch()
    code, said = project.run("-S", "dropout=0,0.9,0.5", "-S", "epochs=2")
    assert code == 1
    assert "dropout-0.9 failed: train: dropout 0.9 is too much" in said
    assert "3 experiments, 1 failed" in said
    assert "comparison: 2 experiments" in said
    assert (project.root / "comparison" / "index.html").is_file()
    assert project.fits() == ["0", "0.9", "0.5"]
    assert (project.notebook / "frames").read_text() == "x"  # once, not once an experiment

    (project.notebook / "broken").unlink()
    code, said = project.run("-S", "dropout=0,0.9,0.5", "-S", "epochs=2", "--json")
    assert code == 0
    found = json.loads(said.splitlines()[-1])
    results = [one["result"] for one in found["experiments"]]
    assert results == ["reused", "finished", "reused"]
    assert len(found["comparison"]["experiments"]) == 3
    assert project.fits() == ["0", "0.9", "0.5", "0.9"]

    code, said = project.run("-S", "dropout=0,0.9", "-S", "epochs=3")
    assert code == 2
    assert said.startswith(
        "train: experiment 'dropout-0' is there already with other settings (epochs 2, here 3): "
        "--force replaces it, 'dvc exp rename dropout-0 NEW-NAME' keeps it"
    )


def test_an_interrupted_ablation_goes_on(project: Project):
    (project.notebook / "wait").touch()
    process = project.begin("-S", "dropout=0,0.5")
    _read_until(process, "dropout-0: runs")
    assert "another 'train ablate' is at work here" in project.run("-S", "dropout=0,0.5")[1]
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130
    assert "stopped: 2 experiments wait; run the same command to go on" in said
    assert ablation_workers.living(project.queue) == []

    (project.notebook / "wait").unlink()
    code, said = project.run("-S", "dropout=0,0.5")
    assert code == 0
    assert [project.fits().count(dropout) for dropout in ("0.5", "0.9")] == [1, 0]


def test_a_worker_that_dies_costs_one_experiment_only(project: Project):
    (project.notebook / "wait").touch()
    process = project.begin("-S", "dropout=0,0.5")
    _read_until(process, "dropout-0: runs")
    for worker in ablation_workers.living(project.queue):
        ablation_workers.kill(worker)
    (project.notebook / "wait").unlink()
    said, _ = process.communicate()
    assert process.returncode == 1
    assert "dropout-0 failed: its worker died: it was killed, or memory ran out" in said
    assert "dropout-0.5: finished" in said
    assert [path.name for path in project.queue.parent.glob("tmp*")] == []


def test_without_a_commit_nothing_can_run(project: Project, tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert Project(empty, empty).run() == (
        2,
        "train: no DVC repository here: run it where dvc.yaml lies\n",
    )
    _commit(empty, "git init", f"{sys.executable} -m dvc init")
    code, said = Project(empty, empty).run()
    assert code == 2
    assert said.startswith("train: experiments need a commit to begin from: 'git add .' and")


def test_a_dry_run_lists_and_queues_nothing(project: Project):
    code, said = project.run("-S", "lr=0.001,0.002", "--dry-run")
    assert code == 0
    assert "dvc exp run --queue -n lr-0.001 -S lr=0.001\n" in said
    assert "2 experiments, none queued" in said
    assert not project.queue.exists()


def test_the_defaults_of_the_model_are_the_end_of_the_story():
    assert settings_of(make_grid([], PARAMS).experiments[-1]) == Parameters().model_dump()
