"""evaluate: what it writes is what scikit-learn says of the saved model, and damage is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from curate.base.errors import UserError
from curate.base.files import write_json
from curate.base.params import Parameters
from tests.train.made_gaps import make_gap, make_verdict
from train.data import Shards
from train.evaluate.result import write_evaluation
from train.evaluate.stage import evaluate_fit, evaluate_model, run, run_on_model
from train.evaluate.sum_folds import run as run_sum_folds
from train.evaluate.sum_folds import sum_folds
from train.evaluate.summary import summarize
from train.model.file import Description, write_model

GAP = make_gap(gap=0.25, cause="people")
FILES = {
    "metrics.json", "summary.json", "per_action_unit.csv", "means.csv", "calibration.csv",
    "notes.json",
}  # fmt: skip
PARAMETERS = Parameters()


def make_fit(folder: Path, shards: Path, names=("AU1", "AU12"), side=32, **given):
    """Write a model of mean colours, solved for on the training frames, and its gap."""
    images = keras.Input((side, side, 3))
    colours = keras.layers.AveragePooling2D(side // 2)(keras.layers.Rescaling(1 / 255)(images))
    dense = keras.layers.Dense(2, activation="sigmoid")
    outputs = dense(keras.layers.Flatten()(colours))
    features, labels = _training(shards)
    # Unknown labels count as absent here, so that the model errs.
    solved = np.linalg.lstsq(features, np.where(labels == 1, 2.0, -2.0), rcond=None)[0]
    dense.set_weights([solved[:-1], solved[-1]])
    folder.mkdir(parents=True)
    description = {"thresholds": (0.3, 0.6), "image_size": side, "crop": "center"} | given
    write_model(
        keras.Model(images, outputs),
        Description(action_units=names, **description),
        folder / "model.keras",
    )
    write_json(make_verdict(GAP, GAP).as_dict(), folder / "gap.json")
    return folder


def _training(shards):
    features, labels = [], []
    for images, known in Shards.open(shards).measure("train"):
        quarters = images.numpy().reshape(-1, 2, 16, 2, 16, 3).mean(axis=(2, 4)) / 255
        features.append(np.column_stack([quarters.reshape(len(quarters), -1), np.ones(len(known))]))
        labels.append(known.numpy())
    return np.concatenate(features), np.concatenate(labels)


@pytest.fixture(scope="module")
def fit(shards, tmp_path_factory):
    return make_fit(tmp_path_factory.mktemp("evaluate") / "fit", shards)


@pytest.fixture(scope="module")
def evaluated(fit, shards, tmp_path_factory):
    output = tmp_path_factory.mktemp("evaluated") / "evaluation"
    evaluation = evaluate_fit(fit, shards, PARAMETERS)
    write_evaluation(evaluation, output)
    return output, evaluation


def known_of(folder, split, unit):
    table = pl.read_parquet(folder / "predictions.parquet").filter(split=split).drop_nulls(unit)
    return table[unit].to_numpy(), table[f"{unit}_probability"].to_numpy()


@pytest.mark.parametrize("split", ["validation", "validation_balanced"])
@pytest.mark.parametrize(("unit", "own"), [("AU1", 0.3), ("AU12", 0.6)])
def test_each_action_unit_scores_as_scikit_learn_says(evaluated, split, unit, own):
    truth, chances = known_of(evaluated[0], split, unit)
    row = next(r for r in evaluated[1].units if r["split"] == split and r["action_unit"] == unit)
    assert 0 < len(truth) == row["frames"]
    assert row["positives"] == truth.sum()
    assert row["average_precision"] == pytest.approx(
        average_precision_score(truth, chances), abs=1e-4
    )
    assert row["chosen_threshold"] == own
    for prefix, threshold in (("", 0.5), ("chosen_", own)):
        expected = precision_recall_fscore_support(truth, chances >= threshold, average="binary")
        got = [row[f"{prefix}{name}"] for name in ("precision", "recall", "f1")]
        assert got == pytest.approx(expected[:3], abs=1e-4)
    if split == "validation":
        assert row["f1_low"] <= row["f1"] <= row["f1_high"]


def test_the_micro_mean_is_scikit_learns(evaluated):
    both = [known_of(evaluated[0], "validation", unit) for unit in ("AU1", "AU12")]
    truth, chances = (np.concatenate(part) for part in zip(*both, strict=True))
    expected = precision_recall_fscore_support(truth, chances >= 0.5, average="binary")
    means = evaluated[1].metrics["validation"]["micro"]
    assert [means[n] for n in ("precision", "recall", "f1")] == pytest.approx(
        expected[:3], abs=1e-4
    )
    assert means["average_precision"] == pytest.approx(
        average_precision_score(truth, chances), abs=1e-4
    )


def test_predictions_are_the_saved_models(evaluated, fit, shards):
    table = pl.read_parquet(evaluated[0] / "predictions.parquet").filter(split="validation")
    assert table["AU12"].null_count() == 6
    assert table["subject"].unique().sort().to_list() == ["C", "D"]
    model = keras.models.load_model(fit / "model.keras")
    batches = [
        np.asarray(model(images.numpy().astype(np.float32)))
        for images, _ in Shards.open(shards).measure("validation")
    ]
    written = table.select("AU1_probability", "AU12_probability").to_numpy()
    np.testing.assert_allclose(written, np.concatenate(batches), atol=1e-6)


def test_metrics_are_numbers_by_name(evaluated):
    """`dvc metrics diff` shows names and numbers, and should show few."""
    metrics = json.loads((evaluated[0] / "metrics.json").read_text())
    assert metrics == evaluated[1].metrics
    assert metrics["gap"] == metrics["gap_early"]
    assert metrics["gap"]["gap"] == 0.25
    assert "cause" not in metrics["gap"]
    assert metrics["validation"]["frames"] == 48
    assert metrics["validation"]["subjects"] == 2
    assert metrics["validation_balanced"]["frames"] == 24

    def leaves(value):
        return (
            [leaf for v in value.values() for leaf in leaves(v)]
            if isinstance(value, dict)
            else [value]
        )

    assert len(leaves(metrics)) < 60
    assert all(leaf is None or isinstance(leaf, int | float) for leaf in leaves(metrics))


def test_the_summary_is_what_one_compares_runs_by(evaluated):
    metrics = evaluated[1].metrics
    natural, balanced = metrics["validation"], metrics["validation_balanced"]
    summary = json.loads((evaluated[0] / "summary.json").read_text())
    assert len(summary) == 12
    assert not set(summary) & set(Parameters.model_fields)
    assert summary["natural_precision"] == natural["micro"]["precision"] > 0
    assert summary["natural_macro_f1"] == natural["macro"]["f1"] != summary["natural_f1"]
    assert summary["natural_f1_low"] == natural["micro"]["f1_low"] < summary["natural_f1_high"]
    assert summary["balanced_recall"] == balanced["micro"]["recall"] > 0
    assert summary["balanced_f1_low"] is None  # of one subject there is no interval


def test_the_tables_are_written(evaluated):
    assert {path.name for path in evaluated[0].iterdir()} == FILES | {"predictions.parquet"}
    rows = pl.read_csv(evaluated[0] / "per_action_unit.csv")
    assert rows.filter(split="validation")["frames"].to_list() == [48, 42]
    assert rows.columns[:4] == ["split", "action_unit", "positives", "frames"]
    bins = pl.read_csv(evaluated[0] / "calibration.csv").filter(
        split="validation", action_unit="AU12"
    )
    assert bins["frames"].sum() == 42
    means = pl.read_csv(evaluated[0] / "means.csv").filter(split="validation")
    assert means["action_unit"].to_list() == ["micro", "macro"]
    assert (means["precision_low"] <= means["precision_high"]).all()


def test_a_second_run_writes_the_same_bytes(evaluated, fit, shards, tmp_path):
    run(fit, shards, tmp_path / "again", PARAMETERS)
    for path in evaluated[0].iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_few_subjects_are_said_to_give_rough_intervals(evaluated):
    notes = evaluated[1].notes
    assert "validation: 2 subjects, so the 95 % intervals are rough (fewer than 5)" in notes
    assert "validation_balanced: one subject, so there are no 95 % intervals" in notes
    balanced = pl.DataFrame(evaluated[1].units).filter(split="validation_balanced")
    assert balanced["f1_low"].null_count() == len(balanced)


def test_what_training_could_not_teach_is_noted(shards, tmp_path):
    """It stands in the model, so that it is said whatever the model is scored on."""
    note = "AU12: no positive on held-out moments, so its threshold is 0.5, not chosen"
    fit = make_fit(tmp_path / "fit", shards, thresholds=(0.3, 0.5), notes=(note,))
    notes = run(fit, shards, tmp_path / "evaluation", PARAMETERS).notes
    assert notes[0] == note
    assert json.loads((tmp_path / "evaluation" / "notes.json").read_text()) == {"notes": notes}
    assert note in evaluate_model(fit, shards, "moments", PARAMETERS).notes


def test_both_validation_sets_are_shown(evaluated):
    summary = summarize(evaluated[1], "mine")
    validation, balanced = summary.more[:2]
    assert (validation.title, balanced.title) == ("mine: validation", "mine: validation_balanced")
    assert [row[0] for row in validation.rows] == ["AU1", "AU12", "micro", "macro"]
    assert {"f1", "f1,\nchosen", "average\nprecision"} <= set(validation.columns)


def test_a_model_file_scores_any_split_and_writes_nothing_unasked(fit, shards, tmp_path):
    moved = tmp_path / "mine.keras"
    shutil.copy(fit / "model.keras", moved)
    run_on_model(moved, shards, "moments", None, PARAMETERS)
    evaluation = evaluate_model(moved, shards, "moments", PARAMETERS)
    assert list(evaluation.metrics) == ["moments"]
    assert evaluation.metrics["moments"]["frames"] == 12
    assert any("what they give here flatters" in note for note in evaluation.notes)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.keras"]
    run_on_model(moved, shards, "moments", tmp_path / "out", PARAMETERS)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == evaluation.metrics


def test_without_a_split_the_validation_sets_are_scored(fit, evaluated, shards):
    evaluation = evaluate_model(fit / "model.keras", shards, None, PARAMETERS)
    assert evaluation.metrics["validation"] == evaluated[1].metrics["validation"]
    assert "gap" not in evaluation.metrics


def test_an_unknown_split_lists_those_there_are(fit, shards):
    with pytest.raises(UserError, match=r"no split 'test'; choose with --split of train, valid"):
        evaluate_model(fit, shards, "test", PARAMETERS)


def test_action_units_that_are_not_shared_are_left_out_and_noted(shards, tmp_path):
    other = make_fit(tmp_path / "fit", shards, ("AU4", "AU12"))
    evaluation = evaluate_model(other, shards, "validation", PARAMETERS)
    assert [row["action_unit"] for row in evaluation.units] == ["AU12"]
    assert evaluation.units[0]["chosen_threshold"] == 0.6
    assert "AU4: predicted, but the shards do not label them; left out" in evaluation.notes
    assert "AU1: labelled, but the model does not predict them; left out" in evaluation.notes
    with pytest.raises(UserError, match="trained for AU4, AU12, but the shards hold AU1, AU12"):
        evaluate_fit(other, shards, PARAMETERS)


def test_frames_cut_in_another_way_are_noted_or_refused(shards, tmp_path):
    other = make_fit(tmp_path / "fit", shards, crop="haar")
    other_crop = "was trained on frames cut with crop 'haar', the shards' with 'center'"
    assert f"the model {other_crop}" in evaluate_model(other, shards, None, PARAMETERS).notes
    with pytest.raises(
        UserError, match=rf"model\.keras: {other_crop}; train it on these shards"
    ) as raised:
        evaluate_fit(other, shards, PARAMETERS)
    assert raised.value.key == "crop"


def test_a_model_that_does_not_know_its_crop_is_scored_on_any(shards, tmp_path):
    unknown = make_fit(tmp_path / "fit", shards, crop=None)
    evaluation = evaluate_fit(unknown, shards, PARAMETERS)
    assert not any("crop" in note for note in evaluation.notes)


@pytest.mark.parametrize(
    ("names", "side", "fault"),
    [
        (("AU4", "AU9"), 32, "predicts AU4, AU9, of which the shards label none"),
        (("AU1", "AU12"), 64, "takes pictures of 64 pixels, but the shards hold 32"),
    ],
    ids=["other action units", "other size"],
)
def test_a_model_that_does_not_fit_is_refused(shards, tmp_path, names, side, fault):
    other = make_fit(tmp_path / "fit", shards, names, side)
    with pytest.raises(UserError, match=fault):
        evaluate_model(other, shards, "validation", PARAMETERS)


def damaged(fit, folder, name, content):
    shutil.copytree(fit, folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("model.keras", None, r"model\.keras: no such model; make it with 'train fit'"),
        ("model.keras", b"", r"model\.keras: not a complete \.keras file"),
        ("model.keras", b"PK\x03\x04 cut", r"model\.keras: not a complete \.keras file"),
        ("gap.json", None, r"gap\.json: no such file; make it with 'train fit'"),
        ("gap.json", b'{"early": ', r"gap\.json: not JSON"),
        ("gap.json", b"\xff\xfe", r"gap\.json: not JSON"),
        ("gap.json", b"[1]", r"gap\.json: not a JSON object"),
        ("gap.json", b'{"early": {}, "final": 3}', r"gap\.json: lacks 'early\.epoch'"),
    ],
)
def test_damage_is_told_in_a_sentence(fit, shards, tmp_path, name, content, fault):
    folder = damaged(fit, tmp_path / "fit", name, content)
    with pytest.raises(UserError, match=fault) as raised:
        evaluate_fit(folder, shards, PARAMETERS)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_a_model_cut_short_is_told(fit, shards, tmp_path, kept):
    content = (fit / "model.keras").read_bytes()
    folder = damaged(fit, tmp_path / "fit", "model.keras", content[: int(kept * len(content))])
    with pytest.raises(UserError, match=r"not a complete \.keras file"):
        evaluate_fit(folder, shards, PARAMETERS)


def test_a_model_of_something_else_is_told(shards, tmp_path):
    images = keras.Input((32, 32, 3))
    keras.Model(images, keras.layers.Flatten()(images)).save(tmp_path / "other.keras")
    with pytest.raises(UserError, match=r"other\.keras: .*does not say which action units"):
        evaluate_model(tmp_path / "other.keras", shards, None, PARAMETERS)


def test_published_figures_that_do_not_fit_are_said_so(fit, shards):
    evaluation = evaluate_model(fit, shards, "validation", PARAMETERS, published=True)
    assert evaluation.comparison is None
    assert any(note.startswith("no published figures fit") for note in evaluation.notes)


def make_fold(folder: Path, subjects: str, seed: int, own=0.4) -> pl.DataFrame:
    """Write an evaluation of a fold: predictions, and the thresholds chosen for its model."""
    rng = np.random.default_rng(seed)
    rows = len(subjects) * 30
    label = pl.Series("AU1", rng.integers(0, 2, rows), pl.Int8)
    table = pl.DataFrame(
        {
            "id": [f"{subjects[i // 30]}/{i % 30:06d}" for i in range(rows)],
            "split": ["validation"] * rows,
            "subject": [subjects[i // 30] for i in range(rows)],
            "AU1": label.set(pl.Series(rng.random(rows) < 0.1), None),
            "AU1_probability": pl.Series(
                np.clip(0.3 * label.to_numpy() + 0.7 * rng.random(rows), 0, 1), dtype=pl.Float32
            ),
        }
    )
    folder.mkdir(parents=True)
    table.write_parquet(folder / "predictions.parquet")
    pl.DataFrame(
        {"split": ["validation"], "action_unit": ["AU1"], "chosen_threshold": [own]}
    ).write_csv(folder / "per_action_unit.csv")
    return table


@pytest.fixture
def folds(tmp_path):
    parts = [("AB", 0, 0.3), ("CD", 1, 0.5), ("EF", 2, 0.6)]
    written = [make_fold(tmp_path / s, s, seed, own) for s, seed, own in parts]
    return [tmp_path / s for s, _, _ in parts], written


def test_folds_are_summed_before_they_are_scored(folds):
    folders, written = folds
    evaluation = sum_folds(folders, PARAMETERS)
    known = [table.drop_nulls("AU1") for table in written]
    truth = pl.concat(known)["AU1"].to_numpy()
    chances = [table["AU1_probability"].to_numpy() for table in known]
    own = np.concatenate([c >= t for c, t in zip(chances, (0.3, 0.5, 0.6), strict=True)])
    row = evaluation.units[0]
    for prefix, predicted in (("", np.concatenate(chances) >= 0.5), ("chosen_", own)):
        expected = precision_recall_fscore_support(truth, predicted, average="binary")
        got = [row[f"{prefix}{name}"] for name in ("precision", "recall", "f1")]
        assert got == pytest.approx(expected[:3], abs=1e-4)
    for number, table in enumerate(known, start=1):
        predicted = table["AU1_probability"].to_numpy() >= 0.5
        alone = precision_recall_fscore_support(
            table["AU1"].to_numpy(), predicted, average="binary"
        )
        assert row[f"f1_fold_{number}"] == pytest.approx(alone[2], abs=1e-4)
    assert evaluation.metrics["folds"] == 3
    assert evaluation.metrics["validation"]["frames"] == 180
    assert evaluation.metrics["validation"]["subjects"] == 6


def test_the_sum_of_folds_is_written_and_shown(folds, tmp_path):
    summary = run_sum_folds(folds[0], tmp_path / "sum", PARAMETERS)
    rows = pl.read_csv(tmp_path / "sum" / "per_action_unit.csv")
    assert rows["f1_fold_3"].to_list() == [sum_folds(folds[0], PARAMETERS).units[0]["f1_fold_3"]]
    (shown,) = summary.more
    assert shown.title == "3 folds: validation"
    assert shown.columns[-3:] == ["f1 fold 1", "f1 fold 2", "f1 fold 3"]
    assert "average\nprecision" not in shown.columns


def test_a_frame_or_a_person_in_two_folds_is_refused(folds, tmp_path):
    make_fold(tmp_path / "again", "BX", 5)
    with pytest.raises(UserError, match=r"the frame B/000000 is in the validation set of .*AB too"):
        sum_folds([*folds[0], tmp_path / "again"], PARAMETERS)
    table = make_fold(tmp_path / "person", "B", 5).with_columns(pl.col("id") + "x")
    table.write_parquet(tmp_path / "person" / "predictions.parquet")
    with pytest.raises(UserError, match=r"the subject B is in the validation set of .*AB too"):
        sum_folds([*folds[0], tmp_path / "person"], PARAMETERS)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda f: (f / "predictions.parquet").unlink(), "predictions.parquet: no such table"),
        (lambda f: (f / "predictions.parquet").write_bytes(b"PAR1"), "not a readable Parquet"),
        (lambda f: (f / "per_action_unit.csv").unlink(), "not the table that 'train evaluate'"),
        (
            lambda f: (f / "per_action_unit.csv").write_text("split,action_unit\nvalidation,AU1\n"),
            "not the table that 'train evaluate'",
        ),
        (
            lambda f: pl.DataFrame({"id": ["a"]}).write_parquet(f / "predictions.parquet"),
            "lacks the column 'split'",
        ),
        (
            lambda f: (
                pl.read_parquet(f / "predictions.parquet")
                .with_columns(split=pl.lit("train"))
                .write_parquet(f / "predictions.parquet")
            ),
            "hold no frame of the split 'validation'",
        ),
        (
            lambda f: (
                pl.read_parquet(f / "predictions.parquet")
                .rename({"AU1": "AU2", "AU1_probability": "AU2_probability"})
                .write_parquet(f / "predictions.parquet")
            ),
            "not the table that 'train evaluate'",
        ),
    ],
    ids=["gone", "damaged", "no-rows", "no-column", "other-table", "no-validation", "other-units"],
)
def test_a_bad_fold_is_told_in_a_sentence(folds, change, fault):
    change(folds[0][1])
    with pytest.raises(UserError, match=fault):
        sum_folds(folds[0], PARAMETERS)


def test_a_sum_is_no_fold(folds, tmp_path):
    run_sum_folds(folds[0][:2], tmp_path / "sum", PARAMETERS)
    with pytest.raises(UserError, match=r"sum: is itself a sum of folds; name its folds instead"):
        sum_folds([tmp_path / "sum", folds[0][2]], PARAMETERS)


def test_one_fold_is_no_sum(folds):
    with pytest.raises(UserError, match="two or more folds"):
        sum_folds(folds[0][:1], PARAMETERS)
