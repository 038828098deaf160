"""A backbone out of a `.keras` file: read, and found to be one before it is used."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import keras

from curate.base.errors import UserError

# What the layer is registered as that ends every model of `train fit` (train.model.network.ActionUnits).
_OURS = "framewise>ActionUnits"


class BackboneError(UserError, ValueError):
    """A backbone that is unknown, cannot be downloaded, or does not fit the images."""


def saved_network(path: Path, image_size: int) -> keras.Model:
    """Load a network that maps images (batch, size, size, 3) to one tensor of features.

    Raises:
        BackboneError: no such file, not one that Keras saved, or a model that is no backbone.
    """
    if not path.is_file():
        raise BackboneError(f"There is no backbone file {path}")
    must = (
        f"a backbone maps {(None, image_size, image_size, 3)} to (None, channels) or "
        f"(None, height, width, channels)"
    )
    try:
        network = _load(path)
    except Exception as error:  # an odd archive fails in whichever part of Keras meets it first
        raise BackboneError(
            f"{path} is not a readable .keras file ({_reason(error)}): save one with Keras; {must}"
        ) from error
    fault = _fault(network, image_size)
    if fault:
        raise BackboneError(f"{path} {fault}: {must}")
    return network


def _load(path: Path) -> keras.Model:
    if not zipfile.is_zipfile(path):  # Keras would say that it is not there
        raise ValueError("not a zip archive")
    return keras.saving.load_model(path, compile=False)


def _fault(network: keras.Model, image_size: int) -> str:
    """Say why a network is no backbone; nothing where it is one."""
    if not network.built or not network.inputs:
        return "has no input shape and no weights, being saved before it was built"
    if any(keras.saving.get_registered_name(type(layer)) == _OURS for layer in network.layers):
        return "is a model of 'train fit', which maps pictures to action units"
    given = network.input_shape
    if not _takes(given, (None, image_size, image_size, 3)):
        return f"maps {given} to {network.output_shape}"
    try:
        features = network.compute_output_spec(
            keras.KerasTensor((None, image_size, image_size, 3)), training=False
        )
    except Exception as error:  # of any layer within
        return f"cannot take images of {image_size} pixels ({_reason(error)})"
    # Not the model's output_shape, which tells one tensor as a dictionary that holds it.
    answered = keras.tree.map_structure(lambda tensor: tuple(tensor.shape), features)
    return "" if _is_shape(answered, (2, 4)) and answered[-1] else f"maps {given} to {answered}"


def _takes(given: Any, wanted: tuple[int | None, ...]) -> bool:
    """Tell whether an input of the shape `given` takes images of the shape `wanted`."""
    return _is_shape(given, (4,)) and all(
        size in (None, needed) for size, needed in zip(given, wanted, strict=True)
    )


def _is_shape(shape: Any, ranks: tuple[int, ...]) -> bool:
    """Tell one tensor's shape, of one of the `ranks`, from a list or dictionary of shapes."""
    return (
        isinstance(shape, tuple)
        and len(shape) in ranks
        and all(size is None or isinstance(size, int) for size in shape)
    )


def _reason(error: Exception) -> str:
    """Take the first sentence of what Keras says, without its colours."""
    said = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    bold = re.search(r"\x1b\[1m(.+?)\x1b\[0m", said, re.DOTALL)  # within "Exception encountered"
    line = (bold.group(1) if bold else said).strip().partition("\n")[0]
    return line.partition(". ")[0].rstrip(".:") or type(error).__name__
