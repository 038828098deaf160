"""What the report is made from: where the tables lie, and the tables as read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.base.errors import DamagedInputError, MissingInputError
from curate.base.files import read_json
from curate.tables import CAP, DEDUP, KEY, SPLIT, read_frames, read_table
from train.evaluate.calibration import RELIABILITY
from train.evaluate.predictions import read_predictions
from train.evaluate.published import Comparison
from train.evaluate.scorecard import COLUMNS
from train.fit.augmented_sheet import read as read_sheet
from train.gap.losses import COLUMNS as LOSS_COLUMNS
from train.gap.losses import MEANING
from train.gap.verdict import FILE as GAP_FILE
from train.gap.verdict import Verdict

_COUNTS = ("frames_fed", *(f"{probe}_frames" for probe in MEANING))
_LOSSES = dict.fromkeys([*LOSS_COLUMNS, *_COUNTS], pl.Float64)
_HISTORY = {"epoch": pl.Float64, "loss": pl.Float64}


@dataclass(frozen=True)
class ReportInputs:
    """Where the tables lie: a folder of frames, four tables, the outputs of fit and evaluate.

    `project` is where git and dvc.lock are asked what the tables come from.
    """

    frames: Path
    labels: Path
    dedup: Path
    split: Path
    cap: Path
    fit: Path
    evaluation: Path
    project: Path = Path()

    def paths(self) -> list[Path]:
        """List all that the report reads."""
        return [
            self.frames, self.labels, self.dedup, self.split, self.cap, self.fit, self.evaluation
        ]  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """The inputs as read: frames without pictures, but with where to find them."""

    frames_folder: Path
    frames: pl.DataFrame
    labels: pl.DataFrame
    dedup: pl.DataFrame
    cap: pl.DataFrame
    probes: pl.DataFrame
    history: pl.DataFrame
    verdict: Verdict
    scores: pl.DataFrame
    metrics: dict[str, Any]
    notes: list[str]
    predictions: pl.DataFrame
    reliability: pl.DataFrame
    comparison: Comparison | None
    augmented: NDArray[np.uint8] | None


def read_tables(inputs: ReportInputs) -> Tables:
    """Read every input; the split is read through the cap's table, which repeats it.

    Raises:
        MissingInputError: a table is not there.
        DamagedInputError: a table is not what it should be, or the tables are not of one run.
    """
    read_table(inputs.split, SPLIT)
    frames = read_frames(inputs.frames, ["id", "clip", "index", "time", "hash"])
    dedup = read_table(inputs.dedup, DEDUP)
    predictions = read_predictions(inputs.evaluation / "predictions.parquet")
    for table, what in ((dedup, "decisions"), (predictions, "predictions")):
        lost = table.join(frames, on="id", how="anti")["id"].sort()
        if len(lost):
            raise DamagedInputError(
                f"{inputs.frames}: lacks the frame {lost[0]}; make the {what} again with "
                "'dvc repro'",
                path=inputs.frames,
            )
    return Tables(
        inputs.frames,
        frames,
        read_table(inputs.labels, KEY),
        dedup,
        read_table(inputs.cap, CAP),
        _read_csv(inputs.fit / "probes.csv", _LOSSES, "train fit"),
        _read_csv(inputs.fit / "history.csv", _HISTORY, "train fit"),
        Verdict.read(inputs.fit / GAP_FILE),
        _read_csv(inputs.evaluation / "per_action_unit.csv", COLUMNS, "train evaluate"),
        read_json(inputs.evaluation / "metrics.json", "train evaluate", "validation"),
        read_json(inputs.evaluation / "notes.json", "train evaluate", "notes")["notes"],
        predictions,
        _read_csv(inputs.evaluation / "calibration.csv", RELIABILITY, "train evaluate"),
        _read_comparison(inputs.evaluation / "published.json"),
        read_sheet(inputs.fit / "augmented.jpg"),
    )


def _read_comparison(path: Path) -> Comparison | None:
    """Read the comparison with published figures; None where evaluation made none."""
    if not path.exists():
        return None
    try:
        return Comparison(**read_json(path, "train evaluate", "rows"))
    except TypeError:
        raise DamagedInputError(
            f"{path}: lacks what 'train evaluate' writes; make it again", path=path
        ) from None


def _read_csv(path: Path, schema: dict[str, Any], command: str) -> pl.DataFrame:
    """Read a CSV's columns as `schema` types them: a column without any value has no type."""
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such file; make it with '{command}' or 'dvc repro'", path=path
        )
    try:
        table = pl.read_csv(path, infer_schema=False)
        return table.select(pl.col(list(schema))).cast(pl.Schema(schema))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DamagedInputError(
            f"{path}: not the table that '{command}' writes ({error})", path=path
        ) from None
