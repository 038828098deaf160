"""Stage `evaluate`: every score of a model on people it never saw, natural and balanced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.base.errors import UserError
from curate.base.stage_params import EvaluateParameters
from train.data import Shards
from train.evaluate.calibration import reliability_rows
from train.evaluate.fitted import Fitted, load_fitted, predict, read_gap
from train.evaluate.predictions import of_split
from train.evaluate.result import EVALUATED, Evaluation, compare, notes_on, write
from train.evaluate.scorecard import scorecard, summary

CHOSEN_ON = "moments"


def evaluate_stage(
    fit: Path,
    shards: Path,
    output: Path,
    parameters: EvaluateParameters,
    *,
    beside_published: bool = False,
) -> Evaluation:
    """Predict the validation splits, score them, write everything to `output`, whole.

    Writes metrics.json, summary.json, per_action_unit.csv, means.csv, calibration.csv, notes.json
    and predictions.parquet, and published.json where the comparison holds or is asked for
    (`beside_published`).

    Raises:
        UserError: no model or shards, damaged ones, or a model of other action units.
    """
    opened = Shards.open(shards)
    fitted = load_fitted(fit)
    _require_same(fitted, opened)
    gap = read_gap(fit / "gap.json")
    evaluation = _evaluate(fitted, opened, EVALUATED, parameters, beside_published)
    for name, when in (("gap", "final"), ("gap_early", "early")):
        evaluation.metrics[name] = _figures_only(gap[when])
    write(evaluation, output)
    return evaluation


def evaluate_model(
    model: Path,
    shards: Path,
    split: str | None,
    output: Path | None,
    parameters: EvaluateParameters,
    *,
    beside_published: bool = False,
) -> Evaluation:
    """Score a model file on a split of any folder of shards; write to `output` where given.

    Without `split` both validation splits are scored. Action units that the model does not predict,
    or that the shards do not label, are left out and noted.

    Raises:
        UserError: no or damaged model or shards, no such split, nothing in common, or pictures of
            another size than the model's.
    """
    opened = Shards.open(shards)
    fitted = load_fitted(model)
    there = opened.splits
    wanted = [split] if split else [name for name in EVALUATED if name in there]
    if not wanted or not set(wanted) <= set(there):
        lacking = f"split '{split}'" if split else "validation split"
        raise UserError(f"{shards}: has no {lacking}; choose with --split of {', '.join(there)}")
    evaluation = _evaluate(fitted, opened, wanted, parameters, beside_published)
    if split == CHOSEN_ON:
        evaluation.notes.append(
            f"{split}: thresholds are chosen on such frames, so what they give here flatters"
        )
    if output:
        write(evaluation, output)
    return evaluation


def _require_same(fitted: Fitted, shards: Shards) -> None:
    names = shards.action_units
    if fitted.action_units != names:
        raise UserError(
            f"{fitted.path}: was trained for {', '.join(fitted.action_units)}, but the shards hold "
            f"{', '.join(names)}"
        )


def _figures_only(gap: dict[str, Any]) -> dict[str, Any]:
    """Keep of a gap what is a figure: DVC's metrics are numbers."""
    return {k: v for k, v in gap.items() if v is None or isinstance(v, int | float)}


def _evaluate(
    fitted: Fitted,
    shards: Shards,
    splits: Sequence[str],
    parameters: EvaluateParameters,
    beside_published: bool,
) -> Evaluation:
    """Predict and score each split, at the parameters' threshold and at the chosen ones."""
    names, notes = _shared(fitted, shards)
    chosen = fitted.thresholds[[fitted.action_units.index(name) for name in names]]
    tables = [predict(fitted, shards, split, names) for split in splits]
    evaluation = Evaluation(pl.concat(tables), {}, notes=notes)
    for split in splits:
        predictions = of_split(evaluation.predictions, split)
        units, means = scorecard(predictions, parameters.threshold, chosen, parameters.seed)
        evaluation.units += [{"split": split, **row} for row in units]
        evaluation.means += [{"split": split, **row} for row in means]
        evaluation.reliability += [
            {"split": split, **row}
            for row in reliability_rows(predictions.labels, predictions.probabilities, names)
        ]
        subjects = len(set(predictions.subjects))
        evaluation.metrics[split] = summary(means, len(predictions), subjects)
        evaluation.notes += notes_on(split, units, subjects)
    evaluation.comparison = compare(evaluation, splits[0], parameters.threshold, beside_published)
    return evaluation


def _shared(fitted: Fitted, shards: Shards) -> tuple[list[str], list[str]]:
    """List the action units that model and shards share, and notes: the model's own, and on those
    that they do not share."""
    side, wanted = shards.image_size, fitted.model.input_shape[1]
    if side != wanted:
        raise UserError(
            f"{fitted.path}: takes pictures of {wanted} pixels, but the shards hold {side}; make "
            f"them anew with image_size {wanted}"
        )
    labelled = shards.action_units
    names = [name for name in fitted.action_units if name in labelled]
    if not names:
        raise UserError(
            f"{fitted.path}: predicts {', '.join(fitted.action_units)}, of which the shards label "
            f"none (they hold {', '.join(labelled)})"
        )
    notes = list(fitted.notes)
    for these, others, said in (
        (fitted.action_units, labelled, "predicted, but the shards do not label them"),
        (labelled, fitted.action_units, "labelled, but the model does not predict them"),
    ):
        alone = [name for name in these if name not in others]
        notes += [f"{', '.join(alone)}: {said}; left out"] if alone else []
    return names, notes
