"""The table of a comparison: a row an experiment, with only the parameters that differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curate.base.params import format_value
from curate.base.text import format_interval
from train.compare.best import Contender
from train.experiments.entries import FINISHED

_ALWAYS = {"", "gap", "macro F1"}  # columns that stay where no experiment fills them
_SHARES = {
    "memorised": "memorised",
    "near_duplicate_moments": "moments",
    "same_people": "memorised\nor moments",
    "people": "people",
}


def format_table(
    contenders: Sequence[Contender], differing: Sequence[str]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Format experiments as columns and rows; what is not known is None.

    `differing` are the parameters shown. Columns that no experiment fills are left out, but for
    the label, the gap and macro F1.
    """
    rows = [_row(contender, differing) for contender in contenders]
    columns = [c for c in rows[0] if c in _ALWAYS or any(row[c] for row in rows)]
    return columns, [tuple(row[column] for column in columns) for row in rows]


def _row(contender: Contender, differing: Sequence[str]) -> dict[str, Any]:
    results, state = contender.experiment.results, contender.experiment.state
    f1, gap = contender.macro_f1, contender.gap
    shares = results.gap.shares if results.gap else {}
    return {
        "": f"{contender.number} {contender.label}",
        "state": None if state == FINISHED else state,
        "gap": gap and gap.value,
        "gap, 95 %": gap and format_interval(gap.low, gap.high),
        **{head: f"{shares[part]:.0%}" if part in shares else None
           for part, head in _SHARES.items()},
        "macro F1": f1 and f1.value,
        "macro F1, 95 %": f1 and format_interval(f1.low, f1.high),
        "micro F1": results.scores.get("micro", {}).get("f1"),
        "training\nframes": results.frames,
        **{name: format_value(results.parameters.get(name)) for name in differing},
    }  # fmt: skip
