"""The network: augmentation, frozen backbone, dense layers, a probability an action unit."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from curate.params import Parameters
from train.augment import FusedAugmentation
from train.backbone import build_backbone
from train.loss import MaskedBinaryCrossentropy


@dataclass(frozen=True)
class Network:
    """One network seen from four sides; all share their layers and weights."""

    whole: keras.Model  # images (batch, size, size, 3), 0-255, to probabilities (batch, units)
    training: keras.Model  # the same to logits, compiled: exact gradients however sure it is
    backbone: keras.Model  # images to features
    head: keras.Model  # features to logits


def build_network(action_units: list[str], image_size: int, parameters: Parameters) -> Network:
    """Build the network for the named action units, its training side compiled with Adam.

    Augmentation is part of the graph, active in training only, so it runs where the network does.
    """
    backbone = build_backbone(parameters.backbone, image_size)
    head = build_head(backbone.output_shape[-1], len(action_units), parameters)
    images = keras.Input((image_size, image_size, 3), name="images")
    logits = head(backbone(augmentation(parameters)(images)))
    probabilities = keras.layers.Activation("sigmoid", name="probabilities")(logits)
    training = keras.Model(images, logits, name="training")
    training.compile(
        optimizer=keras.optimizers.Adam(parameters.lr),
        loss=MaskedBinaryCrossentropy(from_logits=True),
        jit_compile=False,  # XLA's convolutions are many times slower on a CPU
    )
    return Network(keras.Model(images, probabilities, name="framewise"), training, backbone, head)


def augmentation(parameters: Parameters) -> FusedAugmentation:
    """Build the augmentation that the parameters describe."""
    return FusedAugmentation(
        rotation=parameters.rotation,
        shear=parameters.shear,
        zoom=parameters.zoom,
        shift=parameters.shift,
        flip=parameters.flip,
        brightness=parameters.brightness,
        seed=parameters.seed,
    )


def build_head(features: int, outputs: int, parameters: Parameters) -> keras.Model:
    """Build the dense layers: (batch, features) to logits (batch, outputs).

    Dropout stands before and after each dense layer (one between two layers serves both).
    """
    layers: list[keras.layers.Layer] = [keras.Input((features,), name="features")]
    seeds = range(parameters.seed + 1, parameters.seed + 2 + len(parameters.units))
    for units, seed in zip(parameters.units, seeds, strict=False):
        layers.append(keras.layers.Dropout(parameters.dropout, seed=seed))
        layers.append(keras.layers.Dense(units, activation="relu"))
    layers.append(keras.layers.Dropout(parameters.dropout, seed=seeds[-1]))
    layers.append(keras.layers.Dense(outputs, name="logits"))
    return keras.Sequential(layers, name="head")
