"""Stage `evaluate`: every score of a model on people it never saw, natural and balanced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from curate.base.errors import UserError
from curate.base.files import read_json
from curate.base.stage_params import EvaluateParameters
from train.data import Shards
from train.evaluate.calibration import reliability_rows
from train.evaluate.predict import predict
from train.evaluate.predictions import of_split
from train.evaluate.result import EVALUATED, Evaluation, compare, notes_on, write
from train.evaluate.scorecard import scorecard, summary
from train.model.load import Model, load

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
        UserError: no model or shards, damaged ones, or a model of other action units or of frames
            cut in another way.
    """
    opened = Shards.open(shards)
    model = load(fit)
    _require_same(model, opened)
    gap = _read_gap(fit / "gap.json")
    evaluation = _evaluate(model, opened, EVALUATED, parameters, beside_published)
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
    or that the shards do not label, are left out and noted, as are frames cut in another way.

    Raises:
        UserError: no or damaged model or shards, no such split, nothing in common, or pictures of
            another size than the model's.
    """
    opened = Shards.open(shards)
    loaded = load(model)
    there = opened.splits
    wanted = [split] if split else [name for name in EVALUATED if name in there]
    if not wanted or not set(wanted) <= set(there):
        lacking = f"split '{split}'" if split else "validation split"
        raise UserError(f"{shards}: has no {lacking}; choose with --split of {', '.join(there)}")
    evaluation = _evaluate(loaded, opened, wanted, parameters, beside_published)
    if split == CHOSEN_ON:
        evaluation.notes.append(
            f"{split}: thresholds are chosen on such frames, so what they give here flatters"
        )
    if output:
        write(evaluation, output)
    return evaluation


def _require_same(model: Model, shards: Shards) -> None:
    if list(model.action_units) != shards.action_units:
        raise UserError(
            f"{model.path}: was trained for {', '.join(model.action_units)}, but the shards hold "
            f"{', '.join(shards.action_units)}",
            path=model.path,
        )
    other_crop = _other_crop(model, shards)
    if other_crop:
        raise UserError(
            f"{model.path}: {other_crop}; train it on these shards, or make these with that crop",
            path=model.path,
            key="crop",
        )


def _other_crop(model: Model, shards: Shards) -> str:
    """Describe that the shards' frames are cut in another way than the model's; else nothing."""
    if None in (model.crop, shards.crop) or model.crop == shards.crop:
        return ""
    return f"was trained on frames cut with crop '{model.crop}', the shards' with '{shards.crop}'"


def _read_gap(path: Path) -> dict[str, Any]:
    """Read gap.json: the gap `early` and at the end (`final`), each a part to its figure.

    Raises:
        UserError: no such file, or one of something else.
    """
    gap = read_json(path, "train fit", "early", "final")
    for when in ("early", "final"):
        if not isinstance(gap[when], dict):
            raise UserError(f"{path}: lacks '{when}'; make it again with 'train fit'")
    return gap


def _figures_only(gap: dict[str, Any]) -> dict[str, Any]:
    """Keep of a gap what is a figure: DVC's metrics are numbers."""
    return {k: v for k, v in gap.items() if v is None or isinstance(v, int | float)}


def _evaluate(
    model: Model,
    shards: Shards,
    splits: Sequence[str],
    parameters: EvaluateParameters,
    beside_published: bool,
) -> Evaluation:
    """Predict and score each split, at the parameters' threshold and at the chosen ones."""
    names, notes = _shared(model, shards)
    thresholds = dict(zip(model.action_units, model.thresholds, strict=True))
    chosen = np.array([thresholds[name] for name in names])
    tables = [predict(model, shards, split, names) for split in splits]
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


def _shared(model: Model, shards: Shards) -> tuple[list[str], list[str]]:
    """List the action units that model and shards share, and notes: the model's own, and on those
    that they do not share."""
    side, wanted = shards.image_size, model.image_size
    if side != wanted:
        raise UserError(
            f"{model.path}: takes pictures of {wanted} pixels, but the shards hold {side}; make "
            f"them anew with image_size {wanted}"
        )
    labelled = shards.action_units
    names = [name for name in model.action_units if name in labelled]
    if not names:
        raise UserError(
            f"{model.path}: predicts {', '.join(model.action_units)}, of which the shards label "
            f"none (they hold {', '.join(labelled)})"
        )
    other_crop = _other_crop(model, shards)
    notes = [*model.notes, *([f"the model {other_crop}"] if other_crop else [])]
    for these, others, said in (
        (model.action_units, labelled, "predicted, but the shards do not label them"),
        (labelled, model.action_units, "labelled, but the model does not predict them"),
    ):
        alone = [name for name in these if name not in others]
        notes += [f"{', '.join(alone)}: {said}; left out"] if alone else []
    return names, notes
