"""A trained model as evaluation needs it: loaded, checked, and its predictions of a split."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.base.errors import UserError
from curate.base.files import read_json
from train.data import Shards
from train.evaluate.predictions import Predictions, as_table
from train.model.network import describe  # and registers the layers that a model file holds

MODEL = "model.keras"


@dataclass(frozen=True)
class Fitted:
    """A model, and what it says of itself: the action units of its outputs, in order, the
    probability from which each counts as present, (units,), chosen on held-out moments, and notes
    on what its labels could not teach it."""

    path: Path
    model: keras.Model
    action_units: list[str]
    thresholds: NDArray[np.float64]
    notes: list[str]


def load_fitted(path: Path) -> Fitted:
    """Load a model that `train fit` wrote: the file, or the folder that holds it.

    Raises:
        UserError: no such file, not a whole `.keras` file, or not one of `train fit`.
    """
    path = path / MODEL if path.is_dir() else path
    if not path.is_file():
        raise UserError(f"{path}: no such model; make it with 'train fit'")
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: not a whole .keras file; name one that 'train fit' made")
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # a damaged archive fails in whichever part of Keras meets it first
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UserError(
            f"{path}: not a whole .keras file ({reason}); make it again with 'train fit'"
        ) from None
    try:
        told = describe(model)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    thresholds = np.array(told.thresholds, np.float64)
    return Fitted(path, model, told.action_units, thresholds, told.notes)


def read_gap(path: Path) -> dict[str, Any]:
    """Read gap.json: the gap `early` and at the end (`final`), each a part to its figure.

    Raises:
        UserError: no such file, or one of something else.
    """
    gap = read_json(path, "train fit", "early", "final")
    for when in ("early", "final"):
        if not isinstance(gap[when], dict):
            raise UserError(f"{path}: lacks '{when}'; make it again with 'train fit'")
    return gap


def predict(fitted: Fitted, shards: Shards, split: str, names: list[str]) -> pl.DataFrame:
    """Predict a split: a row a frame, in file order; empty where there is no such split."""
    labelled = [shards.action_units.index(name) for name in names]
    predicted = [fitted.action_units.index(name) for name in names]
    with shards.readable_errors():
        keys = shards.keys(split)
        labels, probabilities = shards.outputs(fitted.model, split)
    predictions = Predictions(
        names, labels[:, labelled], probabilities[:, predicted], keys["subject"].to_list()
    )
    return as_table(predictions, keys["id"].to_list(), split)
