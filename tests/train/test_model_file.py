"""The model file: Keras opens it without this project, `load` with all that stands in it."""

from __future__ import annotations

import functools
import json
import zipfile

import keras
import numpy as np
import pytest

from curate.base.errors import (
    BadParameterError,
    DamagedInputError,
    MissingInputError,
    UserError,
)
from curate.base.params import Parameters
from train.model.file import Description, write_model
from train.model.load import ImagesError, load
from train.model.network import build_network

SIDE = 32
DESCRIPTION = Description(
    action_units=("AU1", "AU12"),
    thresholds=(0.25, 0.75),
    image_size=SIDE,
    crop="center",
    notes=("AU1: no positive on held-out moments",),
)


def pictures(frames=6):
    return np.random.default_rng(0).integers(0, 256, (frames, SIDE, SIDE, 3), dtype="uint8")


def small_network(images):
    """Two blocks with batch normalisation: the tail of any network made here."""
    x = images
    for number in (1, 2):
        x = keras.layers.Conv2D(4, 3, strides=2, name=f"block{number}_conv")(x)
        x = keras.layers.BatchNormalization(name=f"block{number}_norm")(x)
    return x


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    images = keras.Input((SIDE, SIDE, 3))
    path = tmp_path_factory.mktemp("backbone") / "own.keras"
    keras.Model(images, small_network(keras.layers.Rescaling(1 / 255)(images))).save(path)
    return str(path)


def build(backbone, **given):
    keras.utils.set_random_seed(0)
    parameters = Parameters(**{"backbone": backbone, "units": [8], "seed": 1} | given)
    return build_network(2, SIDE, parameters)


@pytest.fixture(scope="module")
def network(backbone):
    return build(backbone, unfreeze=1)


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "model.keras"
    write_model(network.inference, DESCRIPTION, path)
    return path


@pytest.fixture(scope="module")
def model(path):
    return load(path)


@pytest.mark.parametrize("unfreeze", [0, 1])
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_its_outputs_are_those_of_the_network_trained(backbone, tmp_path, unfreeze, kind):
    """To the bit: augmentation, which the file leaves out, does nothing but in training."""
    network = build(backbone, unfreeze=unfreeze)
    write_model(network.inference, DESCRIPTION, tmp_path / "model.keras")
    images = pictures().astype(kind)
    expected = keras.ops.sigmoid(network.training(images, training=False))
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images, training=False), expected)


def test_it_holds_all_that_was_written(path, model):
    assert model.description == DESCRIPTION
    assert (model.path, model.action_units, model.crop) == (path, ("AU1", "AU12"), "center")
    assert model.preprocessing == "RGB, 0-255, of any number type; the model does its own scaling"
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("framewise.json")) == {
            "format_version": 1,
            "action_units": ["AU1", "AU12"],
            "thresholds": [0.25, 0.75],
            "image_size": SIDE,
            "crop": "center",
            "preprocessing": model.preprocessing,
            "notes": ["AU1: no positive on held-out moments"],
        }


@pytest.mark.parametrize("given", [lambda p: p, str, lambda p: p.parent, lambda p: str(p.parent)])
def test_a_file_or_its_folder_is_loaded(path, given):
    assert load(given(path)).path == path


@pytest.mark.parametrize("unfreeze", [0, 1])
def test_the_file_is_the_same_whatever_was_built_before(backbone, tmp_path, unfreeze):
    for name in ("one", "other"):
        network = build(backbone, unfreeze=unfreeze)
        network.training_on_features.compile("adam", "mse")
        write_model(network.inference, DESCRIPTION, tmp_path / f"{name}.keras")
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "other.keras").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.keras", "other.keras"]


# The scalings of keras.applications, by a class that has them: what `preprocess_input` does.
SCALINGS = {"MobileNetV2": "to -1 to 1", "VGG16": "BGR less means", "DenseNet121": "by channel"}


@pytest.fixture
def untrained(monkeypatch):
    """Make classes of keras.applications, their weights as if downloaded, small."""
    for name in SCALINGS:
        original = getattr(keras.applications, name)

        @functools.wraps(original)  # keeps the module, where its scaling is
        def small(input_shape, **_options):
            images = keras.Input(input_shape)
            return keras.Model(images, small_network(images))

        monkeypatch.setattr(keras.applications, name, small)


def test_keras_alone_opens_it_beside_a_train_py(backbone, untrained, tmp_path, keras_alone):
    """Whatever the backbone is, in a process and a folder that know nothing of this project."""
    networks = {"own": build(backbone), "tuned": build(backbone, unfreeze=1, units=[])}
    networks["lite0"] = build("efficientnet-lite0")
    networks |= {name: build(name, unfreeze=1) for name in SCALINGS}
    for name, network in networks.items():
        write_model(network.inference, DESCRIPTION, tmp_path / f"{name}.keras")
    outputs = keras_alone(tmp_path, pictures())
    assert outputs.keys() == networks.keys()
    for name, network in networks.items():
        expected = np.asarray(network.inference(pictures(), training=False))
        for kind in ("uint8", "float32"):
            # Another process may add up in another order.
            np.testing.assert_allclose(outputs[name][kind], expected, atol=1e-6, err_msg=name)


def test_saved_again_it_keeps_its_description(model, tmp_path):
    for name in ("one", "other"):
        model.save(tmp_path / f"{name}.keras")
    again = load(tmp_path / "one.keras")
    assert again.description == DESCRIPTION
    np.testing.assert_array_equal(again.predict(pictures()), model.predict(pictures()))
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "other.keras").read_bytes()
    with pytest.raises(BadParameterError, match=r"model\.h5: a model file ends in \.keras"):
        model.save(str(tmp_path / "model.h5"))


def test_saved_again_by_keras_it_is_a_model_of_keras(model, tmp_path):
    model.network.save(tmp_path / "again.keras")
    keras.saving.load_model(tmp_path / "again.keras")
    sentence = "does not say which action units it predicts .* or the method 'save'"
    with pytest.raises(UserError, match=sentence):
        load(tmp_path / "again.keras")


def rewrite(path, target, **members):
    """Copy an archive, with other content for some members; None leaves one out."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = members.get(name.partition(".")[0], source.read(name))
            if content is not None:
                copy.writestr(name, content)
    return target


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingInputError, match=r"model\.keras: no such model; make it") as refused:
        load(tmp_path)
    assert refused.value.path == tmp_path / "model.keras"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path, target: target.write_bytes(path.read_bytes()[:-100]),
        lambda path, target: target.write_text("words"),
        lambda path, target: rewrite(path, target, config="{"),
        lambda path, target: rewrite(path, target, config=None),
        lambda path, target: rewrite(path, target, model=None),
        lambda path, target: rewrite(path, target, model=b"words"),
    ],
    ids=["cut", "text", "config", "no config", "no weights", "weights"],
)
def test_a_damaged_file_is_refused(path, tmp_path, damage):
    damage(path, tmp_path / "model.keras")
    with pytest.raises(DamagedInputError, match=r"model\.keras: not a complete \.keras") as refused:
        load(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("{", "Expecting property name"),
        ("[]", "has no attribute"),
        ({"thresholds": ["high", 0.5]}, r"thresholds\.0: Input should be a valid number"),
        ({"thresholds": [0.5]}, "2 action units and 1 thresholds"),
        ({"image_size": None}, "image_size: Input should be a valid integer"),
        (
            {"image_size": 48},
            r"maps \(None, 32, 32, 3\) to \(None, 2\), but its framewise\.json names 48",
        ),
    ],
    ids=["no JSON", "no object", "words", "too few", "no size", "another size"],
)
def test_a_damaged_description_is_refused(path, tmp_path, change, fault):
    content = change if isinstance(change, str) else json.dumps(described(path) | change)
    rewrite(path, tmp_path / "model.keras", framewise=content)
    with pytest.raises(DamagedInputError, match=rf"model\.keras: its .*{fault}.*make it again"):
        load(tmp_path)


def described(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("framewise.json"))


def test_keys_of_later_versions_are_passed_over(path, tmp_path):
    content = json.dumps(described(path) | {"colour": "green"})
    rewrite(path, tmp_path / "model.keras", framewise=content)
    assert load(tmp_path).description == DESCRIPTION


def test_another_version_of_the_format_is_refused(path, tmp_path):
    content = json.dumps(described(path) | {"format_version": 2})
    rewrite(path, tmp_path / "model.keras", framewise=content)
    with pytest.raises(UserError, match="is of format version 2, and this version of train reads"):
        load(tmp_path)


def test_a_model_of_an_older_version_is_refused(path, tmp_path):
    older = '{"registered_name": "framewise>ActionUnits"}'
    rewrite(path, tmp_path / "model.keras", config=older, framewise=None)
    with pytest.raises(UserError, match=r"model\.keras: is of an older version of 'train fit'"):
        load(tmp_path)


def test_many_pictures_are_predicted_as_few_are(model):
    images = pictures(150)
    scores = model.predict(images)
    assert (scores.shape, scores.dtype) == ((150, 2), np.float32)
    alone = [model.predict(images[start : start + 50]) for start in (0, 50, 100)]
    np.testing.assert_allclose(scores, np.concatenate(alone), atol=1e-6)
    assert model.predict(images[:0]).shape == (0, 2)


@pytest.mark.parametrize("kind", ["int64", "float16", "float64", "list"])
def test_numbers_of_any_type_are_pictures(model, kind):
    images = pictures().tolist() if kind == "list" else pictures().astype(kind)
    np.testing.assert_allclose(model.predict(images), model.predict(pictures()), atol=1e-6)


def test_what_reaches_its_threshold_is_decided_to_be_there(model):
    scores = model.predict(pictures())
    expected = np.stack([scores[:, 0] >= 0.25, scores[:, 1] >= 0.75], axis=1)
    np.testing.assert_array_equal(model.decide(pictures()), expected)


@pytest.mark.parametrize(
    ("images", "fault"),
    [
        (pictures()[0], r"of shape \(32, 32, 3\): .*give one picture as images\[None\]"),
        (pictures()[:, :16], r"of shape \(6, 16, 32, 3\): a model takes pictures \(frames, 32, 32"),
        (pictures()[..., :1], r"of shape \(6, 32, 32, 1\)"),
        (pictures() > 9, "of type bool: .*, integers or floats"),
        (["a.jpg"], "of type <U5"),
        ([np.zeros((32, 32, 3)), np.zeros((16, 16, 3))], "not all of one shape"),
        (pictures() / 255, "go from 0 to 1: .*multiply them by 255"),
        (pictures() / 127.5 - 1, "go from -1 to 1: .*do not normalise"),
        (pictures().astype("int32") + 1, "go from 1 to 256"),
        (np.full((1, 32, 32, 3), np.nan), "go from nan to nan"),
    ],
    ids=["one", "size", "gray", "bool", "names", "mixed", "0-1", "normalised", "above", "nan"],
)
def test_what_is_no_picture_is_refused(model, images, fault):
    with pytest.raises(ImagesError, match=f"images (are|go).*{fault.removeprefix('go')}"):
        model.predict(images)


def test_a_black_picture_is_one(model):
    assert model.predict(np.zeros((1, SIDE, SIDE, 3), "float32")).shape == (1, 2)
