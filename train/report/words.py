"""The page's sentences: whose footage it is, how large the losses are, how good the model is."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from curate.base.stage_params import FitParameters
from curate.base.text import format_interval, plural
from curate.tables import action_units
from train.gap.losses import rates, shared_units
from train.report.inputs import Tables

_HEADLINES = {
    "near_duplicate_moments": "Yes: it learns neighbours in time that it was never fed, and not "
    "other moments",
    "memorised": "Yes: it memorises the very frames that it was fed",
    "same_people": "Yes: it knows the moments it was fed, and not other moments of the same people",
    "people": "Yes: it knows the people it was fed, and not new ones",
    "none": "No: there is no gap to speak of",
    "unknown": "That cannot be said yet: frames to compare with are missing or too few",
}
_HELD_OUT = {"moments": "other moments of the same people", "people": "people it never saw"}
_HELD_OUT_SPLITS = ("moments", "validation")


def headline(cause: str) -> str:
    """Return "does it overfit, and why?" in a sentence without figures."""
    return _HEADLINES[cause]


def describe_losses(probes: pl.DataFrame, no_skill: float | None) -> str:
    """Describe the losses at the end, and what they are to be measured by."""
    row = probes.sort("epoch").row(-1, named=True)
    if row["seen"] is None:
        return ""
    known = {name: row[name] for name in _HELD_OUT if row[name] is not None}
    held_out = "".join(f", {loss:.3f} on {_HELD_OUT[name]}" for name, loss in known.items())
    epochs = plural(float(row["epoch"]), "epoch")
    words = f"Loss after {epochs}: {row['seen']:.3f} on frames it was fed{held_out}"
    if known:
        apart = max(known.values()) - row["seen"]
        up_to = "up to " if len(known) > 1 else ""
        way = "more" if apart >= 0 else "less"
        words += f", which is {up_to}{abs(apart) / row['seen']:.0%} {way}"
    if no_skill is None:
        return f"{words}."
    return (
        f"{words}. Without looking, always answering how common each action unit is in training "
        f"would give {no_skill:.3f}."
    )


def no_skill_loss(labels: pl.DataFrame, cap: pl.DataFrame) -> float | None:
    """Return the loss of always saying each action unit's rate in training; None where none is.

    Over the action units that all probes can speak of, as the probes' losses are.
    """
    names = action_units(labels)
    table = cap.join(labels.select("id", *names), on="id", how="inner")
    train = pl.col("split") == "train"
    fates = (train & pl.col("keep"), train & ~pl.col("keep"),
             *(pl.col("keep") & (pl.col("split") == s) for s in _HELD_OUT_SPLITS))  # fmt: skip
    parts = [part for part in map(table.filter, fates) if len(part)]
    if not parts or not names:
        return None
    known = pl.col(names).fill_null(-1).cast(pl.Int8)
    judged = [(part.select(known).to_numpy(), part["clip"].to_numpy()) for part in parts]
    rate = rates(judged[0][0])[shared_units(judged, len(names))]
    if not len(rate):
        return None
    return float(np.mean(-rate * np.log(rate) - (1 - rate) * np.log(1 - rate)))


def describe_data(tables: Tables, footage: str) -> dict[str, str]:
    """Describe what went in and what came out, each in a sentence under a word."""
    train = tables.cap.filter(pl.col("keep") & (pl.col("split") == "train"))
    clips = plural(tables.cap["clip"].n_unique(), "clip")
    units = plural(len(action_units(tables.labels)), "action unit")
    epochs = len(tables.history)
    times = {1: "once", 2: "twice"}.get(epochs, f"{epochs} times")
    return {
        "Footage": f"{footage}: {_frames_of_people(tables.cap)} in {clips}, labelled with {units}",
        "Learnt from": f"{_frames_of_people(train)}, each fed {times}",
        "New people": _scores(tables.metrics),
    }


def _frames_of_people(table: pl.DataFrame) -> str:
    people = plural(table["subject"].n_unique(), "person", "people")
    return f"{plural(len(table), 'frame')} of {people}"


def _scores(metrics: dict[str, Any]) -> str:
    natural = metrics.get("validation", {})
    macro = natural.get("macro", {})
    if macro.get("f1") is None:
        return "nobody to validate on, so nothing is scored"
    ends = format_interval(macro.get("f1_low"), macro.get("f1_high"), digits=2)
    interval = f" ({ends})" if ends else ""
    frames = plural(natural.get("frames", 0), "frame")
    people = plural(natural.get("subjects", 0), "person", "people")
    return f"F1 {macro['f1']:.2f}{interval}, the mean of the action units, on {frames} of {people}"


def describe_network(tables: Tables, parameters: FitParameters) -> str:
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
    steps = steps_per_epoch(tables.probes, parameters.batch_size)
    length = f", {plural(steps, 'step')} an epoch" if steps else ""
    return (
        f"{parameters.backbone}, {tuned}, below dense layers of {layers} neurons with dropout "
        f"{parameters.dropout:g}; Adam {rate}, {plural(parameters.batch_size, 'frame')} a step"
        f"{length}. The weights of epoch {tables.verdict.kept_epoch} of {len(tables.history)} are "
        f"scored below (monitor: {parameters.monitor})."
    )


def steps_per_epoch(probes: pl.DataFrame, batch_size: int) -> int | None:
    """Return the steps of an epoch, as the probes counted them; None where none was completed."""
    first = probes.filter(pl.col("epoch") == 1)
    return None if first.is_empty() else int(first["frames_fed"][0]) // batch_size


def probe_counts(probes: pl.DataFrame) -> dict[str, str]:
    """Return how many frames each probe holds: the most of any time."""
    counts = {
        name: probes[f"{name}_frames"].drop_nulls().to_list()
        for name in ("seen", "unseen", "dropped", "moments", "people")
    }
    return {name: f"{int(max(of)):,}" if any(of) else "no" for name, of in counts.items()}
