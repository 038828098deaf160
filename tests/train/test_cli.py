"""The command `train` as a user types it: what it prints, and how it ends."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from curate.tables import INDEX, INDEX_FILE, write_table


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
def test_bad_input_is_one_sentence(train, arguments, sentence):
    ran = train(*arguments)
    assert ran.returncode == 2
    assert ran.stderr.startswith(sentence)
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""


def test_an_unknown_backbone_lists_what_is_allowed(train, shards):
    ran = train("fit", "--shards", shards, "--backbone", "ResNet5000")
    assert ran.returncode == 2
    assert "Unknown backbone 'ResNet5000': did you mean 'ResNet50'? Allowed are effi" in ran.stderr
    assert "MobileNetV2" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--backbone", "nosuch.keras"], "There is no backbone file nosuch.keras"),
        (["--backbone", "words.keras"], "words.keras is not a readable .keras file (File is not a"),
        (["--backbone", "Lite0"], "Unknown backbone 'Lite0': did you mean 'efficientnet-lite0'?"),
        (["--unfreeze", "99"], "unfreeze: 99 is more than the 18 blocks of efficientnet-lite0"),
        (["--unfreeze", "-1"], "option: unfreeze: -1 is not allowed, must be greater than or"),
    ],
    ids=["no-file", "text", "nearly", "too-many", "negative"],
)
def test_a_wrong_backbone_is_one_sentence_and_leaves_nothing(
    train, shards, tmp_path, arguments, sentence
):
    (tmp_path / "words.keras").write_text("some words")
    ran = train("fit", "--shards", shards, *arguments)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"train: {sentence}")
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""
    assert list(tmp_path.glob("data/**/*")) == []


def test_fit_and_evaluate_end_in_json_for_machines(train, shards, tmp_path):
    ran = train("fit", "--shards", shards, "--epochs", 1, "--json")
    assert ran.returncode == 0
    assert set(json.loads(ran.stdout)) == {"early", "final"}
    ran = train("evaluate", "--shards", shards, "--json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["validation"]["frames"] == 48
    assert (tmp_path / "data" / "evaluation" / "predictions.parquet").is_file()
    model = tmp_path / "data" / "fit" / "model.keras"
    ran = train("evaluate", model, "--tfrecords", shards, "--split", "moments")
    assert ran.returncode == 0
    assert f"{model}: moments" in ran.stdout
    assert "macro" in ran.stdout
    ran = train("fit", "--shards", shards, "--backbone", model, "--unfreeze", 1)
    assert ran.returncode == 2
    assert ran.stderr.startswith(
        f"train: {model} is a model of 'train fit', which maps pictures to"
    )
    assert model.is_file()
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["evaluation", "fit"]
    ran = train("sum-folds", "data/evaluation", "data/evaluation")
    assert ran.returncode == 2
    assert "is in the validation set of data/evaluation too" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_fit_does_not_replace_a_folder_of_something_else(train, shards, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("words")
    ran = train("fit", "--shards", shards, "--output", "thesis")
    assert ran.returncode == 2
    assert "thesis: holds something else than model.keras; choose another folder" in ran.stderr
    assert (tmp_path / "thesis" / "chapter.tex").is_file()


def test_without_people_the_gap_is_told_and_evaluation_says_why_it_is_empty(
    train, shards, tmp_path
):
    """One subject only: the validation splits are not there at all."""
    alone = tmp_path / "alone"
    shutil.copytree(shards, alone)
    info = json.loads((alone / "dataset_info.json").read_text())
    info["splits"] = [s for s in info["splits"] if not s["name"].startswith("validation")]
    (alone / "dataset_info.json").write_text(json.dumps(info))
    for path in alone.glob("framewise-validation*"):
        path.unlink()
    held_out = pl.col("split").str.starts_with("validation")
    index = pl.read_parquet(alone / INDEX_FILE).filter(~held_out)
    write_table(index, alone / INDEX_FILE, INDEX)
    ran = train("fit", "--shards", alone, "--epochs", 1, "--json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["final"]["people"] is None
    ran = train("evaluate", "--shards", alone, "--json")
    assert ran.returncode == 0
    found = json.loads(ran.stdout)["validation"]
    assert found["frames"] == found["subjects"] == 0
    assert set(found["micro"].values()) == set(found["macro"].values()) == {None}
    assert "validation is empty (one subject only): nothing is scored" in ran.stderr
