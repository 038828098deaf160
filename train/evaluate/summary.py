"""An evaluation as it is shown: a table a split, and the published figures beside ours."""

from __future__ import annotations

from curate.base.console import Summary, Table
from curate.base.text import format_interval
from train.evaluate.result import Evaluation, SplitScores
from train.evaluate.scorecard import MEANS, Row

# Header of a column: the figure in it.
_SHOWN = {
    "": "action_unit",
    "positives": "positives",
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "f1,\n95 %": "f1_interval",
    "average\nprecision": "average_precision",
    "chosen\nthreshold": "chosen_threshold",
    "precision,\nchosen": "chosen_precision",
    "recall,\nchosen": "chosen_recall",
    "f1,\nchosen": "chosen_f1",
}


def summarize(evaluation: Evaluation, title: str) -> Summary:
    """Format each split's figures, then the published ones beside them."""
    tables = [_table(f"{title}: {scores.split}", scores) for scores in evaluation.splits]
    closing = []
    if evaluation.comparison:
        compared = evaluation.comparison
        tables.append(Table(compared.title, compared.columns, list(map(tuple, compared.rows))))
        closing.append(compared.caution)
    return Summary("", [], [], evaluation.as_dict(), evaluation.notes, tables, closing)


def _table(title: str, scores: SplitScores) -> Table:
    """Format rows, at the fixed threshold, then at the chosen; empty columns are left out."""
    shown = [_shown(row) for row in (*scores.units, *scores.means)]
    folds = {name.replace("_", " "): name for name in shown[0] if name.startswith("f1_fold_")}
    columns = {
        column: key
        for column, key in (_SHOWN | folds).items()
        if any(row.get(key) is not None for row in shown)
    }
    rows = [tuple(row.get(key) for key in columns.values()) for row in shown]
    return Table(title, list(columns), rows)


def _shown(row: Row) -> Row:
    """Add the interval of F1; positives of a mean say nothing."""
    interval = format_interval(row["f1_low"], row["f1_high"], to="–") or None
    positives = None if row["action_unit"] in MEANS else row["positives"]
    return row | {"f1_interval": interval, "positives": positives}
