"""The network: augmentation, backbone, dense layers, a probability an action unit.

`import train.model.network` registers every class that the model file of `train fit` holds, so that
`keras.models.load_model` reads it; `describe` tells what the loaded model predicts, of what
pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import keras
from keras import ops

from curate.base.errors import UserError
from curate.base.stage_params import FitParameters
from train.model.augment import FusedAugmentation
from train.model.backbone import split_backbone

PREPROCESSING = "RGB, 0-255, of any number type; the model does its own scaling"


@dataclass(frozen=True)
class Network:
    """One network seen from several sides; all share their layers and weights."""

    whole: keras.Model  # images (batch, size, size, 3), 0-255, to probabilities (batch, units)
    training: keras.Model  # the same to logits: exact gradients however sure it is
    training_on_features: keras.Model  # that without the backbone
    backbone: keras.Model  # what never changes: images to float32 features
    head: keras.Model  # what trains: features to logits; fine-tuned blocks are its first layers
    tuned: keras.Model | None  # those blocks, which have a learning rate of their own


@dataclass(frozen=True)
class Description:
    """What a model file says of itself."""

    action_units: list[str]  # names of the outputs, in order
    image_size: int  # side of the pictures in pixels
    thresholds: list[float]  # of each output: probability from which it counts as present
    preprocessing: str  # what the pictures must be like
    notes: list[str] = field(default_factory=list)  # what its labels could not teach it


def build_network(
    action_units: list[str], image_size: int, parameters: FitParameters, precision: str = "float32"
) -> Network:
    """Build the network for the named action units; `precision` is a Keras dtype policy.

    Augmentation is part of the graph, active in training only, so it runs where the network does.
    Features, logits and probabilities are float32 under any policy. Raises `UserError` where the
    backbone is not to be had, or has fewer blocks than `unfreeze`.
    """
    with _dtype_policy(precision):
        backbone, tuned = split_backbone(parameters.backbone, image_size, parameters.unfreeze)
        head = build_head(backbone.output_shape[1:], len(action_units), parameters, tuned)
        images = keras.Input((image_size, image_size, 3), name="images")
        logits = head(backbone(augmentation(parameters)(images)))
        outputs = ActionUnits(action_units, image_size, name="action_units")
        whole = keras.Model(images, outputs(logits), name="framewise")
        training = keras.Model(images, logits, name="training")
        # Not the head itself: how it was compiled would be saved as part of the whole.
        on_features = keras.Model(head.inputs, head.outputs, name="training_on_features")
    return Network(whole, training, on_features, backbone, head, tuned)


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def augments(parameters: FitParameters) -> bool:
    """Return whether training pictures differ from epoch to epoch."""
    return any(augmentation(parameters).magnitudes)


def augmentation(parameters: FitParameters) -> FusedAugmentation:
    """Build the augmentation that the parameters describe."""
    return FusedAugmentation(
        rotation=parameters.rotation,
        shear=parameters.shear,
        zoom=parameters.zoom,
        shift=parameters.shift,
        flip=parameters.flip,
        brightness=parameters.brightness,
        seed=parameters.seed,
        name="augmentation",
    )


def build_head(
    features: Sequence[int],
    outputs: int,
    parameters: FitParameters,
    tuned: keras.Model | None = None,
) -> keras.Model:
    """Build what trains: features (batch, ...) through `tuned` and dense layers to logits.

    Dropout stands before and after each dense layer (one between two layers serves both).
    """
    # Layers are named: Keras would number them by how many the process has built before.
    layers: list[keras.layers.Layer] = [keras.Input(features, name="features")]
    if tuned is not None:
        layers.append(tuned)
    for number, units in enumerate(parameters.units, start=1):
        layers.append(_dropout(number, parameters))
        layers.append(keras.layers.Dense(units, activation="relu", name=f"dense_{number}"))
    layers.append(_dropout(len(parameters.units) + 1, parameters))
    layers.append(keras.layers.Dense(outputs, dtype="float32", name="logits"))
    return keras.Sequential(layers, name="head")


def _dropout(number: int, parameters: FitParameters) -> keras.layers.Dropout:
    seed = parameters.seed + number
    return keras.layers.Dropout(parameters.dropout, seed=seed, name=f"dropout_{number}")


@keras.saving.register_keras_serializable(package="framewise")
class ActionUnits(keras.layers.Layer):
    """Turn logits (batch, units) into probabilities, and carry what a model file has to tell.

    `names` are those of the outputs, `image_size` the side of the pictures in pixels, `thresholds`
    (0.5 each, until they are chosen) the probability from which each output counts as present,
    `notes` sentences on what the labels could not teach.
    """

    def __init__(
        self,
        names: Sequence[str],
        image_size: int,
        thresholds: Sequence[float] | None = None,
        preprocessing: str = PREPROCESSING,
        notes: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **options})
        given = [0.5] * len(names) if thresholds is None else thresholds
        self.description = Description(
            list(names), image_size, [float(one) for one in given], preprocessing, list(notes)
        )

    def call(self, logits: Any) -> Any:
        """Return the probabilities."""
        return ops.sigmoid(logits)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build it again."""
        told = self.description
        return {
            **super().get_config(),
            "names": list(told.action_units),
            "image_size": told.image_size,
            "thresholds": list(told.thresholds),
            "preprocessing": told.preprocessing,
            "notes": list(told.notes),
        }


def describe(model: keras.Model) -> Description:
    """Return what a model of `train fit` predicts, of what pictures, from which thresholds on.

    Raises:
        UserError: a model that carries no such description.
    """
    return _outputs(model).description


def set_thresholds(
    model: keras.Model, thresholds: Sequence[float], notes: Sequence[str] = ()
) -> None:
    """Make these (units,) the thresholds that the model carries, with notes on its labels."""
    layer = _outputs(model)
    layer.description = replace(
        layer.description, thresholds=[float(one) for one in thresholds], notes=list(notes)
    )


def _outputs(model: keras.Model) -> ActionUnits:
    for layer in model.layers:
        if isinstance(layer, ActionUnits):
            return layer
    raise UserError(
        f"the model '{model.name}' does not say which action units it predicts; make it with "
        f"'train fit'"
    )
