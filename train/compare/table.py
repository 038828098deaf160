"""The table of a comparison: a row an experiment, with only the parameters that differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curate.base.params import format_value
from curate.base.text import format_interval
from train.compare.words import final_gap, macro_f1
from train.experiments.entries import FINISHED
from train.experiments.read import Experiment

_SHARES = {
    "memorised": "memorised",
    "near_duplicate_moments": "moments",
    "same_people": "memorised\nor moments",
    "people": "people",
}


def rows_of(
    experiments: Sequence[Experiment], labels: Sequence[str], differing: Sequence[str]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Lay experiments out as columns and rows; what is not known is None.

    Columns that no experiment fills are left out, but for the label, the gap and macro F1.
    """
    rows = [
        _row(number, *pair, differing)
        for number, pair in enumerate(zip(experiments, labels, strict=True), start=1)
    ]
    always = {"", "gap", "macro F1"}
    columns = [column for column in rows[0] if column in always or any(row[column] for row in rows)]
    return columns, [tuple(row[column] for column in columns) for row in rows]


def _row(
    number: int, experiment: Experiment, label: str, differing: Sequence[str]
) -> dict[str, Any]:
    results = experiment.results
    f1, gap = macro_f1(experiment, label), final_gap(experiment, label)
    shares = results.gap.shares if results.gap else {}
    return {
        "": f"{number} {label}",
        "state": None if experiment.state == FINISHED else experiment.state,
        "gap": gap and gap.value,
        "gap, 95 %": gap and format_interval(gap.low, gap.high),
        **{head: _percent(shares.get(part)) for part, head in _SHARES.items()},
        "macro F1": f1 and f1.value,
        "macro F1, 95 %": f1 and format_interval(f1.low, f1.high),
        "micro F1": results.scores.get("micro", {}).get("f1"),
        "training\nframes": results.frames,
        **{name: format_value(results.parameters.get(name)) for name in differing},
    }


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"
