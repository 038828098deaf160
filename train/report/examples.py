"""Frames to look at: samples of every fate, and the mistakes that the model is surest of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.base.params import Parameters
from curate.base.text import plural
from curate.tables import REASONS, action_units, intensity
from curate.viz.pictures import Crop, read_crops
from train.evaluate.predictions import probability
from train.report.facs import named
from train.report.tiles import FrameTile, TileRow, make_tile

MOST_SAMPLES = 7  # frames of a fate
_KEPT = {
    "train": "Kept, to train on",
    "validation": "Kept, to validate on: people of whom no frame is fed",
    "moments": "Kept, other moments: a block of time held out of each training clip",
}
_MOST_MISTAKES = 4  # of an action unit and kind
_MOST_IN_ALL = 128  # mistakes, so that a page of many action units stays small
_SCORED = "validation"
_KINDS = {
    0: "False positives: {frames:,} of {of:,} frames labelled absent",
    1: "False negatives: {frames:,} of {of:,} frames labelled present",
}


@dataclass(frozen=True)
class Sample:
    """A few frames of one fate, and how many share it; without ids where none has a picture."""

    title: str
    frames: int
    ids: list[str]


def meaning(reason: str, parameters: Parameters) -> str:
    """Describe why a frame was dropped for `reason`, with the parameter that decides it."""
    return {
        "unreadable": "could not be decoded",
        "no_face": f"no face was found (crop {parameters.crop})",
        "unlabelled": "no action unit is labelled, so there is nothing to learn",
        "stride": f"only one frame in {parameters.stride} is looked at (stride)",
        "repeats_against": "repeats a frame of the footage that it was compared with",
        "near_duplicate": f"its hash lies within {max(parameters.distance, 0)} bits of a frame "
        "kept before it (distance)",
        "margin": f"within {parameters.margin} frames of a block of other moments, too much like "
        "it (margin)",
        "over_cap": f"its action units have their {parameters.cap} positives already (cap)",
    }[reason]


def choose_samples(cap: pl.DataFrame, frames: pl.DataFrame, parameters: Parameters) -> list[Sample]:
    """Choose frames of every fate, spread evenly over people and time.

    `cap` as `curate.tables.CAP`; `frames` has id and hash, null where there is no picture.
    """
    pictured = frames.filter(pl.col("hash").is_not_null()).select("id")
    fates = [(title, pl.col("keep") & (pl.col("split") == s)) for s, title in _KEPT.items()]
    for reason in REASONS:
        title = f"Dropped, {reason.replace('_', '-')}: {meaning(reason, parameters)}"
        fates.append((title, pl.col("reason") == reason))
    samples = []
    for title, fate in fates:
        rows = cap.filter(fate)
        if len(rows):
            own = rows.join(pictured, on="id", how="semi").sort("subject", "clip", "index")
            samples.append(Sample(title, len(rows), _spread(own["id"].to_list())))
    return samples


def _spread(ids: list[str]) -> list[str]:
    """Take at most `MOST_SAMPLES` at even distances, none of them at an end."""
    if len(ids) <= MOST_SAMPLES:
        return ids
    places = range(1, 2 * MOST_SAMPLES, 2)
    return [ids[place * len(ids) // (2 * MOST_SAMPLES)] for place in places]


def sample_rows(samples: list[Sample], labels: pl.DataFrame, folder: Path) -> list[TileRow]:
    """Format samples as tiles that name the action units labelled as present.

    `folder` holds the parts of the frames table.
    """
    crops = read_crops(folder, (name for sample in samples for name in sample.ids))
    present = _present(labels, list(crops))
    rows = []
    for sample in samples:
        tiles = [
            make_tile(name, present.get(name, "unlabelled"), f"{sample.title}: frame {name}",
                      crops[name])
            for name in sample.ids
            if name in crops
        ]  # fmt: skip
        count = plural(sample.frames, "frame")
        rows.append(TileRow(sample.title, count if tiles else f"{count}, without a picture", tiles))
    return rows


def _present(labels: pl.DataFrame, ids: list[str]) -> dict[str, str]:
    """Name the action units that each frame's labels say are present; of unlabelled ones none."""
    names = action_units(labels)
    few = labels.filter(pl.col("id").is_in(ids) & pl.any_horizontal(pl.col(names).is_not_null()))
    return {
        row["id"]: " ".join(name for name in names if row[name] == 1) or "none present"
        for row in few.select("id", *names).to_dicts()
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


def choose_mistakes(predictions: pl.DataFrame, threshold: float) -> list[Mistakes]:
    """Choose each action unit's surest mistakes on the natural validation set, of both kinds.

    At most one of a clip is chosen per action unit and kind: the frames next to it are the same
    mistake again. `predictions` as in predictions.parquet, ids named by `curate.tables.frame_id`.
    """
    natural = predictions.filter(pl.col("split") == _SCORED)
    names = action_units(predictions)
    most = max(1, min(_MOST_MISTAKES, _MOST_IN_ALL // (2 * max(1, len(names)))))
    return [_surest(natural, name, label, threshold, most) for name in names for label in _KINDS]


def _surest(
    predictions: pl.DataFrame, name: str, label: int, threshold: float, most: int
) -> Mistakes:
    labelled = predictions.filter(pl.col(name) == label).select(
        "id",
        pl.col(probability(name)).cast(pl.Float64).alias("probability"),
        pl.col("id").str.replace(r"/[^/]*$", "").alias("clip"),
    )
    present = pl.col("probability") >= threshold
    wrong = labelled.filter(~present if label else present)
    surest = (
        wrong.sort(pl.col("probability") if label else -pl.col("probability"), "id")
        .unique("clip", keep="first", maintain_order=True)
        .head(most)
    )
    pairs = list(surest.select("id", "probability").iter_rows())
    return Mistakes(name, label, len(wrong), len(labelled), pairs)


def mistake_rows(
    mistakes: list[Mistakes], labels: pl.DataFrame, folder: Path
) -> dict[str, list[TileRow]]:
    """Format mistakes as tiles: two rows an action unit, under its name.

    An action unit without a labelled frame is left out. `folder` holds the parts of the frames
    table.
    """
    ids = [name for kind in mistakes for name, _ in kind.surest]
    crops, coded = read_crops(folder, ids), labels.filter(pl.col("id").is_in(ids))
    rows: dict[str, list[TileRow]] = {}
    for kind in mistakes:
        if kind.of:
            title = _KINDS[kind.label].format(frames=kind.frames, of=kind.of)
            tiles = _mistake_tiles(kind, coded, crops)
            rows.setdefault(named(kind.action_unit), []).append(TileRow(title, "", tiles))
    return rows


def _mistake_tiles(
    mistakes: Mistakes, labels: pl.DataFrame, crops: dict[str, Crop]
) -> list[FrameTile]:
    """Make tiles that name probability, label, and intensity (0 to 5) where it was coded."""
    column = intensity(mistakes.action_unit)
    coded = column in labels.columns
    levels = dict(labels.select("id", column).drop_nulls().iter_rows()) if coded else {}
    label = "present" if mistakes.label else "absent"
    tiles = []
    for name, chance in mistakes.surest:
        if name in crops:
            level = f", intensity {levels[name]:g}" if name in levels else ""
            words = f"probability {chance:.2f}, label {label}{level}"
            alternative = f"Frame {name}, {mistakes.action_unit}: {words}"
            tiles.append(make_tile(name, words, alternative, crops[name]))
    return tiles
