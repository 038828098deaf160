"""The command `train` as a user types it: what it prints, and how it ends."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from train.cli.app import main


@pytest.fixture
def run(monkeypatch, capfd, tmp_path):
    """Run `train` with arguments in an empty folder; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fit"], "train: data/tfrecords: holds no shards; make them with 'curate shards'"),
        (["evaluate"], "train: data/tfrecords: holds no shards; make them with 'curate shards'"),
        (["report"], "train: data/split.parquet: no such table; make it with 'curate split'"),
        (["fit", "--lr", "0"], "train: option: lr: 0.0 is not allowed, must be greater than 0"),
        (["fit", "--params", "p.yaml"], "train: p.yaml: no such parameter file"),
        (["evaluate", "--split", "train"], "train: --split: needs a MODEL"),
        (["sum-folds", "one"], "train: name the evaluation folders of two or more folds"),
        (["sum-folds", "a", "b"], "train: a/predictions.parquet: no such table; make it with"),
    ],
    ids=[
        "fit-nothing",
        "evaluate-nothing",
        "report-nothing",
        "lr-0",
        "no-parameters",
        "split",
        "one-fold",
        "no-fold",
    ],
)
def test_bad_input_is_one_sentence(run, arguments, sentence):
    code, out, err = run(*arguments)
    assert code == 2
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    assert out == ""


def test_an_unknown_backbone_lists_what_is_allowed(run, shards):
    code, _, err = run("fit", "--shards", shards, "--backbone", "ResNet5000")
    assert code == 2
    assert "Unknown backbone 'ResNet5000': did you mean 'ResNet50'? Allowed are effi" in err
    assert "MobileNetV2" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--backbone", "nosuch.keras"], "There is no backbone file nosuch.keras"),
        (["--backbone", "words.keras"], "words.keras is not a readable .keras file (not a zip"),
        (["--backbone", "Lite0"], "Unknown backbone 'Lite0': did you mean 'efficientnet-lite0'?"),
        (["--unfreeze", "99"], "unfreeze: 99 is more than the 18 blocks of efficientnet-lite0"),
        (["--unfreeze", "-1"], "option: unfreeze: -1 is not allowed, must be greater than or"),
    ],
    ids=["no-file", "text", "nearly", "too-many", "negative"],
)
def test_a_wrong_backbone_is_one_sentence_and_leaves_nothing(
    run, shards, tmp_path, arguments, sentence
):
    (tmp_path / "words.keras").write_text("some words")
    code, out, err = run("fit", "--shards", shards, *arguments)
    assert code == 2
    assert err.startswith(f"train: {sentence}")
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.glob("data/**/*")) == []


def test_fit_and_evaluate_end_in_json_for_machines(run, shards, tmp_path):
    code, out, _ = run("fit", "--shards", shards, "--epochs", 1, "--json")
    assert code == 0
    assert set(json.loads(out)) == {"early", "final"}
    code, out, _ = run("evaluate", "--shards", shards, "--json")
    assert code == 0
    assert json.loads(out)["validation"]["frames"] == 48
    assert (tmp_path / "data" / "evaluation" / "predictions.parquet").is_file()
    model = tmp_path / "data" / "fit" / "model.keras"
    code, out, _ = run("evaluate", model, "--tfrecords", shards, "--split", "moments")
    assert code == 0
    assert f"{model}: moments" in out
    assert "macro" in out
    code, _, err = run("fit", "--shards", shards, "--backbone", model, "--unfreeze", 1)
    assert code == 2
    assert err.startswith(f"train: {model} is a model of 'train fit', which maps pictures to")
    assert model.is_file()
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["evaluation", "fit"]
    code, _, err = run("sum-folds", "data/evaluation", "data/evaluation")
    assert code == 2
    assert "is in the validation set of data/evaluation too" in err
    assert "Traceback" not in err


def test_fit_does_not_replace_a_folder_of_something_else(run, shards, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("words")
    code, _, err = run("fit", "--shards", shards, "--output", "thesis")
    assert code == 2
    assert "thesis: holds something else than model.keras; choose another folder" in err
    assert (tmp_path / "thesis" / "chapter.tex").is_file()


def test_without_people_the_gap_is_told_and_evaluation_says_why_it_is_empty(run, shards, tmp_path):
    """One subject only: the validation splits are not there at all."""
    alone = tmp_path / "alone"
    shutil.copytree(shards, alone)
    info = json.loads((alone / "dataset_info.json").read_text())
    info["splits"] = [s for s in info["splits"] if not s["name"].startswith("validation")]
    (alone / "dataset_info.json").write_text(json.dumps(info))
    for path in alone.glob("framewise-validation*"):
        path.unlink()
    code, out, _ = run("fit", "--shards", alone, "--epochs", 1, "--json")
    assert code == 0
    assert json.loads(out)["final"]["people"] is None
    code, out, err = run("evaluate", "--shards", alone, "--json")
    assert code == 0
    found = json.loads(out)["validation"]
    assert found["frames"] == found["subjects"] == 0
    assert set(found["micro"].values()) == set(found["macro"].values()) == {None}
    assert "validation is empty (one subject only): nothing is scored" in err
