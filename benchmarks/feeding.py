"""Read, decode and batch 128-pixel JPEGs: the training pipeline beside TFDS' own.

python -m benchmarks.feeding [--json]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds
import typer

from benchmarks.shards import SIDE, made_shards
from curate.base import console
from curate.base.cli import AsJson
from curate.base.console import Summary
from train.data import Shards

FRAMES = 4200
BATCHES = (16, 64)
RUNS = 5
COLUMNS = ["batch", "side", "images/s", "CPU us an image", "images/s on two cores"]
Feed = Callable[[], tf.data.Dataset]


def main(as_json: AsJson = False) -> None:
    """Go through an epoch by turns, median of five.

    The last column is what two cores do that do nothing else: 2 / (CPU seconds an image). On a
    machine that others use as well, only it holds from run to run.
    """
    rows: list[dict[str, Any]] = []
    with made_shards(FRAMES) as shards:
        for batch in BATCHES:
            rows += measure(shards, batch)
    title = f"Read, decode and batch {FRAMES:,} JPEGs of {SIDE} pixels"
    cells = [tuple(row.values()) for row in rows]
    console.show(Summary(title, COLUMNS, cells, {"sides": rows}), as_json=as_json)


def measure(shards: Shards, batch: int) -> list[dict[str, Any]]:
    """Time each side by turns; return a row of the table for each."""
    sides: dict[str, Feed] = {
        "framewise, in order": lambda: shards.training_epoch(batch, 0, 0),
        "framewise, shuffled": lambda: shards.training_epoch(batch, 0, 1),
        "TFDS, in order": lambda: as_documented(shards, batch),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(RUNS):
        for name, side in sides.items():
            times[name].append(epoch(side))
    rows = []
    for name, taken in times.items():
        wall, cpu = (median(column) / FRAMES for column in zip(*taken, strict=True))
        figures = (batch, name, round(1 / wall), round(1e6 * cpu), round(2 / cpu))
        rows.append(dict(zip(COLUMNS, figures, strict=True)))
    return rows


def epoch(side: Feed) -> tuple[float, float]:
    """Go through a pipeline once; return the seconds, and those of all cores together."""
    start, start_cpu = time.perf_counter(), time.process_time()
    frames = sum(len(batch[0]) for batch in side())
    assert frames == FRAMES
    return time.perf_counter() - start, time.process_time() - start_cpu


def as_documented(shards: Shards, batch: int) -> tf.data.Dataset:
    """Feed (images, labels) as TFDS' documentation shows."""
    read = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    builder = tfds.builder_from_directory(str(shards.folder))
    examples = builder.as_dataset(split="train", shuffle_files=False, read_config=read)
    pairs = examples.map(lambda example: (example["image"], example["labels"]))
    return pairs.batch(batch).prefetch(tf.data.AUTOTUNE)


if __name__ == "__main__":
    typer.run(main)
