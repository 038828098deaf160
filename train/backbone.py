"""The pretrained network under the head: from pixels to features, frozen or its last blocks tuned.

Every backbone takes RGB images, 0-255, and does its own scaling, so that the rest of the trainer
need not know which one it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from curate.errors import UserError
from train.blocks import unfreeze_last
from train.lite0 import lite0_features, load_weights
from train.weights import pretrained_weights

OFFLINE = "efficientnet-lite0"

Scaling = Callable[[Any], Any]


class BackboneError(UserError, ValueError):
    """A backbone that is unknown, cannot be downloaded, or does not fit the images."""


def build_backbone(name: str, image_size: int) -> keras.Model:
    """Build a frozen pretrained backbone: images (batch, size, size, 3) to (batch, channels).

    `name` is "efficientnet-lite0", whose weights are installed; a class of `keras.applications`,
    whose weights are downloaded once; or the path of a `.keras` file. Images are RGB, 0-255. Its
    weights do not train, and it runs in inference mode also inside a model that trains: batch
    norms keep their statistics. Raises `BackboneError` (a `ValueError`) saying what is wrong.
    """
    return split_backbone(name, image_size, 0)[0]


def split_backbone(
    name: str, image_size: int, unfreeze: int
) -> tuple[keras.Model, keras.Model | None]:
    """Build a backbone in two parts: the frozen one, and its last `unfreeze` blocks, that train.

    The first maps images (batch, size, size, 3), 0-255, to float32 activations, the second those to
    features (batch, channels); None, and the first maps to features, where `unfreeze` is 0. Both
    run in inference mode, and batch norms do not train. Raises `BackboneError` as `build_backbone`
    does, and `UserError` where the backbone has fewer blocks.
    """
    network, scaling = _network_and_scaling(name, image_size)
    network.trainable = False
    tuned = None
    if unfreeze:
        network, upper = unfreeze_last(network, unfreeze, name)
        activations = keras.Input(upper.input_shape[1:], name="activations")
        features = _pooled(upper(activations, training=False))
        tuned = _without_xla(keras.Model(activations, features, name="tuned"))
    images = keras.Input((image_size, image_size, 3), name="images")
    outputs = network(scaling(images), training=False)
    outputs = _in_float32(outputs if unfreeze else _pooled(outputs))
    frozen = keras.Model(images, outputs, name="backbone")
    frozen.trainable = False
    return _without_xla(frozen), tuned


def _without_xla(model: keras.Model) -> keras.Model:
    """Keep Keras from compiling the training step with XLA.

    Its convolutions are 15 times slower on a CPU than TensorFlow's own.
    """
    model.supports_jit = False
    return model


def _pooled(features: keras.KerasTensor) -> keras.KerasTensor:
    """Average (batch, height, width, channels) over the picture; leave (batch, channels)."""
    if len(features.shape) == 4:
        return keras.layers.GlobalAveragePooling2D(name="pooled")(features)
    return features


def _in_float32(activations: keras.KerasTensor) -> keras.KerasTensor:
    """Leave half precision behind, where a network computes in it."""
    if activations.dtype == "float32":
        return activations
    return keras.layers.Activation("linear", dtype="float32", name="in_float32")(activations)


def _network_and_scaling(name: str, image_size: int) -> tuple[keras.Model, Scaling]:
    """Load the named network, and what its pixels go through first if not part of it."""
    if name == OFFLINE:
        network = lite0_features(image_size)
        load_weights(network, pretrained_weights())
        return network, _unscaled
    if name.endswith(".keras"):
        return _saved_network(Path(name), image_size), _unscaled
    if name in application_names():
        return _application(name, image_size), application_scaling(name)
    raise BackboneError(
        f"Unknown backbone {name!r}: use {OFFLINE}, a path to a .keras file, or one of "
        f"{', '.join(application_names())}"
    )


def _unscaled(images: Any) -> Any:
    return images


def application_names() -> list[str]:
    """List the network classes of the installed Keras, in alphabetical order."""
    return sorted(
        name for name, value in vars(keras.applications).items() if inspect.isfunction(value)
    )


def application_scaling(name: str) -> Scaling:
    """Find the `preprocess_input` of a network class, in the module that defines both."""
    module: Any = inspect.getmodule(getattr(keras.applications, name))
    return module.preprocess_input


def _application(name: str, image_size: int) -> keras.Model:
    try:
        return getattr(keras.applications, name)(
            include_top=False,
            weights="imagenet",
            input_shape=(image_size, image_size, 3),
            pooling="avg",
        )
    except ValueError as error:
        raise BackboneError(f"{name} cannot take images of {image_size} pixels: {error}") from error
    # Keras raises a plain Exception where the download fails.
    except Exception as error:
        raise BackboneError(
            f"The weights of {name} could not be downloaded: use {OFFLINE}, which needs no "
            f"network, or a .keras file"
        ) from error


def _saved_network(path: Path, image_size: int) -> keras.Model:
    if not path.is_file():
        raise BackboneError(f"There is no backbone file {path}")
    try:
        network = keras.saving.load_model(path, compile=False)
    except (ValueError, TypeError, OSError) as error:
        raise BackboneError(f"{path} is not a readable .keras file: {error}") from error
    expected = (None, image_size, image_size, 3)
    given = network.input_shape
    fits = (
        isinstance(given, tuple)
        and len(given) == 4
        and all(size in (None, wanted) for size, wanted in zip(given, expected, strict=True))
    )
    if not fits or len(network.output_shape) not in (2, 4):
        raise BackboneError(
            f"{path} maps {given} to {network.output_shape}: a backbone maps {expected} to "
            f"(None, channels) or (None, height, width, channels)"
        )
    return network
