"""What the page says in sentences: whose footage it is, how large the gap, how good the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from curate.base.params import Parameters
from curate.base.text import format_interval, plural
from curate.tables import action_units
from train.gap.losses import rates, shared_units
from train.report.inputs import Tables

_HELD_OUT = {"moments": "other moments of the same people", "people": "people it never saw"}


def lead(tables: Tables, no_skill: float | None) -> str:
    """Describe the losses at the end, and what they are to be measured by."""
    row = tables.probes.sort("epoch").row(-1, named=True)
    if row["seen"] is None:
        return ""
    known = {name: row[name] for name in _HELD_OUT if row[name] is not None}
    held_out = "".join(f", {loss:.3f} on {_HELD_OUT[name]}" for name, loss in known.items())
    time = plural(row["epoch"], "epoch")
    said = f"Loss after {time}: {row['seen']:.3f} on frames it was fed{held_out}"
    if known:
        worse = max(known.values())
        apart = worse - row["seen"]
        way = "more" if apart >= 0 else "less"
        said += f", which is {'up to ' * (len(known) > 1)}{abs(apart) / row['seen']:.0%} {way}"
    if no_skill is None:
        return f"{said}."
    return (
        f"{said}. Without looking, always answering how common each action unit is in training "
        f"would give {no_skill:.3f}."
    )


def no_skill_loss(tables: Tables) -> float | None:
    """Return the loss of always saying each action unit's rate in training; None where none is.

    Over the action units that all probes can speak of, as the probes' losses are.
    """
    names = action_units(tables.labels)
    table = tables.cap.join(tables.labels.select("id", *names), on="id", how="inner")
    train = pl.col("split") == "train"
    fates = (train & pl.col("keep"), train & ~pl.col("keep"),
             *(pl.col("keep") & (pl.col("split") == s) for s in _HELD_OUT_SPLITS))  # fmt: skip
    parts = [part for part in map(table.filter, fates) if len(part)]
    if not parts or not names:
        return None
    judged = [(_labels(part, names), part["clip"].to_numpy()) for part in parts]
    rate = rates(judged[0][0])[shared_units(judged, len(names))]
    if not len(rate):
        return None
    return float(np.mean(-rate * np.log(rate) - (1 - rate) * np.log(1 - rate)))


_HELD_OUT_SPLITS = ("moments", "validation")


def _labels(table: pl.DataFrame, names: list[str]) -> np.ndarray:
    return table.select(pl.col(names).fill_null(-1).cast(pl.Int8)).to_numpy()


def facts(tables: Tables, parameters: Parameters) -> dict[str, str]:
    """Describe what went in and what came out, each in a sentence under a word."""
    kept = tables.cap.filter("keep")
    train = kept.filter(pl.col("split") == "train")
    names = action_units(tables.labels)
    return {
        "Footage": f"{parameters.footage}: {plural(len(tables.cap), 'frame')} of "
        f"{_people(tables.cap)} in {plural(tables.cap['clip'].n_unique(), 'clip')}, labelled "
        f"with {plural(len(names), 'action unit')}",
        "Learnt from": f"{plural(len(train), 'frame')} of {_people(train)}, each fed "
        f"{_times(len(tables.history))}",
        "New people": _scores(tables.metrics),
    }


def _scores(metrics: dict[str, Any]) -> str:
    found = metrics.get("validation", {})
    macro = found.get("macro", {})
    if macro.get("f1") is None:
        return "nobody to validate on, so nothing is scored"
    ends = format_interval(macro.get("f1_low"), macro.get("f1_high"), digits=2)
    interval = f" ({ends})" if ends else ""
    frames = plural(found.get("frames", 0), "frame")
    people = plural(found.get("subjects", 0), "person", "people")
    return f"F1 {macro['f1']:.2f}{interval}, the mean of the action units, on {frames} of {people}"


def network(tables: Tables, parameters: Parameters) -> str:
    """Describe what was trained, how, for how long, and which weights are scored."""
    layers = " and ".join(f"{neurons:,}" for neurons in parameters.units) or "no"
    tuned = (
        f"its last {plural(parameters.unfreeze, 'block')} trained at {parameters.unfreeze_lr:g}"
        if parameters.unfreeze
        else "frozen"
    )
    rate = (
        f"at the constant learning rate {parameters.lr:g}"
        if parameters.schedule == "constant"
        else f"at a learning rate that rises to {parameters.lr:g} over {parameters.warm_up:.0%} of "
        "the steps and falls along a cosine, as drawn"
    )
    steps = steps_per_epoch(tables, parameters)
    length = f", {plural(steps, 'step')} an epoch" if steps else ""
    return (
        f"{parameters.backbone}, {tuned}, below dense layers of {layers} neurons with dropout "
        f"{parameters.dropout:g}; Adam {rate}, {plural(parameters.batch_size, 'frame')} a step"
        f"{length}. The weights of epoch {tables.verdict.kept_epoch} of {len(tables.history)} are "
        f"scored below (monitor: {parameters.monitor})."
    )


def steps_per_epoch(tables: Tables, parameters: Parameters) -> int | None:
    """Return the steps of an epoch, as the probes counted them; None where no epoch was whole."""
    first = tables.probes.filter(pl.col("epoch") == 1)
    return None if first.is_empty() else int(first["frames_fed"][0]) // parameters.batch_size


def probe_counts(tables: Tables) -> dict[str, str]:
    """Return how many frames each probe holds: the most of any time."""
    counts = {
        name: tables.probes[f"{name}_frames"].drop_nulls().to_list()
        for name in ("seen", "unseen", "dropped", "moments", "people")
    }
    return {name: f"{int(max(of)):,}" if any(of) else "no" for name, of in counts.items()}


def _people(table: pl.DataFrame) -> str:
    return plural(table["subject"].n_unique(), "person", "people")


def _times(epochs: int) -> str:
    return {1: "once", 2: "twice"}.get(epochs, f"{epochs} times")
