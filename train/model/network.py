"""The network: augmentation, backbone, dense layers, a probability an action unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras

from curate.base.stage_params import FitParameters
from train.model.augment import FusedAugmentation
from train.model.backbone import split_backbone


@dataclass(frozen=True)
class Network:
    """One network seen from several sides; all share their layers and weights."""

    inference: keras.Model  # images (batch, size, size, 3), 0-255, to probabilities (batch, units)
    training: keras.Model  # augmented images to logits: exact gradients however sure it is
    training_on_features: keras.Model  # that without the backbone
    backbone: keras.Model  # what never changes: images to float32 features
    head: keras.Model  # what trains: features to logits; fine-tuned blocks are its first layers
    tuned: keras.Model | None  # those blocks, which have a learning rate of their own


def build_network(
    outputs: int, image_size: int, parameters: FitParameters, precision: str = "float32"
) -> Network:
    """Build the network for so many action units; `precision` is a Keras dtype policy.

    Augmentation is part of the training graph, so it runs where the network does. The inference
    graph has none, and consists of Keras' own layers. Features, logits and probabilities are
    float32 under any policy.

    Raises:
        UserError: the backbone is not to be had, or has fewer blocks than `unfreeze`.
    """
    with _dtype_policy(precision):
        backbone, tuned = split_backbone(parameters.backbone, image_size, parameters.unfreeze)
        head = build_head(backbone.output_shape[1:], outputs, parameters, tuned)
        images = keras.Input((image_size, image_size, 3), name="images")
        sigmoid = keras.layers.Activation("sigmoid", dtype="float32", name="action_units")
        inference = keras.Model(images, sigmoid(head(backbone(images))), name="framewise")
        logits = head(backbone(augmentation(parameters)(images)))
        training = keras.Model(images, logits, name="training")
        # Not the head itself: how it was compiled would be saved as part of the inference graph.
        on_features = keras.Model(head.inputs, head.outputs, name="training_on_features")
    return Network(inference, training, on_features, backbone, head, tuned)


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
