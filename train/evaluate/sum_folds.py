"""Evaluations of k folds summed as the field does: counts of all folds pooled, then the scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.base.console import Summary
from curate.base.errors import DamagedInputError, UserError
from curate.base.stage_params import EvaluateParameters
from train.evaluate.predictions import Predictions, of_split, read_predictions
from train.evaluate.published import compare_scores
from train.evaluate.result import EVALUATED, Evaluation, SplitScores, write_evaluation
from train.evaluate.scorecard import decide, score_decided
from train.evaluate.summary import summarize
from train.metrics.scores import macro, micro, per_action_unit, rounded

SPLIT = EVALUATED[0]
FOLD_COLUMN = "f1_fold_"


@dataclass(frozen=True)
class Fold:
    """One fold: its folder, its natural validation set, and its chosen thresholds (units,)."""

    folder: Path
    table: pl.DataFrame
    predictions: Predictions
    thresholds: NDArray[np.float64]


def run(
    folders: Sequence[Path],
    output: Path | None,
    parameters: EvaluateParameters,
    *,
    published: bool = False,
) -> Summary:
    """Sum evaluations as `sum_folds` does; write to `output` where one is given.

    Raises:
        UserError: as `sum_folds`, or `output` holds something else.
    """
    evaluation = sum_folds(folders, parameters, published=published)
    if output:
        write_evaluation(evaluation, output)
    return summarize(evaluation, f"{len(folders)} folds")


def sum_folds(
    folders: Sequence[Path], parameters: EvaluateParameters, *, published: bool = False
) -> Evaluation:
    """Pool the natural validation sets of the folds in `folders`, each decided by its own model.

    Average precision and calibration are left out: probabilities of different models share no
    scale. Rows have the F1 of each fold too, as `f1_fold_1` and so on.

    Raises:
        UserError: fewer than two folds, a damaged one, a sum, other action units, or a frame or a
            subject in two of them.
    """
    if len(folders) < 2:
        raise UserError("name the evaluation folders of two or more folds")
    folds = [_read(folder) for folder in folders]
    _require_same_units(folds)
    for column in ("id", "subject"):
        _require_once(folds, column)
    scores = _score(folds, parameters)
    table = pl.concat([fold.table for fold in folds])
    comparison, misfit = compare_scores(
        scores.units, set(table["subject"]), parameters.threshold, asked=published
    )
    return Evaluation(table, [scores], [*scores.notes(), *misfit], comparison, folds=len(folds))


def _read(folder: Path) -> Fold:
    table = read_predictions(folder / "predictions.parquet").filter(pl.col("split") == SPLIT)
    if table.is_empty():
        raise UserError(
            f"{folder}: its predictions hold no frame of the split '{SPLIT}'", path=folder
        )
    predictions = of_split(table, SPLIT)
    path = folder / "per_action_unit.csv"
    try:
        rows = pl.read_csv(path).filter(pl.col("split") == SPLIT)
        if any(column.startswith(FOLD_COLUMN) for column in rows.columns):
            raise UserError(
                f"{folder}: is itself a sum of folds; name its folds instead", path=folder
            )
        by_unit = dict(rows.select("action_unit", "chosen_threshold").rows())
        thresholds = np.array([by_unit[name] for name in predictions.names], np.float64)
    except (pl.exceptions.PolarsError, OSError, KeyError, ValueError, TypeError):
        raise DamagedInputError(
            f"{path}: not the table that 'train evaluate' writes; make it again", path=path
        ) from None
    return Fold(folder, table, predictions, thresholds)


def _require_same_units(folds: list[Fold]) -> None:
    """Make sure that all folds score the same action units."""
    for fold, other in pairwise(folds):
        if fold.predictions.names != other.predictions.names:
            raise UserError(
                f"{other.folder}: scores {', '.join(other.predictions.names)}, but {fold.folder} "
                f"{', '.join(fold.predictions.names)}; evaluate all folds on the same action units",
                path=other.folder,
            )


def _require_once(folds: list[Fold], column: str) -> None:
    """Make sure that no frame, and no subject, lies in two folds' validation sets."""
    owner: dict[str, Path] = {}
    for fold in folds:
        for name in fold.table[column].unique().sort():
            if name in owner:
                raise UserError(
                    f"{fold.folder}: the {'frame' if column == 'id' else column} {name} is in the "
                    f"validation set of {owner[name]} too; each validates in one fold only",
                    path=fold.folder,
                )
            owner[name] = fold.folder


def _score(folds: list[Fold], parameters: EvaluateParameters) -> SplitScores:
    """Score the frames of all folds together, and add the F1 of each fold to the rows."""
    names = folds[0].predictions.names
    labels = np.concatenate([fold.predictions.labels for fold in folds])
    subjects = [subject for fold in folds for subject in fold.predictions.subjects]
    fixed = np.full(len(names), parameters.threshold)
    decided = {
        "": _decide(folds, [fixed] * len(folds)),
        "chosen_": _decide(folds, [fold.thresholds for fold in folds]),
    }
    units, means = score_decided(names, labels, decided, subjects, parameters.seed)
    for number, fold in enumerate(folds, start=1):
        for row, f1 in zip([*units, *means], _f1(fold.predictions, fixed), strict=True):
            row[f"{FOLD_COLUMN}{number}"] = rounded(f1)
    return SplitScores(SPLIT, len(labels), len(set(subjects)), units, means)


def _f1(predictions: Predictions, thresholds: NDArray[np.float64]) -> list[float | None]:
    """Return one fold's F1 of each action unit, then micro and macro."""
    decided = decide(predictions.probabilities, thresholds)
    units = per_action_unit(predictions.labels, decided)
    together = micro(predictions.labels, decided)
    return [score.f1 for score in (*units, together, macro(units))]


def _decide(folds: list[Fold], thresholds: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    pairs = zip(folds, thresholds, strict=True)
    return np.concatenate([decide(fold.predictions.probabilities, own) for fold, own in pairs])
