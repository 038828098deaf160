"""Experiments of a real project under git and DVC: which are listed, and what each left behind."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from curate.base.errors import UserError
from tests.repository import commit, run
from tests.train.experiment_project import make_project
from train.compare.stage import run as compare
from train.experiments.entries import list_unfinished
from train.experiments.read import read_experiments
from train.experiments.results import outdated


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A commit with experiments that ran, failed, or lack a metric, and one made a branch."""
    root = tmp_path_factory.mktemp("project")
    make_project(root)
    run(root, "dvc", "exp", "run", "-q", "-n", "slow", "-S", "lr=1e-4")
    run(root, "dvc", "exp", "branch", "-q", "slow", "gentle")
    run(root, "dvc", "exp", "run", "-q", "-n", "no-score", "-S", "lr=0.001", "-S", "threshold=0.95")
    settings = ("-S", "threshold=0.5")
    made_up = ("-n", "queued", "-S", "lr=0.2", "-S", "dropout=0.1")
    run(root, "dvc", "exp", "run", "-q", "--queue", *settings, *made_up)
    run(root, "dvc", "exp", "run", "-q", "--queue", *settings, "-S", "lr=0.5", "-n", "diverged")
    run(root, "dvc", "exp", "run", "-q", "--run-all")
    return root


@pytest.fixture
def train(train, project, monkeypatch):
    """Run `train` in the project."""
    monkeypatch.chdir(project)
    return train


@pytest.fixture(scope="module")
def by_name(project):
    return {one.name: one for one in read_experiments(project)}


def test_the_last_commit_and_its_experiments_are_listed_and_the_same_workspace_is_not(by_name):
    assert list(by_name) == ["main", "diverged", "no-score", "queued", "slow"]
    assert [name for name, one in by_name.items() if one.baseline] == ["main"]


def test_results_are_those_of_each_experiment(by_name):
    main_gap, slow_gap = (by_name[name].results.gap for name in ("main", "slow"))
    assert slow_gap.gap == pytest.approx(main_gap.gap - 0.0009)
    assert by_name["slow"].results.parameters["lr"] == 0.0001
    assert by_name["slow"].results.frames == 120
    assert by_name["slow"].results.probes["seen"].to_list() == pytest.approx([0.475, 0.4, 0.3])
    assert by_name["slow"].results.scores["macro"]["f1"] is not None
    assert by_name["slow"].results.problems == []


def test_one_from_the_queue_is_like_any_other(by_name):
    queued = by_name["queued"]
    assert queued.state == "finished"
    assert queued.results.parameters == {"lr": 0.2, "dropout": 0.1, "threshold": 0.5}
    assert queued.results.problems == []


def test_one_that_failed_has_the_last_words_of_its_stage(by_name):
    failed = by_name["diverged"]
    assert failed.state == "failed"
    assert failed.results.parameters["lr"] == 0.5
    assert failed.results.problems == [
        "failed: the loss is no number any more; its log: 'dvc queue logs diverged'"
    ]


def test_one_that_lacks_a_metric_keeps_the_rest(by_name):
    results = by_name["no-score"].results
    assert results.scores == {}
    assert results.gap.gap == by_name["main"].results.gap.gap
    assert results.problems == [
        "data/evaluation/metrics.json: has no macro F1, nothing in validation could be scored"
    ]


def test_names_are_of_experiments_branches_tags_and_commits_in_their_order(project):
    head = run(project, "git", "rev-parse", "HEAD").strip()
    run(project, "git", "tag", "-f", "published", "gentle")
    names = ["gentle", "no-score", head, "published", "workspace", "diverged"]
    one = read_experiments(project, names)
    assert [each.name for each in one] == names
    rates = [each.results.parameters["lr"] for each in one]
    assert rates == [0.0001, 0.001, 0.001, 0.0001, 0.001, 0.5]
    assert [each.baseline for each in one] == [False, False, True, False, False, False]
    assert one[0].results.gap.gap == one[3].results.gap.gap


def test_an_unknown_name_names_the_known_ones(project):
    with pytest.raises(UserError) as error:
        read_experiments(project, ["slow", "fast"])
    message = str(error.value)
    assert message.startswith(
        "fast: no experiment, branch, tag or commit of that name; experiments "
    )
    assert "diverged" in message
    assert "no-score" in message
    assert "slow" in message
    assert message.endswith("; the branch is main")


def test_a_workspace_that_has_not_run_says_so(project):
    before = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(before.replace("dropout: 0.5", "dropout: 0.3"))
    try:
        (one,) = (each for each in read_experiments(project) if each.name == "workspace")
    finally:
        (project / "params.yaml").write_text(before)
    assert one.results.gap is None
    assert one.results.scores == {}
    assert one.results.frames == 120
    assert one.results.problems == [
        "stage fit ran with another dropout than params.yaml has; run 'dvc repro'"
    ]


def test_a_file_that_the_cache_lacks_is_a_problem(project, tmp_path):
    run(tmp_path, "git", "clone", "-q", str(project), "clone")
    run(tmp_path / "clone", "git", "fetch", "-q", "origin", "refs/exps/*:refs/exps/*")
    (one,) = read_experiments(tmp_path / "clone", ["slow"])
    assert one.results.parameters["lr"] == 0.0001
    assert one.results.gap is None
    assert one.results.probes is None
    assert one.results.problems[0] == (
        "data/fit/gap.json: not in the cache; 'dvc pull' or run it again"
    )
    with pytest.raises(UserError, match=r"^nothing to compare: slow: data/fit/gap\.json: not in "):
        compare(["slow"], tmp_path / "comparison", tmp_path / "clone")
    assert not (tmp_path / "comparison").exists()


def test_what_waits_in_the_queue_is_listed(project):
    copy = project.parent / "copy"
    shutil.copytree(project, copy, symlinks=True)
    run(copy, "dvc", "exp", "run", "-q", "--queue", "-n", "waiting", "-S", "lr=0.3")
    (one,) = read_experiments(copy, ["waiting"])
    assert (one.state, one.results.parameters["lr"]) == ("queued", 0.3)
    assert one.results.problems == ["queued; run it with 'dvc queue start'"]


def test_a_queue_that_dvc_cannot_read_is_left_out_with_a_warning(caplog):
    class Broken:
        """A project whose queue lacks the file of a task that a killed worker had taken."""

        @property
        def experiments(self):
            return self

        def show(self, **_):
            raise FileNotFoundError("no such task")

    assert list_unfinished(Broken()) == {}
    assert "DVC's queue is left out: no such task" in caplog.text


def test_without_experiments_it_says_how_to_run_one(project, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, symlinks=True)
    (copy / "notes.txt").write_text("a later commit")
    commit(copy, "Take notes")
    with pytest.raises(UserError) as error:
        read_experiments(copy)
    assert re.match(
        r"no experiments start from the last commit \([0-9a-f]{7}, main\); run one with "
        r"'dvc exp run -S lr=0\.001', or name some of ",
        str(error.value),
    )
    assert "slow" in str(error.value)


def test_an_empty_name_is_not_the_last_commit(project):
    with pytest.raises(UserError, match="an empty name is no experiment"):
        read_experiments(project, [""])


def test_without_project_or_commit_it_says_what_to_make(tmp_path):
    with pytest.raises(UserError, match=r"no DVC project; go to the folder that holds dvc\.yaml"):
        read_experiments(tmp_path)
    run(tmp_path, "git", "init", "-q")
    run(tmp_path, "dvc", "init", "-q")
    message = "DVC keeps experiments in git, and there is no commit"
    with pytest.raises(UserError, match=message):
        read_experiments(tmp_path)
    shutil.rmtree(tmp_path / ".git")
    with pytest.raises(UserError, match=message):
        read_experiments(tmp_path)


LOCK = {
    "stages": {
        "evaluate": {
            "deps": [{"path": "fit", "md5": "1"}],
            "outs": [{"path": "scores", "md5": "2"}],
        },
        "fit": {"params": {"params.yaml": {"lr": 0.1}}, "outs": [{"path": "fit", "md5": "1"}]},
    }
}


@pytest.mark.parametrize(
    ("parameters", "made", "reasons"),
    [
        ({"lr": 0.1}, "1", {}),
        ({"lr": 0.2}, "1", {"fit": "stage fit ran with another lr", "scores": "stage fit ran"}),
        ({"lr": 0.1}, "3", {"scores": "stage evaluate has not run since fit changed"}),
    ],
    ids=["up-to-date", "other-parameters", "made-anew"],
)
def test_outputs_out_of_date_have_a_reason(parameters, made, reasons):
    lock = json.loads(json.dumps(LOCK))
    lock["stages"]["fit"]["outs"][0]["md5"] = made
    stale = outdated(lock, parameters)
    assert set(stale) == set(reasons)
    assert all(stale[path].startswith(reason) for path, reason in reasons.items())


def test_the_command_compares_and_lists_what_is_missing(train, tmp_path):
    output = tmp_path / "comparison"
    ran = train("compare", "--output", output)
    assert ran.returncode == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "causes.png", "index.html", "losses.png", "scores.png"
    ]  # fmt: skip
    assert "main (baseline)" in ran.stdout
    assert "queued (lr=0.2 dropout=0.1)" in ran.stdout
    assert "slow (lr=0.0001) has both the best macro F1" in ran.stdout
    assert "note: diverged (lr=0.5): failed: the loss is no number any more" in ran.stderr
    first = {path.name: path.read_bytes() for path in output.iterdir()}
    ran = train("compare", "--json", "--output", output)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == first
    answer = json.loads(ran.stdout)
    assert [one["label"] for one in answer["experiments"]] == [
        "main (baseline)",
        "diverged (lr=0.5)",
        "no-score (threshold=0.95)",
        "queued (lr=0.2 dropout=0.1)",
        "slow (lr=0.0001)",
    ]
    assert answer["differing"] == ["lr", "dropout", "threshold"]


def test_a_bad_name_is_one_sentence(train, project):
    ran = train("compare", "fast")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert ran.stderr.startswith("train: fast: no experiment, branch, tag or commit of that name")
    assert not (project / "comparison").exists()
