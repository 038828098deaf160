"""Augment batches: the fused layer beside a chain of Keras' layers that draws the same ranges.

python -m benchmarks.augmentation [--json]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import typer

from benchmarks.timing import by_turns
from curate.base import console
from curate.base.cli import AsJson
from curate.base.console import Summary
from curate.base.params import Parameters
from train.model.network import augmentation

PIXELS, BATCHES = (96, 128), (16, 64)
IMAGES = 256  # in one turn
RUNS = 5
COLUMNS = ["pixels", "batch", "side", "images/s", "ours is faster by"]
Augment = Callable[[tf.Tensor], tf.Tensor]


def main(as_json: AsJson = False) -> None:
    """Time every side on the same batches, median of five turns, on all cores.

    Each side is called as training would: within a `tf.function` (Keras compiles a training step
    into one); the chain also eagerly, and in `tf.data`'s map on as many threads as it likes. XLA,
    which the fused layer uses, cannot compile the chain: it has no kernel for Keras' warp.
    """
    rows: list[dict[str, Any]] = []
    for pixels in PIXELS:
        for batch in BATCHES:
            rows += measure(pixels, batch, Parameters())
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    title = f"Rotate, shear, zoom, shift, flip and brighten, {device}"
    cells = [tuple(row.values()) for row in rows]
    console.show(Summary(title, COLUMNS, cells, {"sides": rows}), as_json=as_json)


def chain(parameters: Parameters) -> Augment:
    """Chain Keras' layers, with the ranges of the parameters."""
    layers = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomZoom(parameters.zoom),
        keras.layers.RandomShear(math.tan(math.radians(parameters.shear)), 0.0),
        keras.layers.RandomRotation(parameters.rotation / 360),
        keras.layers.RandomTranslation(parameters.shift, parameters.shift),
        keras.layers.RandomBrightness(parameters.brightness),
    ]

    def augment(images: tf.Tensor) -> tf.Tensor:
        for layer in layers:
            images = layer(images, training=True)
        return images

    return augment


def measure(pixels: int, batch: int, parameters: Parameters) -> list[dict[str, Any]]:
    """Time each side on float32 noise; return a row of the table for each."""
    noise = np.random.default_rng(0).uniform(0, 255, (batch, pixels, pixels, 3))
    images = tf.constant(noise, tf.float32)
    layer = augmentation(parameters)
    turns = IMAGES // batch
    calls: dict[str, Augment] = {
        "fused, tf.function": tf.function(lambda batch: layer(batch, training=True)),
        "Keras' chain, tf.function": tf.function(chain(parameters)),
        "Keras' chain, eager": chain(parameters),
    }
    sides: dict[str, Callable[[], object]] = {
        name: lambda call=call: repeat(call, images, turns)  # type: ignore[misc]
        for name, call in calls.items()
    }
    sides["Keras' chain, tf.data"] = mapped(chain(parameters), images, turns)
    for side in sides.values():
        side()  # traces and compiles
    seconds = by_turns(sides, RUNS)
    ours = seconds["fused, tf.function"]
    figures = [(pixels, batch, side, round(IMAGES / t), t / ours) for side, t in seconds.items()]
    return [dict(zip(COLUMNS, row, strict=True)) for row in figures]


def repeat(call: Augment, images: tf.Tensor, times: int) -> None:
    """Augment a batch so many times, to the end."""
    for _ in range(times):
        call(images).numpy()


def mapped(call: Augment, images: tf.Tensor, times: int) -> Callable[[], None]:
    """Augment a batch so many times in a `tf.data` pipeline, as Keras' guide shows."""
    feed = tf.data.Dataset.from_tensors(images).repeat(times)
    feed = feed.map(call, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def run() -> None:
        for _ in feed:
            pass

    return run


if __name__ == "__main__":
    typer.run(main)
