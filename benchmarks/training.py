"""Images a second that train, and the share of a step that is spent waiting for them.

python -m benchmarks.training [--json]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import keras
import tensorflow as tf
import typer

from benchmarks.shards import NAMES, SIDE, made_shards
from curate.base import console
from curate.base.cli import AsJson
from curate.base.console import Summary
from curate.base.params import Parameters
from train.data import Shards
from train.fit.features import cached_epoch, split_features
from train.fit.optimizer import compile_training
from train.model.network import build_network

FRAMES = 1200
UNFROZEN = 3
STEPS, WARM = 24, 4
RUNS = 3
# What these wait, having their input at hand, is the asking itself: in every other row too.
FEATURES, PICTURES = "one batch of features again", "one batch of pictures again"
COLUMNS = ["training", "batch", "images/s", "ms a step", "% waiting for input", "% beyond asking"]
OFF: dict[str, Any] = dict.fromkeys(("rotation", "shear", "zoom", "shift", "brightness"), 0)
OFF |= {"flip": False}


@dataclass(frozen=True)
class Side:
    """A model compiled to train, what feeds it an epoch, and the side whose batches are at hand."""

    model: keras.Model
    feed: Callable[[], tf.data.Dataset]
    at_hand: str


def main(as_json: AsJson = False) -> None:
    """Train a few steps of each kind by turns, median of three, with the default parameters.

    What waits is the step that asks for its next batch; what decodes it meanwhile takes cores from
    the step, which is in the images a second.
    """
    with made_shards(FRAMES) as shards, TemporaryDirectory() as scratch:
        sides = make_sides(shards, Path(scratch))
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for _ in range(RUNS):
            for name, side in sides.items():
                times[name].append(train(side))
    rows = make_rows(sides, times)
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    title = f"Train on pictures of {SIDE} pixels, {Parameters().backbone}, {device}"
    cells = [tuple(row.values()) for row in rows]
    console.show(Summary(title, COLUMNS, cells, {"sides": rows}), as_json=as_json)


def make_sides(shards: Shards, scratch: Path) -> dict[str, Side]:
    """Make the ways of training that the table sets side by side."""
    cached = cached_side(shards, scratch)
    frozen = picture_side(shards, Parameters(**OFF))
    last = f"last {UNFROZEN} blocks"
    return {
        FEATURES: repeated(cached),
        "features cached": cached,
        PICTURES: repeated(frozen),
        "frozen": frozen,
        "frozen, augmented": picture_side(shards, Parameters()),
        f"fine-tuned ({last})": picture_side(shards, Parameters(unfreeze=UNFROZEN, **OFF)),
        f"fine-tuned ({last}), augmented": picture_side(shards, Parameters(unfreeze=UNFROZEN)),
    }


def picture_side(shards: Shards, parameters: Parameters) -> Side:
    """Train on pictures, decoded as they are asked for."""
    network = build_network(len(NAMES), SIDE, parameters)
    compile_training(network, network.training, parameters, STEPS)
    size = parameters.batch_size
    return Side(network.training, lambda: shards.training_epoch(size, 0, 1), PICTURES)


def cached_side(shards: Shards, scratch: Path) -> Side:
    """Train the head on features computed before."""
    parameters = Parameters(**OFF)
    network = build_network(len(NAMES), SIDE, parameters)
    compile_training(network, network.head, parameters, STEPS)
    features = split_features(shards, network, "train", scratch / "train", lambda _: None)
    size = parameters.batch_size
    return Side(network.head, lambda: cached_epoch(features, size, 0, 1), FEATURES)


def repeated(side: Side) -> Side:
    """Train on the first batch of another side, over and over."""
    batch = next(iter(side.feed()))
    feed = tf.data.Dataset.from_tensors(batch).repeat()
    return Side(side.model, lambda: feed, side.at_hand)


def train(side: Side) -> tuple[float, float]:
    """Train some steps in the middle of an epoch; return seconds a step, in all and waiting."""
    batches: Iterator[Any] = iter(side.feed())
    for _ in range(WARM):
        side.model.train_on_batch(*next(batches))
    start, waiting = time.perf_counter(), 0.0
    for _ in range(STEPS):
        asked = time.perf_counter()
        images, labels = next(batches)
        waiting += time.perf_counter() - asked
        side.model.train_on_batch(images, labels)
    return (time.perf_counter() - start) / STEPS, waiting / STEPS


def make_rows(
    sides: dict[str, Side], times: dict[str, list[tuple[float, float]]]
) -> list[dict[str, Any]]:
    """Return the table's rows, of the median seconds a step, in all and waiting."""
    medians = {
        name: tuple(median(column) for column in zip(*taken, strict=True))
        for name, taken in times.items()
    }
    batch, rows = Parameters().batch_size, []
    for name, (step, waiting) in medians.items():
        beyond = max(0.0, waiting - medians[sides[name].at_hand][1])
        figures = (batch / step, 1000 * step, 100 * waiting / step, 100 * beyond / step)
        rows.append(dict(zip(COLUMNS, (name, batch, round(figures[0]), *figures[1:]), strict=True)))
    return rows


if __name__ == "__main__":
    typer.run(main)
