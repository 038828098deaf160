"""Stage `cap`: read the split, cap it, write, count positives before and after."""

from __future__ import annotations

from pathlib import Path

from curate.base.console import Summary
from curate.base.stage_params import CapParameters
from curate.cap.rule import apply
from curate.cap.summary import count_positives
from curate.tables import CAP, KEY, SPLIT, read_table, write_table


def run(split: Path, labels: Path, output: Path, parameters: CapParameters) -> Summary:
    """Cap the positives of the split's training frames, write, and count them before and after.

    Raises:
        UserError: a table is missing or is not what it should be.
    """
    labels_table = read_table(labels, KEY)
    before = read_table(split, SPLIT)
    capped = apply(before, labels_table, parameters.cap)
    write_table(capped.table, output, CAP)
    return count_positives(output, before, capped, labels_table, parameters.cap)
