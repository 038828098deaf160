"""The mistakes that the model is surest of, to see whether the label or the model is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.tables import action_units, intensity
from train.evaluate.predictions import probability
from train.report.facs import named
from train.report.tiles import Row, Tile, make_tile, read_pictures

MOST = 4  # of an action unit and kind
_MOST_IN_ALL = 128  # pictures, so that a page of many action units stays small
_SPLIT = "validation"
_KINDS = {
    0: "False positives: {frames:,} of {of:,} frames labelled absent",
    1: "False negatives: {frames:,} of {of:,} frames labelled present",
}


@dataclass(frozen=True)
class Mistakes:
    """What an action unit's frames of one label (0 absent, 1 present) were wrongly called.

    `surest` holds id and probability of a few of them, the surest first; `frames` counts all,
    `of` all frames of that label.
    """

    action_unit: str
    label: int
    frames: int
    of: int
    surest: list[tuple[str, float]]


def choose(predictions: pl.DataFrame, threshold: float) -> list[Mistakes]:
    """Choose each action unit's surest mistakes on the natural validation set, of both kinds.

    At most one of a clip is chosen per action unit and kind: the frames next to it are the same
    mistake again. `predictions` as in predictions.parquet, ids named by `curate.tables.frame_id`.
    """
    natural = predictions.filter(pl.col("split") == _SPLIT)
    names = action_units(predictions)
    most = max(1, min(MOST, _MOST_IN_ALL // (2 * max(1, len(names)))))
    return [_of(natural, name, label, threshold, most) for name in names for label in _KINDS]


def _of(table: pl.DataFrame, name: str, label: int, threshold: float, most: int) -> Mistakes:
    labelled = table.filter(pl.col(name) == label).select(
        "id",
        pl.col(probability(name)).cast(pl.Float64).alias("probability"),
        pl.col("id").str.replace(r"/[^/]*$", "").alias("clip"),
    )
    said = pl.col("probability") >= threshold
    wrong = labelled.filter(~said if label else said)
    surest = (
        wrong.sort(pl.col("probability") if label else -pl.col("probability"), "id")
        .unique("clip", keep="first", maintain_order=True)
        .head(most)
    )
    pairs = list(surest.select("id", "probability").iter_rows())
    return Mistakes(name, label, len(wrong), len(labelled), pairs)


def rows(
    mistakes: list[Mistakes], labels: pl.DataFrame, folder: Path, frames: pl.DataFrame
) -> dict[str, list[Row]]:
    """Lay mistakes out as tiles: two rows an action unit, under its name.

    An action unit without a labelled frame is left out.
    """
    ids = [name for one in mistakes for name, _ in one.surest]
    pictures = read_pictures(folder, frames, ids)
    coded = labels.filter(pl.col("id").is_in(ids))
    laid: dict[str, list[Row]] = {}
    for one in mistakes:
        levels = _intensities(coded, one.action_unit)
        tiles = [
            _tile(one, name, chance, levels.get(name), pictures)
            for name, chance in one.surest
            if name in pictures
        ]
        if one.of:
            said = _KINDS[one.label].format(frames=one.frames, of=one.of)
            laid.setdefault(named(one.action_unit), []).append(Row(said, "", tiles))
    return laid


def _tile(one: Mistakes, name: str, chance: float, level: float | None, pictures: dict) -> Tile:
    label = "present" if one.label else "absent"
    coded = "" if level is None else f", intensity {level:g}"
    words = f"probability {chance:.2f}, label {label}{coded}"
    return make_tile(name, words, f"Frame {name}, {one.action_unit}: {words}", pictures[name])


def _intensities(labels: pl.DataFrame, action_unit: str) -> dict[str, float]:
    """Map frames to an action unit's intensity, 0 to 5, where it was coded."""
    column = intensity(action_unit)
    if column not in labels.columns:
        return {}
    return dict(labels.select("id", column).drop_nulls().iter_rows())
