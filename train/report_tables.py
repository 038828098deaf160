"""The report's tables as rows of text: counts by reason, scores, parameters, versions."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import polars as pl

from curate.params import Parameters
from curate.split import near_across
from curate.table import REASONS

_PACKAGES = (
    "framewise",
    "tensorflow",
    "keras",
    "tensorflow-datasets",
    "opencv-python",
    "imagehash",
    "dvc",
    "polars",
    "numpy",
    "scipy",
    "matplotlib",
    "faiss-cpu",
)
_SPLITS = ("train", "validation", "moments", "margin")
_UNDEFINED = "–"


@dataclass(frozen=True)
class Table:
    """A table of the page: what it says, its head, its rows (the first cell heads the row)."""

    caption: str
    columns: list[str]
    rows: list[list[str]]


def fates(cap: pl.DataFrame) -> Table:
    """Count frames by reason and place; the rows add up to all frames of the footage."""
    counts = {(s, r): n for s, r, n in cap.group_by("split", "reason").len().rows()}
    rows = []
    for reason in [*REASONS, None]:
        cells = [counts.get((split, reason), 0) for split in _SPLITS]
        if sum(cells):
            name = f"{reason} ({REASONS[reason]})" if reason else "kept"
            rows.append([name, *_numbers([*cells, sum(cells)])])
    places = [len(cap.filter(pl.col("split") == split)) for split in _SPLITS]
    rows.append(["all", *_numbers([*places, len(cap)])])
    return Table(
        "Frames by reason and by the part of the footage that they lie in",
        ["reason (stage)", *_SPLITS, "all"],
        rows,
    )


def across_splits(cap: pl.DataFrame, frames: pl.DataFrame, distance: int) -> Table:
    """Count near-duplicate pairs of a training frame and a frame held out."""
    pairs = near_across(cap, frames, distance)
    return Table(
        f"Near-duplicates across splits: pairs with a training frame within "
        f"{max(distance, 0)} bits",
        ["held out", "pairs"],
        [[split, f"{count:,}"] for split, count in pairs.items()],
    )


def scores(per_action_unit: pl.DataFrame, metrics: dict[str, Any], split: str, name: str) -> Table:
    """List a validation set's scores by action unit, then their micro and macro means."""
    figures = ("precision", "recall", "f1")
    rows = [
        [row["action_unit"], f"{row['positives']:,}", *(_score(row[key]) for key in figures)]
        for row in per_action_unit.filter(pl.col("split") == split).to_dicts()
    ]
    for mean in ("micro", "macro"):
        means = metrics.get(split, {}).get(mean, {})
        rows.append([f"{mean} mean", "", *(_score(means.get(key)) for key in figures)])
    frames = metrics.get(split, {}).get("frames", 0)
    return Table(f"{name}, {frames:,} frames", ["action unit", "positives", *figures], rows)


def parameters_table(parameters: Parameters) -> Table:
    """List every parameter, its value as params.yaml writes it, and its meaning."""
    rows = [
        [key, _value(getattr(parameters, key)), field.description or ""]
        for key, field in Parameters.model_fields.items()
    ]
    return Table("Parameters", ["parameter", "value", "meaning"], rows)


def versions() -> Table:
    """List the versions of Python and of the packages that the figures rest on."""
    rows = [["python", platform.python_version()]]
    rows += [[package, _version(package)] for package in _PACKAGES]
    return Table("Versions", ["package", "version"], rows)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _numbers(counts: list[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


def _score(score: float | None) -> str:
    return _UNDEFINED if score is None else f"{score:.3f}"
