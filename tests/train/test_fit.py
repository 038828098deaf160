"""fit and evaluate on a small set whose pictures tell their labels."""

from __future__ import annotations

import json
import shutil
import zipfile

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from curate.base.errors import UserError
from curate.base.files import check_folder
from curate.base.params import Parameters
from train.data import Shards
from train.evaluate.result import FILES as EVALUATION_FILES
from train.evaluate.stage import evaluate_fit
from train.evaluate.stage import run as evaluate
from train.fit.features import Features
from train.fit.monitor import Monitor, check_validation
from train.fit.stage import FILES
from train.fit.stage import run as fit
from train.metrics.loss import masked_cross_entropy
from train.metrics.scores import choose_thresholds
from train.model.load import load


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
    return folder / "fit", fit(shards, folder / "fit", parameters)


def test_probes_hold_what_they_say(fitted):
    probes = pl.read_csv(fitted[0] / "probes.csv")
    assert probes["epoch"].to_list()[:6] == [1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0, 2.0]
    assert probes["seen_frames"].to_list()[:5] == [4, 8, 16, 24, 30]
    assert (probes["seen_frames"] + probes["unseen_frames"] <= 30).all()
    assert (probes.filter(pl.col("epoch") < 1)["unseen_frames"] > 0).all()
    assert probes.filter(pl.col("epoch") >= 1)["unseen"].null_count() == 12
    assert probes["moments_frames"].to_list() == [12] * len(probes)
    assert probes["dropped_frames"].to_list() == [6] * len(probes)
    assert probes["people_frames"].to_list() == [48] * len(probes)


def test_what_is_written_may_be_written_again(fitted, shards, parameters, tmp_path):
    """A folder that holds anything else is refused: no file of ours may be missing in the lists."""
    check_folder(fitted[0], *FILES)
    evaluate(fitted[0], shards, tmp_path / "evaluation", parameters)
    check_folder(tmp_path / "evaluation", *EVALUATION_FILES)


def test_it_learns(fitted):
    people = pl.read_csv(fitted[0] / "probes.csv")["people"]
    assert people[-1] < people[0] / 2


def test_a_second_run_gives_the_same_bytes(fitted, shards, parameters, tmp_path):
    fit(shards, tmp_path / "fit", parameters)
    files = sorted(p.relative_to(fitted[0]) for p in fitted[0].rglob("*") if p.is_file())
    assert len(files) > 8
    for name in files:
        assert (tmp_path / "fit" / name).read_bytes() == (fitted[0] / name).read_bytes(), name


def test_no_half_written_folder_is_left(fitted):
    assert [path.name for path in fitted[0].parent.iterdir()] == ["fit"]


def test_what_it_learnt_holds_on_people_never_seen(fitted, shards, parameters):
    evaluation = evaluate_fit(fitted[0], shards, parameters)
    assert evaluation.metrics["validation"]["micro"]["f1"] > 0.9


def test_the_model_file_says_what_it_predicts(fitted):
    model = load(fitted[0])
    assert (model.action_units, model.image_size, model.crop) == (("AU1", "AU12"), 32, "center")
    assert model.notes == ()


def test_thresholds_are_chosen_on_held_out_moments(fitted, shards):
    model = load(fitted[0])
    batches = list(Shards.open(shards).measure("moments"))
    chances = model.predict(np.concatenate([images for images, _ in batches]))
    labels = np.concatenate([known for _, known in batches])
    np.testing.assert_allclose(model.thresholds, choose_thresholds(labels, chances), atol=1e-6)


def test_a_model_of_shards_that_do_not_tell_their_crop_does_not_either(
    shards, parameters, tmp_path, caplog
):
    older = shutil.copytree(shards, tmp_path / "tfrecords")
    (older / "metadata.json").unlink()
    fit(older, tmp_path / "fit", changed(parameters, epochs=1))
    model = load(tmp_path / "fit")
    assert model.crop is None
    assert model.notes[0].startswith("the shards do not say how their frames were cut (crop)")
    assert caplog.messages == list(model.notes)


STILL = {"rotation": 0, "brightness": 0, "flip": False}


def changed(parameters, **given):
    return Parameters(**parameters.model_dump() | given)


def test_features_computed_once_train_as_pictures_do(shards, parameters, tmp_path):
    """Without augmentation the head is trained on features; with next to none on pictures."""
    still = changed(parameters, epochs=3, **STILL)
    fit(shards, tmp_path / "cached", still)
    fit(shards, tmp_path / "pictures", changed(still, brightness=1e-9))
    on_features, on_pictures = (
        pl.read_csv(tmp_path / name / "history.csv")["loss"] for name in ("cached", "pictures")
    )
    np.testing.assert_allclose(on_features, on_pictures, rtol=1e-4)


def test_the_best_weights_are_kept(shards, parameters, tmp_path):
    """Trained far too fast, a later epoch is worse than an earlier one."""
    hasty = changed(parameters, lr=0.3, epochs=6, monitor="loss", **STILL)
    fit(shards, tmp_path / "fit", hasty)
    history = pl.read_csv(tmp_path / "fit" / "history.csv")
    best = int(np.argmin(history["validation_loss"]))
    assert best < 5
    assert json.loads((tmp_path / "fit" / "gap.json").read_text())["kept_epoch"] == best + 1
    model = keras.models.load_model(tmp_path / "fit" / "model.keras")
    loss, known = 0.0, 0.0
    for images, labels in Shards.open(shards).measure("validation"):
        chances = model(np.float32(images), training=False)
        losses, weights = masked_cross_entropy(labels.numpy(), chances)
        loss, known = loss + np.sum(losses), known + np.sum(weights)
    assert loss / known == pytest.approx(history["validation_loss"][best], rel=1e-4)


def test_patience_ends_it_early(shards, parameters, tmp_path):
    hasty = changed(parameters, lr=0.3, epochs=40, patience=2, monitor="macro_f1", **STILL)
    fit(shards, tmp_path / "fit", hasty)
    f1 = pl.read_csv(tmp_path / "fit" / "history.csv")["validation_macro_f1"].to_list()
    assert len(f1) < 40
    assert len(f1) == f1.index(max(f1)) + 1 + 2


def test_fine_tuned_blocks_move_and_frozen_ones_do_not(shards, parameters, tmp_path):
    images = keras.Input((32, 32, 3))
    x = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(images))
    for number in (1, 2):
        x = keras.layers.Conv2D(4, 1, name=f"block{number}_conv")(x)
        x = keras.layers.BatchNormalization(name=f"block{number}_norm")(x)
    network = keras.Model(images, keras.layers.Flatten()(x))
    network.save(tmp_path / "own.keras")
    tuned = changed(parameters, backbone=str(tmp_path / "own.keras"), unfreeze=1, epochs=1)
    fit(shards, tmp_path / "fit", tuned)
    model = keras.models.load_model(tmp_path / "fit" / "model.keras")
    weights = {v.path.rpartition("block")[2]: np.asarray(v) for v in model.weights}
    for variable in network.weights:
        name = variable.path.rpartition("block")[2]
        moved = not np.array_equal(weights[name], variable)
        assert moved == (name in ("2_conv/kernel", "2_conv/bias")), name


def test_half_precision_is_written_as_full(shards, parameters, tmp_path, keras_alone):
    half = changed(parameters, epochs=2, precision="mixed_float16")
    fit(shards, tmp_path / "fit", half)
    model = keras.models.load_model(tmp_path / "fit" / "model.keras")
    assert {layer.compute_dtype for layer in model.get_layer("head").layers} == {"float32"}
    with zipfile.ZipFile(tmp_path / "fit" / "model.keras") as archive:
        assert b"float16" not in archive.read("config.json")
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype="uint8")
    outputs = keras_alone(tmp_path / "fit", pictures)["model"]
    np.testing.assert_allclose(outputs["uint8"], model(pictures, training=False), atol=1e-6)
    history = pl.read_csv(tmp_path / "fit" / "history.csv")
    assert history["loss"][1] < history["loss"][0]
    assert keras.config.dtype_policy().name == "float32"


def test_weights_raise_the_rare_class(shards, parameters, tmp_path):
    """The loss of an untrained network, whose every label costs log 2, tells the mean weight."""
    weighed = changed(parameters, epochs=1, lr=1e-9, dropout=0, weight="inverse", **STILL)
    fit(shards, tmp_path / "fit", weighed)
    fit(shards, tmp_path / "plain", changed(weighed, weight="none"))
    labels = Shards.open(shards).labels("train")
    present, absent = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
    loss, plain = (
        pl.read_csv(tmp_path / name / "history.csv")["loss"][0] for name in ("fit", "plain")
    )
    expected = (present * (absent / present) + absent).sum() / (present + absent).sum()
    assert loss / plain == pytest.approx(expected, rel=0.2)
    probes = [pl.read_csv(tmp_path / n / "probes.csv")["seen_plain"] for n in ("fit", "plain")]
    np.testing.assert_allclose(*probes, rtol=1e-4)  # probes are never weighed


def test_a_loss_that_is_no_number_is_told(shards, parameters, tmp_path):
    images = keras.Input((32, 32, 3))
    features = keras.layers.Flatten()(keras.layers.AveragePooling2D(16)(images))
    for _ in range(2):  # past the largest float32
        features = keras.layers.Rescaling(1e30)(features)
    keras.Model(images, features).save(tmp_path / "huge.keras")
    huge = changed(parameters, backbone=str(tmp_path / "huge.keras"), units=[])
    sentence = r"very first training loss is no number: the backbone .*huge\.keras gives"
    with pytest.raises(UserError, match=sentence):
        fit(shards, tmp_path / "fit", huge)
    assert [path.name for path in tmp_path.iterdir()] == ["huge.keras"]


def test_monitoring_needs_people():
    with pytest.raises(UserError, match=r"validation, which is empty .* set monitor to last"):
        check_validation(np.zeros((0, 3), np.int8), "loss")


def test_macro_f1_needs_a_positive_to_monitor():
    labels = np.zeros((9, 3), np.int8)
    with pytest.raises(UserError, match=r"monitor: macro_f1 needs a positive .* set monitor to"):
        check_validation(labels, "macro_f1")
    check_validation(labels, "loss")


def test_what_cannot_be_monitored_ends_before_training(backbone, shards, parameters, tmp_path):
    """One subject only: nobody validates."""
    one_subject = shutil.copytree(shards, tmp_path / "tfrecords")
    description = json.loads((one_subject / "dataset_info.json").read_text())
    description["splits"] = [s for s in description["splits"] if s["name"] != "validation"]
    (one_subject / "dataset_info.json").write_text(json.dumps(description))
    with pytest.raises(UserError, match=r"validation, which is empty"):
        fit(one_subject, tmp_path / "fit", changed(parameters, patience=2))
    assert [path.name for path in tmp_path.iterdir()] == ["tfrecords"]


def test_the_labels_of_a_split_are_read_once(shards, parameters, tmp_path, monkeypatch):
    """A pass over labels alone parses no picture; checks and weights ask for those of training."""
    parse, passes = tf.io.parse_example, []

    def counted(records, features):
        passes.extend([] if "image" in features else [sorted(features)])
        return parse(records, features)

    monkeypatch.setattr(tf.io, "parse_example", counted)
    asked = changed(parameters, epochs=1, weight="inverse", monitor="macro_f1")
    fit(shards, tmp_path / "fit", asked)
    assert passes == [["labels/AU1", "labels/AU12"]] * 3  # training, moments, validation


def test_the_loss_needs_no_positive_to_monitor():
    """Nor does the history tell a macro F1 where none is defined."""
    history: list[dict[str, float]] = [{"epoch": 1}]
    frames = Features(np.zeros((9, 4), np.float32), np.zeros((9, 1), np.int8))
    head = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    monitor = Monitor("loss", 0, head, frames, history)
    monitor.on_epoch_end(0)
    assert history == [{"epoch": 1, "validation_loss": pytest.approx(np.log(2))}]
    assert monitor.kept_epoch(1) == 1


def test_damage_is_told_before_anything_is_written(shards, parameters, tmp_path):
    damaged = shutil.copytree(shards, tmp_path / "tfrecords")
    path = next(damaged.glob("*-train.tfrecord-00001-*"))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UserError, match="a TFRecord file is damaged"):
        fit(damaged, tmp_path / "fit", parameters)
    assert [path.name for path in tmp_path.iterdir()] == ["tfrecords"]


def relabelled(shards, folder, unit, **labels):
    """Copy shards; give an action unit this one label in all frames of each split named."""
    copy = shutil.copytree(shards, folder)
    for split, label in labels.items():
        for path in copy.glob(f"*-{split}.tfrecord-*"):
            records = [
                tf.train.Example.FromString(record.numpy())
                for record in tf.data.TFRecordDataset(str(path))
            ]
            with tf.io.TFRecordWriter(str(path)) as writer:
                for record in records:
                    record.features.feature[f"labels/{unit}"].int64_list.value[:] = [label]
                    writer.write(record.SerializeToString())
    return copy


@pytest.mark.parametrize(
    ("training", "note"),
    [
        (-1, "AU12: unknown in every training frame; it is not learned, and its scores mean"),
        (0, "AU12: no training frame has it present; the network can only learn its absence"),
        (1, "AU12: no training frame has it absent; the network can only learn its presence"),
    ],
    ids=["unknown", "absent", "present"],
)
def test_what_the_labels_cannot_teach_is_said_and_kept(
    shards, parameters, tmp_path, caplog, training, note
):
    poor = relabelled(shards, tmp_path / "tfrecords", "AU12", train=training, moments=0)
    fit(poor, tmp_path / "fit", changed(parameters, epochs=1, weight="inverse", **STILL))
    chosen = "AU12: no positive on held-out moments, so its threshold is 0.5, not chosen"
    assert caplog.messages[0].startswith(note)
    assert caplog.messages[1] == chosen
    evaluation = evaluate_fit(tmp_path / "fit", poor, parameters)
    assert evaluation.notes[0].startswith(note)
    assert evaluation.notes[1] == chosen


def test_without_a_known_label_there_is_nothing_to_learn(shards, parameters, tmp_path):
    poor = relabelled(shards, tmp_path / "half", "AU12", train=-1)
    poor = relabelled(poor, tmp_path / "tfrecords", "AU1", train=-1)
    with pytest.raises(UserError, match="tfrecords: no training frame has a known label, so "):
        fit(poor, tmp_path / "fit", parameters)
    assert {path.name for path in tmp_path.iterdir()} == {"half", "tfrecords"}
