"""Ablations: which experiments a grid is, and that DVC runs each of them once, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters, load_parameters
from tests.train.experiment_project import record_evaluation, record_fit
from train.ablate.grid import STEPS, WITHOUT, Experiment, make_grid
from train.ablate.progress import Ended, Progress, format_duration
from train.experiments.log import reason_of_failure

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


def test_a_step_that_adds_nothing_is_left_out_with_a_note():
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


def test_the_reason_of_a_failure_is_the_sentence_of_its_program():
    log = [
        "Reproducing experiment 'x'",
        "Running stage 'fit':",
        "> train fit",
        "train: the training loss runs away",
        "ERROR: failed to reproduce 'fit': failed to run: train fit, exited with 2",
    ]
    assert reason_of_failure(log) == ["train: the training loss runs away"]
    assert reason_of_failure([*log[:3], "MemoryError", log[4]]) == ["MemoryError"]
    assert reason_of_failure([*log[:3], " 10%|\r 90%|\rlost it", log[4]]) == ["lost it"]
    assert reason_of_failure([*log[:3], log[4]]) == [log[4]]
    assert reason_of_failure([]) == ["it ended before it printed anything"]


def test_durations_are_formatted_as_people_write_them():
    assert [format_duration(s) for s in (41.6, 200, 3900)] == ["42 s", "3 min 20 s", "1 h 05 min"]


def test_progress_in_a_log_is_a_line_for_each_event():
    lines: list[str] = []
    progress = Progress(2, 1, lines.append, None)
    progress.begin("a")
    progress.begin_stage("a", "fit")
    progress.refresh()
    progress.end("a", Ended("failed", 130, ["train: no"]))
    assert lines == [
        "a: runs",
        "a (fit), 0 s",
        "a: FAILED in 2 min 10 s; 1 of 2 done; about 2 min 10 s left",
        "    train: no",
    ]


def test_progress_on_a_terminal_is_one_line_of_all_that_runs():
    lines: list[str] = []
    shown: list[str] = []
    progress = Progress(3, 2, lines.append, shown.append)
    progress.begin("a")
    progress.begin("b")
    progress.begin_stage("b", "fit")
    progress.refresh()
    assert lines == ["a: runs", "b: runs"]
    assert shown == ["a, 0 s; b (fit), 0 s; 0 of 3 done; 3 left"]


DVC_YAML = """\
stages:
  frames:
    cmd: python tools/frames.py
    deps: [tools/frames.py]
    params: [seed]
    outs:
      - data/frames.txt:
          persist: true
  thin:
    cmd: python tools/thin.py
    deps: [tools/thin.py, data/frames.txt]
    params: [stride]
    outs: [data/thinned.txt]
  fit:
    cmd: python tools/fit.py
    deps: [tools/fit.py, measure.py, recorded, data/thinned.txt]
    params: [lr, dropout, epochs]
    outs: [data/fit, data/evaluation]
metrics: [data/evaluation/metrics.json]
"""
TOOLS = {
    "frames": """\
import os, time
from pathlib import Path

while Path(os.environ["NOTEBOOK"], "hold").exists():
    time.sleep(0.1)
Path("data/frames.txt").write_text("frames")
with Path(os.environ["NOTEBOOK"], "frames").open("a") as file:
    file.write("x")
""",
    "thin": """\
import os
from pathlib import Path

stride = next(line for line in Path("params.yaml").open() if line.startswith("stride:"))
with Path(os.environ["NOTEBOOK"], "thinned").open("a") as file:
    file.write(stride.split()[1] + " ")
Path("data/thinned.txt").write_text(stride)
""",
    # The module that it imports lies beside the folder of this file: found only in the experiment's
    # own copy, which stages have first on their path.
    "fit": """\
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
""",
}
MEASURE_PY = """\
import shutil


def write():
    for name in ("fit", "evaluation"):
        shutil.copytree(f"recorded/{name}", f"data/{name}")
"""


class Project:
    """A small git and DVC repository of three stages, and what these note down outside it."""

    def __init__(self, root: Path, notebook: Path) -> None:
        self.root, self.notebook = root, notebook
        self._begun: list[subprocess.Popen[str]] = []
        self._environment = os.environ | {"NOTEBOOK": str(notebook), "NO_COLOR": "1"}
        self._environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `train ablate`, which writes its comparison outside the project."""
        code = "from train.cli.app import main; main()"
        output = str(self.notebook / "comparison")
        process = subprocess.Popen(
            [sys.executable, "-c", code, "ablate", "--output", output, *arguments],
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
        printed, _ = process.communicate()
        return process.returncode, printed

    def call(self, command: str) -> str:
        """Run another command in the project, as its stages would be; return what it prints."""
        ran = subprocess.run(
            command.split(),
            cwd=self.root,
            env=self._environment,
            capture_output=True,
            check=True,
            text=True,
        )
        return ran.stdout

    def noted(self, what: str) -> list[str]:
        """Read what the stages noted down, in order."""
        path = self.notebook / what
        return path.read_text().split() if path.exists() else []

    def processes(self) -> list[psutil.Process]:
        """List all that lives of what was begun here, and of what that began."""
        living = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("NOTEBOOK") == str(self.notebook):
                    living.append(process)
        return living

    def copies(self) -> list[Path]:
        """List the folders that ablations have left."""
        return [path for path in self.root.glob(".dvc/tmp/ablate/*") if path.is_dir()]

    def content(self) -> dict[str, bytes]:
        """Read all files, git's index and references included; DVC's own and experiments not."""
        skipped = (".dvc/tmp", ".dvc/cache", ".git/objects", ".git/refs/exps")
        paths = (path for path in self.root.rglob("*") if path.is_file())
        named = {path.relative_to(self.root).as_posix(): path for path in paths}
        return {name: named[name].read_bytes() for name in named if not name.startswith(skipped)}

    def end(self) -> None:
        """End all that was begun here."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        for begun in self._begun:
            begun.wait()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make the repository; end what the test leaves running."""
    root, notebook = tmp_path / "project", tmp_path / "notebook"
    (root / "tools").mkdir(parents=True)
    (root / "data").mkdir()
    notebook.mkdir()
    (root / "data" / "README.md").write_text("outputs\n")
    (root / "params.yaml").write_text(PARAMS.read_text())
    (root / "dvc.yaml").write_text(DVC_YAML)
    for name, code in TOOLS.items():
        (root / "tools" / f"{name}.py").write_text(code)
    (root / "measure.py").write_text(MEASURE_PY)
    record_fit(root / "recorded" / "fit")
    record_evaluation(root / "recorded" / "evaluation")
    made = Project(root, notebook)
    for command in ("git init", "git config user.name T", "git config user.email t@example.org"):
        made.call(command)
    for command in (f"{sys.executable} -m dvc init", "git add .", "git commit -m first"):
        made.call(command)
    yield made
    made.end()


def read_until(process: subprocess.Popen[str], *starts: str) -> None:
    """Read what a process prints up to the last of lines that start so; fail where it ends."""
    assert process.stdout is not None
    missing = list(starts)
    while missing:
        line = process.stdout.readline()
        assert line, f"it ended without a line '{missing[0]}'"
        missing = [start for start in missing if not line.startswith(start)]


def test_experiments_run_once_each_and_a_failure_says_why(project: Project):
    (project.notebook / "broken").touch()
    code, printed = project.run("-S", "dropout=0,0.9,0.5", "-S", "epochs=2")
    log = ".dvc/tmp/ablate/dropout-0.9.log"
    assert code == 1
    assert f"dropout-0.9 failed: train: dropout 0.9 is too much (all of it: {log})" in printed
    assert "> python tools/fit.py" in (project.root / log).read_text()
    assert "3 experiments, 1 failed" in printed
    assert "comparison: 2 experiments" in printed
    assert (project.notebook / "comparison" / "index.html").is_file()
    assert project.noted("fits") == ["0", "0.9", "0.5"]
    assert project.noted("frames") == ["x"]  # once, not once an experiment
    assert project.copies() == []

    (project.notebook / "broken").unlink()
    code, printed = project.run("-S", "dropout=0,0.9,0.5", "-S", "epochs=2", "--json")
    assert code == 0
    data = json.loads(printed.splitlines()[-1])
    assert [one["result"] for one in data["experiments"]] == ["reused", "finished", "reused"]
    assert [one["log"] for one in data["experiments"]] == [None, log, None]
    assert len(data["comparison"]["experiments"]) == 3
    assert project.noted("fits") == ["0", "0.9", "0.5", "0.9"]

    code, printed = project.run("-S", "dropout=0,0.9", "-S", "epochs=3")
    assert code == 2
    assert printed.startswith(
        "train: experiment 'dropout-0' is there already with other settings (epochs 2, here 3): "
        "--force replaces it, 'dvc exp rename dropout-0 NEW-NAME' keeps it"
    )
    code, _ = project.run("-S", "dropout=0,0.9", "-S", "epochs=3", "--force")
    assert code == 0
    assert project.noted("fits")[4:] == ["0", "0.9"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_ablation_leaves_nothing_behind_and_goes_on(
    project: Project, number: signal.Signals, code: int
):
    project.call(f"{sys.executable} -m dvc repro thin")
    project.call("git add .")  # uncommitted changes, in the index and beside it
    (project.root / "params.yaml").write_text(PARAMS.read_text() + "# more\n")
    before = project.content()
    process = project.begin("-S", "dropout=0,0.5,0.9", "--jobs", "1")
    read_until(process, "dropout-0: finished")
    (project.notebook / "wait").touch()
    read_until(process, "dropout-0.5 (fit)")
    assert "another 'train ablate' is at work here" in project.run("-S", "dropout=0,0.5")[1]
    process.send_signal(number)
    printed, _ = process.communicate()
    assert process.returncode == code
    assert (
        "stopped: 2 experiments wait; run the same command to go on, dropout-0.5 from the beginning"
    ) in printed
    assert project.processes() == []
    assert project.copies() == []
    assert project.content() == before
    assert project.call("git stash list") == ""

    (project.notebook / "wait").unlink()
    project.notebook.joinpath("fits").unlink()
    assert project.run("-S", "dropout=0,0.5,0.9")[0] == 0
    assert project.noted("fits") == ["0.5", "0.9"]
    assert project.content() == before


def test_interrupted_in_what_all_share_it_ends_that(project: Project):
    (project.notebook / "hold").touch()
    before = project.content()
    process = project.begin("-S", "dropout=0,0.5")
    read_until(process, "> python tools/frames.py")
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped: 2 experiments wait; run the same command to go on\n" in printed
    assert project.processes() == []
    assert project.content() == before


def test_experiments_at_a_time_share_what_they_have_in_common(project: Project):
    (project.notebook / "wait").touch()
    process = project.begin("-S", "stride=2,3", "-S", "dropout=0,0.5", "--jobs", "4")
    names = [f"stride-{stride}_dropout-{dropout} (fit)" for stride in "23" for dropout in (0, 0.5)]
    read_until(process, "those that wait share stages with those that run", *names)
    (project.notebook / "wait").unlink()
    process.communicate()
    assert process.returncode == 0
    assert sorted(project.noted("thinned")) == ["2", "3"]
    assert sorted(project.noted("fits")) == ["0", "0", "0.5", "0.5"]


def test_what_is_edited_meanwhile_reaches_no_experiment_that_waits(project: Project):
    (project.notebook / "wait").touch()
    process = project.begin("-S", "dropout=0,0.5")
    read_until(process, "dropout-0 (fit)")
    (project.root / "measure.py").write_text("raise SystemExit('half an edit')\n")
    (project.notebook / "wait").unlink()
    process.communicate()
    assert process.returncode == 0


def test_an_experiment_that_is_killed_costs_none_but_itself(project: Project):
    (project.notebook / "wait").touch()
    process = project.begin("-S", "dropout=0,0.5")
    read_until(process, "dropout-0 (fit)")
    begun = psutil.Process(process.pid).children()
    (running,) = (one for one in begun if "dropout-0" in one.cmdline())
    running.kill()  # DVC, whose stage would go on
    (project.notebook / "wait").unlink()
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert "dropout-0 failed: its process was ended from outside (SIGKILL)" in printed
    assert "dropout-0.5: finished" in printed
    assert project.copies() == []


def test_what_a_killed_ablation_left_is_ended_and_removed(project: Project):
    (project.notebook / "wait").touch()
    process = project.begin("-S", "dropout=0,0.5")
    read_until(process, "dropout-0 (fit)")
    process.kill()
    process.wait()
    left = project.processes()
    assert left
    process = project.begin("-S", "dropout=0,0.5")
    read_until(process, "dropout-0: runs")
    assert not {*left} & {*project.processes()}
    (project.notebook / "wait").unlink()
    process.communicate()
    assert process.returncode == 0
    assert project.copies() == []


def test_footage_that_nothing_tracks_is_read_where_it_is(project: Project):
    (project.root / "films").mkdir()
    (project.root / "films" / "a.txt").write_text("a film")
    with (project.root / ".gitignore").open("a") as file:
        file.write("/films\n")
    text = (project.root / "params.yaml").read_text()
    lines = ["footage: films" if line.startswith("footage:") else line for line in text.split("\n")]
    (project.root / "params.yaml").write_text("\n".join(lines))
    (project.root / "tools" / "fit.py").write_text(
        f"from pathlib import Path\nassert Path('films/a.txt').exists()\n{TOOLS['fit']}"
    )
    project.call("git add .")
    project.call("git commit -m films")
    code, printed = project.run("-S", "dropout=0,0.5")
    assert code == 0
    assert "note: experiments read in place what neither git nor DVC tracks: films" in printed
    assert (project.root / "films" / "a.txt").read_text() == "a film"


def test_a_project_below_the_top_of_a_shallow_clone_runs_as_any_other(
    project: Project, tmp_path: Path
):
    upper = Project(tmp_path / "upper", project.notebook)
    own = shutil.ignore_patterns(".git", ".dvc", ".dvcignore")
    shutil.copytree(project.root, upper.root / "below", ignore=own)
    below = Project(upper.root / "below", project.notebook)
    upper.call("git init")
    below.call(f"{sys.executable} -m dvc init --subdir")
    upper.call("git add .")
    for message in ("first", "second"):
        upper.call(
            f"git -c user.name=T -c user.email=t@example.org commit --allow-empty -m {message}"
        )
    upper.call(f"git clone --depth 1 file://{upper.root} {tmp_path / 'clone'}")
    clone = Project(tmp_path / "clone" / "below", project.notebook)
    clone.call("git config user.name T")
    clone.call("git config user.email t@example.org")
    code, printed = clone.run("-S", "dropout=0,0.5")
    assert code == 0
    assert "comparison: 2 experiments" in printed


def test_without_a_commit_nothing_can_run(tmp_path: Path):
    project = Project(tmp_path, tmp_path)
    make = "go to the folder that holds dvc.yaml, or make one with 'git init' and 'dvc init'"
    assert project.run() == (2, f"train: {tmp_path}: no DVC project; {make}\n")
    project.call("git init")
    project.call(f"{sys.executable} -m dvc init")
    code, printed = project.run()
    assert code == 2
    assert "DVC keeps experiments in git, and there is no commit; run 'git init'" in printed


def test_a_dry_run_lists_and_runs_nothing(project: Project):
    before = project.content()
    code, printed = project.run("-S", "lr=0.001,0.002", "--dry-run")
    assert code == 0
    assert "dvc exp run --temp -n lr-0.001 -S lr=0.001\n" in printed
    assert "2 experiments, none run" in printed
    assert project.content() == before


def test_the_defaults_of_the_model_are_the_end_of_the_story():
    assert settings_of(make_grid([], PARAMS).experiments[-1]) == Parameters().model_dump()
