"""Exported models give the probabilities of the model in Keras, and say what they are."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from curate.base.errors import BadParameterError, UserError
from curate.base.params import Parameters
from train.export import export_stage
from train.model.file import Description, write_model
from train.model.network import build_network

SIDE = 32
needs_onnx = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnxruntime")),
    reason="ONNX needs the extra: pip install -c constraints.txt -e '.[export]'",
)


def save_model(folder, side=SIDE):
    """Save a small network with augmentation, of two action units, as `train fit` does."""
    images = keras.Input((side, side, 3))
    convolved = keras.layers.Conv2D(4, 3, strides=2)(keras.layers.Rescaling(1 / 255)(images))
    keras.Model(images, convolved).save(folder / "backbone.keras")
    parameters = Parameters(backbone=str(folder / "backbone.keras"), units=[8])
    write_model(
        build_network(2, side, parameters).inference,
        Description(
            action_units=("AU1", "AU12"), thresholds=(0.25, 0.625), image_size=side, crop="haar"
        ),
        folder / "model.keras",
    )
    return folder


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="module")
def pictures(fit):
    """Pictures that the export did not compare on, in a batch of another size, and their scores."""
    images = np.random.default_rng(7).uniform(0, 255, (5, SIDE, SIDE, 3)).astype("float32")
    return images, keras.models.load_model(fit / "model.keras").predict(images, verbose=0)


def test_a_savedmodel_gives_the_same_probabilities(fit, shards, pictures, tmp_path):
    counts = export_stage(fit, shards, "savedmodel", tmp_path / "exported")
    images, expected = pictures
    loaded = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_allclose(loaded.serve(images), expected, atol=1e-6)
    assert counts.data["largest_difference"] < 1e-6
    assert counts.data["compared_on"] == "48 frames of validation"
    export_stage(fit, shards, "savedmodel", tmp_path / "exported")  # replaces the one before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exported", "exported.json"]


@needs_onnx
def test_onnx_gives_the_same_probabilities(fit, shards, pictures, tmp_path):
    import onnxruntime

    counts = export_stage(fit, shards, "onnx", tmp_path / "model.onnx")
    images, expected = pictures
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    served = session.run(None, {session.get_inputs()[0].name: images})[0]
    np.testing.assert_allclose(served, expected, atol=1e-5)
    assert counts.data["largest_difference"] < 1e-5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.onnx"]


def test_the_file_beside_says_what_goes_in_and_comes_out(fit, shards, tmp_path):
    counts = export_stage(fit, shards, "savedmodel", tmp_path / "exported")
    assert json.loads((tmp_path / "exported.json").read_text()) == {
        "format": "savedmodel",
        "images": {"shape": [None, 32, 32, 3], "dtype": "float32", "values": "RGB, 0-255"},
        "action_units": ["AU1", "AU12"],
        "thresholds": [0.25, 0.625],
        "image_size": 32,
        "crop": "haar",
        "preprocessing": "RGB, 0-255, of any number type; the model does its own scaling",
        "notes": [],
    }
    assert counts.rows == [("AU1", 0.25), ("AU12", 0.625)]


def test_without_shards_random_pictures_are_compared(fit, tmp_path):
    counts = export_stage(fit, tmp_path / "none", "savedmodel", tmp_path / "exported")
    assert counts.data["compared_on"] == "64 random pictures"


def test_probabilities_that_differ_are_refused_and_nothing_is_left(fit, shards, tmp_path):
    with pytest.raises(UserError, match=r"exported: not written, its probabilities differ"):
        export_stage(fit, shards, "savedmodel", tmp_path / "exported", tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_damaged_shards_are_told(fit, shards, tmp_path):
    damaged = shutil.copytree(shards, tmp_path / "tfrecords")
    for path in damaged.glob("*.tfrecord-*"):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match="a TFRecord file is damaged"):
        export_stage(fit, damaged, "savedmodel", tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_shards_of_another_size_are_refused(shards, tmp_path):
    other = save_model(tmp_path, side=48)
    with pytest.raises(UserError, match="holds pictures of 32 pixels, but the model takes 48"):
        export_stage(other, shards, "savedmodel", tmp_path / "exported")


def test_onnx_without_its_packages_says_how_to_get_them(fit, shards, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)  # as where it is not installed
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    sentence = r"needs tf2onnx and onnxruntime; install with .*\.\[export\]"
    with pytest.raises(BadParameterError, match=sentence):
        export_stage(fit, shards, "onnx", tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file_format", "name"),
    [("onnx", "model"), ("savedmodel", "model.onnx"), ("savedmodel", "model.json")],
)
def test_a_name_that_does_not_fit_the_format_is_refused(fit, shards, tmp_path, file_format, name):
    with pytest.raises(UserError, match=rf"{name}: does not fit --format {file_format}; name"):
        export_stage(fit, shards, file_format, tmp_path / name)


def test_a_folder_of_something_else_is_not_replaced(fit, shards, tmp_path):
    (tmp_path / "thesis.txt").write_text("words")
    with pytest.raises(UserError, match=r"holds something else than saved_model\.pb"):
        export_stage(fit, shards, "savedmodel", tmp_path)
    assert (tmp_path / "thesis.txt").is_file()


def export(train, *arguments):
    return train("export", "--json", "--format", "savedmodel", "--output", "exported", *arguments)


def test_the_command_answers_in_json_for_machines(fit, shards, train, tmp_path):
    ran = export(train, "--fit", fit, "--tfrecords", shards)
    assert ran.returncode == 0
    answer = json.loads(ran.stdout)
    assert (answer["path"], answer["action_units"]) == ("exported", ["AU1", "AU12"])
    assert (tmp_path / "exported" / "saved_model.pb").is_file()


def test_the_command_needs_a_model(train):
    ran = export(train)
    assert ran.returncode == 2
    assert "no such model; make it with 'train fit'" in ran.stderr
