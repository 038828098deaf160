"""The event files: TensorFlow reads back what the tables hold, and a second run writes the same."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from train.fit.tensorboard import write_events

LOSSES: list[dict[str, float | None]] = [
    {"epoch": 0.25, "frames_fed": 10, "seen": None, "unseen": 0.7, "dropped": None, "moments": 0.8},
    {"epoch": 1.0, "frames_fed": 40, "seen": 0.5, "unseen": None, "dropped": None, "moments": 0.6},
    {"epoch": 2.0, "frames_fed": 80, "seen": 0.25, "unseen": None, "dropped": None, "moments": 0.5},
]
SCORES: list[dict[str, Any]] = [{**row, "people": 0.9, "gap": {"gap": 0.1}} for row in LOSSES]
HISTORY = [
    {"epoch": 1, "loss": 0.75, "learning_rate": 0.5, "validation_macro_f1": 0.625},
    {"epoch": 2, "loss": 0.5, "learning_rate": 0.25, "validation_macro_f1": 0.75},
]
PRESENT = {"seen", "unseen", "moments", "people", "training", "validation"}


def events(folder):
    """List each run's events: its tags, steps, values and times."""
    return {
        path.parent.name: list(tf.compat.v1.train.summary_iterator(str(path)))
        for path in sorted(folder.rglob("*tfevents*"))
    }


def scalars(events):
    """Return each tag's points (step, value) of one run."""
    points: dict[str, list[tuple[int, float]]] = {}
    for event in events:
        for value in event.summary.value:
            points.setdefault(value.tag, []).append((event.step, value.simple_value))
    return points


def test_a_probe_is_a_run_so_that_all_lie_in_one_chart(tmp_path):
    write_events(SCORES, HISTORY, tmp_path)
    read = {name: scalars(run) for name, run in events(tmp_path).items()}
    assert set(read) == PRESENT  # none was dropped
    near = tf.constant(0.7).numpy()  # an event holds single precision
    assert read["unseen"] == {"loss/probe": [(10, near)]}
    assert read["seen"] == {"loss/probe": [(40, 0.5), (80, 0.25)]}


def test_an_epoch_lies_where_its_last_probe_does(tmp_path):
    write_events(SCORES, HISTORY, tmp_path)
    read = {name: scalars(run) for name, run in events(tmp_path).items()}
    assert read["training"] == {
        "loss/epoch": [(40, 0.75), (80, 0.5)],
        "learning rate": [(40, 0.5), (80, 0.25)],
    }
    assert read["validation"] == {"macro f1": [(40, 0.625), (80, 0.75)]}


def test_the_clock_and_the_machine_leave_nothing_in_it(tmp_path):
    for name in ("one", "other"):
        write_events(SCORES, HISTORY, tmp_path / name)
    first, second = (
        {path.relative_to(tmp_path / name): path.read_bytes()
         for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("one", "other")
    )  # fmt: skip
    assert first == second
    for run in events(tmp_path / "one").values():
        assert run[0].file_version == "brain.Event:2"
        assert [event.wall_time for event in run] == [float(event.step) for event in run]
