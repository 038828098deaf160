"""fit and evaluate on a small set whose pictures tell their labels."""

from __future__ import annotations

import json

import keras
import numpy as np
import polars as pl
import pytest

from curate.errors import UserError
from curate.params import Parameters
from train.evaluate import evaluate_stage
from train.fit import fit_stage


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A backbone that a test affords: mean colours of the picture's quarters."""
    images = keras.Input((32, 32, 3))
    small = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(images))
    path = tmp_path_factory.mktemp("backbone") / "quarters.keras"
    keras.Model(images, keras.layers.Flatten()(small)).save(path)
    return str(path)


@pytest.fixture(scope="module")
def parameters(backbone):
    return Parameters(
        backbone=backbone, units=[32], dropout=0.1, lr=0.02, batch_size=4, epochs=12, rotation=2,
        shear=0, zoom=0, shift=0, brightness=0.02, probe_frames=50,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted(shards, parameters, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    return folder / "fit", fit_stage(shards, folder / "fit", parameters)


def test_probes_hold_what_they_say(fitted):
    probes = pl.read_csv(fitted[0] / "probes.csv")
    assert probes["epoch"].to_list()[:6] == [1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0, 2.0]
    assert (probes["seen_frames"] + probes["unseen_frames"] == 30).all()
    assert probes.filter(pl.col("epoch") >= 1)["unseen"].null_count() == 12
    assert probes["moments_frames"].to_list() == [12] * len(probes)
    assert probes["dropped_frames"].to_list() == [6] * len(probes)
    assert probes["people_frames"].to_list() == [48] * len(probes)


def test_it_learns(fitted):
    people = pl.read_csv(fitted[0] / "probes.csv")["people"]
    assert people[-1] < people[0] / 2


def test_a_second_run_gives_the_same_bytes(fitted, shards, parameters, tmp_path):
    fit_stage(shards, tmp_path / "fit", parameters)
    files = sorted(p.relative_to(fitted[0]) for p in fitted[0].rglob("*") if p.is_file())
    assert len(files) > 8
    for name in files:
        assert (tmp_path / "fit" / name).read_bytes() == (fitted[0] / name).read_bytes(), name


def test_no_half_written_folder_is_left(fitted):
    assert [path.name for path in fitted[0].parent.iterdir()] == ["fit"]


def test_evaluate_scores_people_never_seen(fitted, shards, parameters, tmp_path):
    metrics, counts = evaluate_stage(fitted[0], shards, tmp_path / "evaluation", parameters)
    assert metrics["validation"]["frames"] == 48
    assert metrics["validation_balanced"]["frames"] == 24
    assert metrics["validation"]["micro"]["f1"] > 0.9
    assert json.loads((tmp_path / "evaluation" / "metrics.json").read_text()) == metrics
    rows = pl.read_csv(tmp_path / "evaluation" / "per_action_unit.csv")
    assert rows.filter(split="validation")["frames"].to_list() == [48, 42]
    assert [row[0] for row in counts.rows] == ["AU1", "AU12", "micro", "macro"]


def test_predictions_are_the_saved_models(fitted, shards, parameters, tmp_path):
    evaluate_stage(fitted[0], shards, tmp_path / "evaluation", parameters)
    table = pl.read_parquet(tmp_path / "evaluation" / "predictions.parquet")
    chances = table.select("AU1_probability", "AU12_probability").to_numpy()
    assert len(table) == 72
    assert ((chances > 0) & (chances < 1)).all()
    assert table["AU12"].null_count() == 9
    model = keras.models.load_model(fitted[0] / "model.keras")
    assert model.output_shape == (None, 2)
    gray = np.full((1, 32, 32, 3), 127.0)
    np.testing.assert_array_equal(model(gray), model(gray))  # augmentation is off in inference


def test_evaluate_needs_a_model(shards, parameters, tmp_path):
    with pytest.raises(UserError, match=r"model\.keras: no such model; make it with 'train fit'"):
        evaluate_stage(tmp_path, shards, tmp_path / "evaluation", parameters)


def test_a_model_of_other_action_units_is_refused(fitted, shards, parameters, tmp_path):
    other = tmp_path / "fit"
    other.mkdir()
    for name in ("model.keras", "gap.json"):
        (other / name).write_bytes((fitted[0] / name).read_bytes())
    (other / "action_units.json").write_text('["AU4"]')
    with pytest.raises(UserError, match="trained for AU4, but the shards hold AU1, AU12"):
        evaluate_stage(other, shards, tmp_path / "evaluation", parameters)


def test_a_loss_that_runs_away_is_told(shards, parameters, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "train.model.MaskedBinaryCrossentropy.call",
        lambda self, y_true, y_pred: y_pred[0, 0] * np.nan,
    )
    with pytest.raises(UserError, match="no longer a number at step 1; lower lr"):
        fit_stage(shards, tmp_path / "fit", parameters)
    assert not (tmp_path / "fit").exists()
