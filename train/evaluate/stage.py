"""Stage `evaluate`: every score of a model on people it never saw, natural and balanced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from curate.base.console import Summary
from curate.base.errors import MissingInputError
from curate.base.stage_params import EvaluateParameters
from train.data import Shards
from train.evaluate.matching import matching_notes, require_same, shared_action_units
from train.evaluate.predict import predict
from train.evaluate.predictions import of_split
from train.evaluate.published import compare_scores
from train.evaluate.result import EVALUATED, Evaluation, score_split, write_evaluation
from train.evaluate.summary import summarize
from train.gap.verdict import FILE as GAP
from train.gap.verdict import Gap, Verdict
from train.model.load import Model, load

CHOSEN_ON = "moments"


def run(
    fit: Path,
    shards: Path,
    output: Path,
    parameters: EvaluateParameters,
    *,
    published: bool = False,
) -> Summary:
    """Score the model of `fit` on the validation splits of `shards`; write all of it to `output`.

    That is metrics.json, summary.json, per_action_unit.csv, means.csv, calibration.csv, notes.json
    and predictions.parquet, and published.json where the comparison with published figures holds or
    is asked for (`published`).

    Raises:
        UserError: as `evaluate_fit`, or `output` holds something else.
    """
    evaluation = evaluate_fit(fit, shards, parameters, published=published)
    write_evaluation(evaluation, output)
    return summarize(evaluation, str(output))


def evaluate_fit(
    fit: Path, shards: Path, parameters: EvaluateParameters, *, published: bool = False
) -> Evaluation:
    """Score the model of `train fit` on both validation splits, its gap beside them.

    Raises:
        UserError: no model or shards, damaged ones, or a model of other action units or of frames
            cut in another way.
    """
    opened = Shards.open(shards)
    model = load(fit)
    require_same(model, opened)
    verdict = Verdict.read(fit / GAP)
    evaluation = _evaluate(model, opened, EVALUATED, parameters, published)
    gaps = {"gap": _figures(verdict.final), "gap_early": _figures(verdict.early)}
    return replace(evaluation, gaps=gaps)


def _figures(gap: Gap) -> dict[str, Any]:
    """Keep of a gap what is a figure: DVC's metrics are numbers."""
    figures = gap.as_dict().items()
    return {name: value for name, value in figures if isinstance(value, int | float | None)}


def run_on_model(
    model: Path,
    shards: Path,
    split: str | None,
    output: Path | None,
    parameters: EvaluateParameters,
    *,
    published: bool = False,
) -> Summary:
    """Score a model file as `evaluate_model` does; write to `output` where one is given.

    Raises:
        UserError: as `evaluate_model`, or `output` holds something else.
    """
    evaluation = evaluate_model(model, shards, split, parameters, published=published)
    if output:
        write_evaluation(evaluation, output)
    return summarize(evaluation, str(output or model))


def evaluate_model(
    model: Path,
    shards: Path,
    split: str | None,
    parameters: EvaluateParameters,
    *,
    published: bool = False,
) -> Evaluation:
    """Score a model file on a split of any folder of shards.

    Without `split` both validation splits are scored. Action units that the model does not predict,
    or that the shards do not label, are left out and noted, as are frames cut in another way.

    Raises:
        UserError: no or damaged model or shards, no such split, nothing in common, or pictures of
            another size than the model's.
    """
    opened = Shards.open(shards)
    loaded = load(model)
    splits = [split] if split else [name for name in EVALUATED if name in opened.splits]
    if not splits or not set(splits) <= set(opened.splits):
        lacking = f"split '{split}'" if split else "validation split"
        known = ", ".join(opened.splits)
        raise MissingInputError(
            f"{shards}: has no {lacking}; choose with --split of {known}", path=shards
        )
    evaluation = _evaluate(loaded, opened, splits, parameters, published)
    if split != CHOSEN_ON:
        return evaluation
    flatters = f"{split}: thresholds are chosen on such frames, so what they give here flatters"
    return replace(evaluation, notes=[*evaluation.notes, flatters])


def _evaluate(
    model: Model,
    shards: Shards,
    splits: Sequence[str],
    parameters: EvaluateParameters,
    published: bool,
) -> Evaluation:
    """Predict and score each split, at the parameters' threshold and at the model's own."""
    names = shared_action_units(model, shards)
    thresholds = dict(zip(model.action_units, model.thresholds, strict=True))
    own = np.array([thresholds[name] for name in names])
    table = pl.concat([predict(model, shards, split, names) for split in splits])
    threshold, seed = parameters.threshold, parameters.seed
    scores = [score_split(split, of_split(table, split), threshold, own, seed) for split in splits]
    people = set(table.filter(pl.col("split") == splits[0])["subject"])
    comparison, misfit = compare_scores(scores[0].units, people, threshold, asked=published)
    notes = [*model.notes, *matching_notes(model, shards)]
    for split_scores in scores:
        notes += split_scores.notes()
    return Evaluation(table, scores, [*notes, *misfit], comparison)
