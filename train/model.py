"""The network: augmentation, frozen backbone, dense layers, a probability an action unit."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

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
        name="augmentation",
    )


def build_head(features: int, outputs: int, parameters: Parameters) -> keras.Model:
    """Build the dense layers: (batch, features) to logits (batch, outputs).

    Dropout stands before and after each dense layer (one between two layers serves both).
    """
    # Layers are named: Keras would number them by how many the process has built before.
    layers: list[keras.layers.Layer] = [keras.Input((features,), name="features")]
    for number, units in enumerate(parameters.units, start=1):
        layers.append(_dropout(number, parameters))
        layers.append(keras.layers.Dense(units, activation="relu", name=f"dense_{number}"))
    layers.append(_dropout(len(parameters.units) + 1, parameters))
    layers.append(keras.layers.Dense(outputs, name="logits"))
    return keras.Sequential(layers, name="head")


def _dropout(number: int, parameters: Parameters) -> keras.layers.Dropout:
    seed = parameters.seed + number
    return keras.layers.Dropout(parameters.dropout, seed=seed, name=f"dropout_{number}")


def save_network(network: keras.Model, path: Path) -> None:
    """Save a network as a `.keras` file whose bytes depend on the network only.

    Keras writes the time of saving into the archive, and the addresses of objects in memory where
    layers share one: the time is set to the earliest that an archive can tell, addresses are
    numbered in the order in which they stand.
    """
    dated = path.with_name(f"dated-{path.name}")
    network.save(dated)
    with zipfile.ZipFile(dated) as source, zipfile.ZipFile(path, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                undated = json.loads(content) | {"date_saved": "1980-01-01@00:00:00"}
                content = json.dumps(undated).encode()
            elif name == "config.json":
                content = _numbered(content.decode()).encode()
            target.writestr(zipfile.ZipInfo(name), content)
    dated.unlink()


def _numbered(config: str) -> str:
    """Replace each distinct shared_object_id by its place of first appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        place = numbers.setdefault(match.group(2), len(numbers) + 1)
        return f"{match.group(1)}{place}"

    return re.sub(r'("shared_object_id": )(\d+)', number, config)
