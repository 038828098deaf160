"""The predictions of a model on a split of shards, as evaluation stores them."""

from __future__ import annotations

import polars as pl

from train.data import Shards
from train.evaluate.predictions import Predictions, as_table
from train.model.load import Model


def predict(model: Model, shards: Shards, split: str, names: list[str]) -> pl.DataFrame:
    """Predict a split: a row a frame, in file order; empty where there is no such split.

    `names` are the action units to keep, which both the model and the shards have.

    Raises:
        UserError: damaged shards.
    """
    labelled = [shards.action_units.index(name) for name in names]
    predicted = [model.action_units.index(name) for name in names]
    with shards.readable_errors():
        keys = shards.keys(split)
        labels, probabilities = shards.outputs(model.network, split)
    predictions = Predictions(
        names, labels[:, labelled], probabilities[:, predicted], keys["subject"].to_list()
    )
    return as_table(predictions, keys["id"].to_list(), split)
