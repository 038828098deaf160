"""The report's tables as rows of text: counts by reason, scores, parameters, versions."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

import polars as pl

from curate.base.params import Parameters, format_value
from curate.base.text import plural
from curate.search.across import count_across
from curate.tables import REASONS
from curate.viz.html import Table
from train.evaluate.published import Comparison

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
# Columns of a table of scores, and where per_action_unit.csv has them.
_SCORED = {
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "f1, 95 %": "f1_interval",
    "average precision": "average_precision",
    "chosen threshold": "chosen_threshold",
    "precision, chosen": "chosen_precision",
    "recall, chosen": "chosen_recall",
    "f1, chosen": "chosen_f1",
    "calibration error": "calibration_error",
}


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
    pairs = count_across(cap, frames, distance)
    return Table(
        f"Near-duplicates across splits: pairs with a training frame within "
        f"{max(distance, 0)} bits",
        ["held out", "pairs"],
        [[split, f"{count:,}"] for split, count in pairs.items()],
    )


def scores_table(
    per_action_unit: pl.DataFrame, metrics: dict[str, Any], split: str, name: str
) -> Table:
    """List a validation set's scores by action unit, then their micro and macro means."""
    rows = [
        [row["action_unit"], f"{row['positives']:,}", *_figures(row)]
        for row in per_action_unit.filter(pl.col("split") == split).to_dicts()
    ]
    means = metrics.get(split, {})
    chosen = means.get("chosen", {})
    for mean in ("micro", "macro"):
        of_chosen = {f"chosen_{key}": value for key, value in chosen.get(mean, {}).items()}
        error = {"calibration_error": means.get("calibration_error") if mean == "macro" else None}
        rows.append([f"{mean} mean", "", *_figures(means.get(mean, {}) | of_chosen | error)])
    frames, subjects = means.get("frames", 0), means.get("subjects", 0)
    people = plural(subjects, "subject")
    return Table(
        f"{name}, {frames:,} frames of {people}",
        ["action unit", "positives", *_SCORED],
        rows,
    )


def published_table(comparison: Comparison) -> Table:
    """List F1 beside the published figures."""
    rows = [[row[0], *(_score(value) for value in row[1:])] for row in comparison.rows]
    return Table(comparison.title, ["action unit", *comparison.columns[1:]], rows)


def _figures(row: dict[str, Any]) -> list[str]:
    """Write a row's figures as `_SCORED` orders them."""
    ends = [row.get(f"f1_{end}") for end in ("low", "high")]
    interval = _UNDEFINED if None in ends else "–".join(_score(end) for end in ends)
    return [interval if key == "f1_interval" else _score(row.get(key)) for key in _SCORED.values()]


def parameters_table(parameters: Parameters) -> Table:
    """List every parameter, its value as params.yaml writes it, and its meaning."""
    rows = [
        [key, format_value(getattr(parameters, key)), field.description or ""]
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


def _numbers(counts: list[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


def _score(score: float | None) -> str:
    return _UNDEFINED if score is None else f"{score:.3f}"
