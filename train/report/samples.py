"""Samples of what was kept and of what was dropped, by reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.base.params import Parameters
from curate.base.text import plural
from curate.tables import REASONS, action_units
from train.report.tiles import Row, make_tile, read_pictures

MOST = 7  # frames of a reason
_KEPT = {
    "train": "Kept, to train on",
    "validation": "Kept, to validate on: people of whom no frame is fed",
    "moments": "Kept, other moments: a block of time held out of each training clip",
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


def choose(cap: pl.DataFrame, frames: pl.DataFrame, parameters: Parameters) -> list[Sample]:
    """Choose frames of every fate, spread evenly over people and time.

    `cap` as `curate.tables.CAP`; `frames` has id and hash, null where there is no picture.
    """
    shown = frames.filter(pl.col("hash").is_not_null()).select("id")
    kept = [(title, pl.col("keep") & (pl.col("split") == s)) for s, title in _KEPT.items()]
    fates = [
        (f"Dropped, {reason.replace('_', '-')}: {meaning(reason, parameters)}",
         pl.col("reason") == reason)
        for reason in REASONS
    ]  # fmt: skip
    samples = []
    for title, fate in kept + fates:
        rows = cap.filter(fate)
        if len(rows):
            there = rows.join(shown, on="id", how="semi").sort("subject", "clip", "index")["id"]
            samples.append(Sample(title, len(rows), _spread(there.to_list())))
    return samples


def _spread(ids: list[str]) -> list[str]:
    """Take at most `MOST` at even distances, none of them at an end."""
    if len(ids) <= MOST:
        return ids
    return [ids[(2 * place + 1) * len(ids) // (2 * MOST)] for place in range(MOST)]


def rows(
    samples: list[Sample], labels: pl.DataFrame, folder: Path, frames: pl.DataFrame
) -> list[Row]:
    """Lay samples out as tiles that name the action units labelled as present."""
    pictures = read_pictures(folder, frames, (name for one in samples for name in one.ids))
    present = _present(labels, list(pictures))
    laid = []
    for sample in samples:
        tiles = [
            make_tile(name, present.get(name, "unlabelled"), f"{sample.title}: frame {name}",
                      pictures[name])
            for name in sample.ids
            if name in pictures
        ]  # fmt: skip
        said = plural(sample.frames, "frame")
        laid.append(Row(sample.title, said if tiles else f"{said}, without a picture", tiles))
    return laid


def _present(labels: pl.DataFrame, ids: list[str]) -> dict[str, str]:
    """Name the action units that each frame's labels say are present; of unlabelled ones none."""
    names = action_units(labels)
    few = labels.filter(pl.col("id").is_in(ids) & pl.any_horizontal(pl.col(names).is_not_null()))
    return {
        row["id"]: " ".join(name for name in names if row[name] == 1) or "none present"
        for row in few.select("id", *names).to_dicts()
    }
