"""The pretrained network under the head: from pixels to features, frozen or its last blocks tuned.

Every backbone takes RGB images, 0-255, and does its own scaling, so that the rest of the trainer
need not know which one it is.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from curate.base.errors import BadParameterError
from train.model.blocks import unfreeze_last
from train.model.file import first_sentence, made_by_fit
from train.model.lite0 import lite0_features, load_weights
from train.model.lite0_weights import pretrained_weights

OFFLINE = "efficientnet-lite0"

Scaling = Callable[[Any], Any]


class BackboneError(BadParameterError, ValueError):
    """A backbone that is unknown, cannot be read or downloaded, or does not fit the images."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message, path=path, key="backbone")


def build_backbone(name: str, image_size: int) -> keras.Model:
    """Build a frozen pretrained backbone: images (batch, size, size, 3) to (batch, channels).

    `name` is "efficientnet-lite0", whose weights are installed; a class of `keras.applications`,
    whose weights are downloaded once; or the path of a `.keras` file. Images are RGB, 0-255. Its
    weights do not train, and it runs in inference mode also inside a model that trains: batch
    norms keep their statistics.

    Raises:
        BackboneError: it is unknown, cannot be read or downloaded, or does not fit the images.
        WeightsError: the weights of "efficientnet-lite0" are not installed, or damaged.
    """
    return split_backbone(name, image_size, 0)[0]


def split_backbone(
    name: str, image_size: int, unfreeze: int
) -> tuple[keras.Model, keras.Model | None]:
    """Build a backbone in two parts: the frozen one, and its last `unfreeze` blocks, that train.

    The first maps images (batch, size, size, 3), 0-255, to float32 activations, the second those to
    features (batch, channels). Where `unfreeze` is 0, the second is None and the first maps to
    features. Both run in inference mode, and batch norms do not train.

    Raises:
        BackboneError, WeightsError: as `build_backbone`.
        BadParameterError: the backbone has fewer blocks.
    """
    network, scaling = _network_and_scaling(name, image_size)
    network.trainable = False
    tuned = None
    if unfreeze:
        network, upper = unfreeze_last(network, unfreeze, name)
    images = keras.Input((image_size, image_size, 3), name="images")
    outputs = network(scaling(images), training=False)
    if unfreeze:
        # Of the shape that these images give: the network may take them of any size.
        activations = keras.Input(outputs.shape[1:], name="activations")
        features = _pooled(upper(activations, training=False))
        tuned = _without_xla(keras.Model(activations, features, name="tuned"))
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
    """Cast activations to float32, where a network computes in half precision."""
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
        return saved_network(Path(name), image_size), _unscaled
    if name in application_names():
        return _application(name, image_size), application_scaling(name)
    raise _unknown(name)


def _unknown(name: str) -> BackboneError:
    """Make the error for an unknown backbone: what may be meant, and what is allowed."""
    names = {known.lower(): known for known in (OFFLINE, *application_names())}
    similar = difflib.get_close_matches(name.lower(), names, n=1)
    similar = similar or [known for known in names if name.lower() in known]  # Lite0, B0
    question = f"did you mean {names[similar[0]]!r}? Allowed" if similar else "allowed"
    return BackboneError(
        f"Unknown backbone {name!r}: {question} are {OFFLINE}, a path to a .keras file, and "
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


def saved_network(path: Path, image_size: int) -> keras.Model:
    """Load a network that maps images (batch, size, size, 3) to one tensor of features.

    Raises:
        BackboneError: no such file, not one that Keras saved, or a model of another kind.
    """
    if not path.is_file():
        raise BackboneError(f"There is no backbone file {path}", path)
    allowed = (
        f"a backbone maps {(None, image_size, image_size, 3)} to (None, channels) or "
        f"(None, height, width, channels)"
    )
    try:
        network = None if made_by_fit(path) else keras.saving.load_model(path, compile=False)
    except Exception as error:  # an odd archive fails in whichever part of Keras meets it first
        raise BackboneError(
            f"{path} is not a readable .keras file ({first_sentence(error)}): save one with Keras; "
            f"{allowed}",
            path,
        ) from error
    fault = _fault(network, image_size)
    if fault:
        raise BackboneError(f"{path} {fault}: {allowed}", path)
    return network


def _fault(network: keras.Model | None, image_size: int) -> str:
    """Describe why a network cannot be a backbone; empty where it can.

    None stands for a model of `train fit`.
    """
    if network is None:
        return "is a model of 'train fit', which maps pictures to action units"
    if not network.built or not network.inputs:
        return "has no input shape and no weights, being saved before it was built"
    inputs = network.input_shape
    if not _takes(inputs, (None, image_size, image_size, 3)):
        return f"maps {inputs} to {network.output_shape}"
    try:
        features = network.compute_output_spec(
            keras.KerasTensor((None, image_size, image_size, 3)), training=False
        )
    except Exception as error:  # of any layer within
        return f"cannot take images of {image_size} pixels ({first_sentence(error)})"
    # Not the model's output_shape, which gives a dictionary of one tensor as that tensor.
    outputs = keras.tree.map_structure(lambda tensor: tuple(tensor.shape), features)
    return "" if _is_shape(outputs, (2, 4)) and outputs[-1] else f"maps {inputs} to {outputs}"


def _takes(inputs: Any, images: tuple[int | None, ...]) -> bool:
    """Return whether a network of that input shape takes images of that shape."""
    return _is_shape(inputs, (4,)) and all(
        size in (None, side) for size, side in zip(inputs, images, strict=True)
    )


def _is_shape(shape: Any, ranks: tuple[int, ...]) -> bool:
    """Return whether this is the shape of one tensor, of one of the `ranks`: no list of shapes."""
    return (
        isinstance(shape, tuple)
        and len(shape) in ranks
        and all(size is None or isinstance(size, int) for size in shape)
    )
