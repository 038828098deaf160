"""What a gallery shows: which near-duplicates, crossing pairs, stretches and labels, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from curate.audit.frozen import frozen_runs, same_pictures
from curate.audit.inputs import Material
from curate.audit.labels import contradictions
from curate.audit.pairs import Across, compare_splits
from curate.base.text import plural
from curate.tables import action_units

_DROPPED = 7  # pictures of a group, beside the one kept
_NONE = "None was found."
_CROSSING, _FROZEN, _LABELS = 24, 6, 12  # most pairs shown of each kind


@dataclass(frozen=True)
class Tile:
    """A frame, or the difference of two (id empty), with the words below it."""

    id: str
    words: str
    labels: str = ""


@dataclass(frozen=True)
class Group:
    """Frames shown side by side, and how many more there are."""

    title: str
    tiles: list[Tile]
    more: int = 0
    differs: bool = False  # two frames, followed by their difference


@dataclass(frozen=True)
class Section:
    """A part of the page: what was found ("" for nothing), a sentence about it, and groups."""

    name: str
    title: str
    finding: str
    sentence: str
    groups: list[Group]


def choose_sections(
    material: Material, decisions: pl.DataFrame | None, *, distance: int, groups: int
) -> list[Section]:
    """Choose what to show; the number of frames is bounded, whatever there is.

    `decisions` are dedup's (None: there are none), of which at most `groups` groups are shown;
    frames of different splits within `distance` bits cross.
    """
    labels = _label_words(material.labels)
    sections = [] if decisions is None else [_groups(decisions, groups, labels)]
    if len(material.splits) > 1:
        sections.append(_crossing(material, distance, labels))
    sections.append(_frozen(material.frames, labels))
    if material.labels is not None:
        sections.append(_contradictory(material, material.labels, labels))
    return sections


def _label_words(labels: pl.DataFrame | None) -> dict[str, str]:
    """Write the action units present in each frame, by id."""
    if labels is None:
        return {}
    names = action_units(labels)
    present = [pl.when(pl.col(name) == 1).then(pl.lit(name)) for name in names]
    words = pl.concat_str(present, separator=" ", ignore_nulls=True) if names else pl.lit("")
    return dict(labels.select("id", words.replace("", "none present")).rows())


def _groups(decisions: pl.DataFrame, count: int, labels: dict[str, str]) -> Section:
    chosen = choose_groups(decisions, count)
    dropped = int((decisions["reason"] == "near_duplicate").sum())
    frames = decisions.filter(pl.col("reason") == "near_duplicate")["duplicate_of"].n_unique()
    sentence = (
        f"{dropped:,} frames were dropped as near-duplicates of {frames:,} frames kept. Shown are "
        f"{len(chosen)} groups, the widest first, subjects taking turns."
        if dropped
        else "No frame was dropped as a near-duplicate."
    )
    finding = f"{plural(dropped, 'near-duplicate')} dropped"
    shown = [_group(group, labels) for group in chosen]
    return Section("groups", "Near-duplicates", finding, sentence, shown)


def choose_groups(decisions: pl.DataFrame, count: int) -> list[tuple[str, list[tuple[str, int]]]]:
    """Choose `count` kept frames with what was dropped for each: (kept id, [(id, bits), ...]).

    Subjects take turns; of each, the group of the widest distance comes first, then the largest.
    """
    dropped = decisions.filter(pl.col("reason") == "near_duplicate").sort("distance", "id")
    groups = dropped.group_by("duplicate_of").agg(
        pl.col("subject").first(),
        pl.len().alias("frames"),
        pl.col("distance").max().alias("widest"),
    )
    order = ["widest", "frames", "duplicate_of"]
    groups = groups.sort(*order, descending=[True, True, False])
    turn = pl.int_range(pl.len()).over("subject").alias("turn")
    chosen = groups.with_columns(turn).sort("turn", *order, descending=[False, True, True, False])
    names = chosen["duplicate_of"].head(count).to_list()
    rows = dropped.filter(pl.col("duplicate_of").is_in(names))
    members: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for of, name, apart in rows.select("duplicate_of", "id", "distance").iter_rows():
        members[of].append((name, apart))
    return list(members.items())


def _group(group: tuple[str, list[tuple[str, int]]], labels: dict[str, str]) -> Group:
    kept, dropped = group
    positions = np.linspace(0, len(dropped) - 1, min(_DROPPED, len(dropped))).round().astype(int)
    tiles = [Tile(kept, "kept", labels.get(kept, ""))]
    tiles += [
        Tile(name, f"dropped, {plural(apart, 'bit')}", labels.get(name, ""))
        for name, apart in (dropped[position] for position in positions)
    ]
    title = f"{len(dropped):,} dropped for {kept}, within {plural(dropped[-1][1], 'bit')}"
    return Group(title, tiles, len(dropped) - len(positions))


def _crossing(material: Material, distance: int, labels: dict[str, str]) -> Section:
    crossings = compare_splits(material.splits, distance, _CROSSING)
    counts = "; ".join(f"{c.first} and {c.second}: {_format_pairs(c)}" for c in crossings)
    each = max(1, _CROSSING // max(1, sum(crossing.pairs > 0 for crossing in crossings)))
    groups = [
        Group(
            f"{crossing.first} and {crossing.second}, {plural(row['distance'], 'bit')}",
            [
                Tile(row["of"], crossing.first, labels.get(row["of"], "")),
                Tile(row["id"], crossing.second, labels.get(row["id"], "")),
            ],
            differs=True,
        )
        for crossing in crossings
        for row in crossing.nearest.head(each).to_dicts()
    ][:_CROSSING]
    sentence = (
        f"Pairs of frames within {plural(distance, 'bit')} of one another, by splits: {counts}."
    )
    if groups:
        sentence += f" Shown are {len(groups)} of the nearest."
    pairs = sum(crossing.pairs for crossing in crossings)
    cross = f"{pairs:,} pairs cross" if pairs > 1 else f"{pairs or 'no'} pair crosses"
    finding = f"{cross} splits"
    return Section("crossing", "Pairs that cross splits", finding, sentence, groups)


def _format_pairs(crossing: Across) -> str:
    unequal = crossing.pairs - crossing.same
    return f"{crossing.pairs:,}" + (f" ({unequal:,} of them of other labels)" if unequal else "")


def _frozen(frames: pl.DataFrame, labels: dict[str, str]) -> Section:
    runs = frozen_runs(frames)
    groups = [
        Group(
            f"{row['frames']:,} frames of {row['clip']} are one picture",
            [Tile(row[at], at, labels.get(row[at], "")) for at in ("first", "last")],
            differs=True,
        )
        for row in runs.head(_FROZEN).to_dicts()
    ]
    finding = f"{plural(len(runs), 'stretch', 'stretches')} of frozen video" if groups else ""
    sentence = "The picture stands still from the first frame to the last." if groups else _NONE
    return Section("frozen", "Frozen video", finding, sentence, groups)


def _contradictory(material: Material, known: pl.DataFrame, labels: dict[str, str]) -> Section:
    used = pl.concat(split.select("id") for split in material.splits.values())
    pictures = same_pictures(material.frames.join(used, on="id", how="semi"))
    contradictory = contradictions(pictures.rename({"picture": "group"}), known)
    shown = contradictory.groups.unique("group", keep="first", maintain_order=True).head(_LABELS)
    groups = [
        Group(
            f"{row['action_unit']}: present, absent",
            [
                Tile(row[state], f"{row['action_unit']} {state}", labels.get(row[state], ""))
                for state in ("present", "absent")
            ],
            differs=True,
        )
        for row in shown.to_dicts()
    ]
    finding = f"{plural(contradictory.count, 'picture')} with contradictory labels"
    sentence = f"The same picture, coded differently; shown are {len(groups)}, the widest first."
    if not groups:
        return Section("labels", "Contradictory labels", "", _NONE, groups)
    return Section("labels", "Contradictory labels", finding, sentence, groups)
