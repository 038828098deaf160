"""The training's curves as TensorBoard reads them: `tensorboard --logdir data/fit/tensorboard`.

A folder is a run, and runs that share a tag share a chart: each probe is a run with the tag
"loss/probe", so TensorBoard lays the five over one another; training and validation are runs with
the tag "loss/epoch". What stands before the slash is a group of charts; TensorBoard opens the first
two. Steps are frames fed, which compare where batch sizes differ.

TensorFlow's own writers put the time of day into every event, and time, machine and process into
the file's name. Here the time of an event is its step, so that the same training gives the same
bytes. (Format: tensorflow/core/util/event.proto, an event a TFRecord.)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import tensorflow as tf

from train.gap.losses import PROBES

Point: TypeAlias = tuple[int, str, float | None]  # step, tag, value

_FILE = "events.out.tfevents.framewise"  # TensorBoard looks for "tfevents" in a file's name
_VERSION = "brain.Event:2"


def write_events(
    scores: Sequence[dict[str, Any]], history: Sequence[dict[str, Any]], folder: Path
) -> None:
    """Write rows of probes.csv and history.csv as event files, a folder a run.

    An epoch's figures lie at the frames fed by its end. What has no figure at all gets no run.
    """
    for probe in PROBES:
        _write([(row["frames_fed"], "loss/probe", row[probe]) for row in scores], folder / probe)
    fed = {row["epoch"]: row["frames_fed"] for row in scores}
    runs: dict[str, list[Point]] = {"training": [], "validation": []}
    for row in history:
        for name, value in row.items():
            if name != "epoch":
                run, tag = _run_and_tag(name)
                runs[run].append((fed[row["epoch"]], tag, value))
    for run, points in runs.items():
        _write(points, folder / run)


def _run_and_tag(column: str) -> tuple[str, str]:
    """Name the run and the tag of a column of history.csv."""
    run = "validation" if column.startswith("validation_") else "training"
    figure = column.removeprefix("validation_")
    return run, "loss/epoch" if figure == "loss" else figure.replace("_", " ")


def _write(points: Sequence[Point], run: Path) -> None:
    """Write the points that have a value; without any, nothing."""
    events = [_event(step, tag, value) for step, tag, value in points if value is not None]
    if not events:
        return
    run.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(run / _FILE)) as writer:
        for event in (tf.compat.v1.Event(file_version=_VERSION), *events):
            writer.write(event.SerializeToString(deterministic=True))


def _event(step: int, tag: str, value: float) -> tf.compat.v1.Event:
    summary = tf.compat.v1.Summary()
    summary.value.add(tag=tag, simple_value=value)
    return tf.compat.v1.Event(wall_time=float(step), step=step, summary=summary)
