"""Stage `cap`: read the split, cap it, write, count positives before and after."""

from __future__ import annotations

from pathlib import Path

from curate.base.console import Summary
from curate.base.stage_params import CapParameters
from curate.cap.rule import Cap, apply
from curate.cap.summary import count_positives
from curate.tables import CAP, KEY, SPLIT, read_table, write_table


def cap_stage(split: Path, labels: Path, output: Path, parameters: CapParameters) -> Summary:
    """Read the split, cap, write, and count positives before and after.

    Raises:
        UserError: a table is missing or is not what it should be.
    """
    labels_table = read_table(labels, KEY)
    before = read_table(split, SPLIT)
    capped = apply(before, labels_table, parameters.cap)
    write_table(capped.table, output, CAP)
    counts = count_positives(before, capped.table, labels_table, capped.cap)
    counts.data["cap"] = {
        "asked": parameters.cap,
        "train": capped.cap,
        "balanced": capped.validation_cap,
        "positives short of the optimum at most": capped.short,
    }
    counts.notes += [
        f"{split}: the search for the most positives was ended early; the optimum has at most "
        f"{short:,} more"
        for split, short in capped.short.items()
        if short
    ]
    if parameters.cap == "auto" and not capped.cap:
        counts.notes.append("cap: auto: no action unit occurs in training; nothing is capped")
    counts.data["notes"] = counts.notes
    return counts


def in_words(asked: Cap, cap: int) -> str:
    """Write the cap that held for what was asked: a number, "off", or how auto came to it."""
    if asked == "auto":
        return f"{cap or 'off'} (auto: the median action unit's positives)"
    return str(cap or "off")
