"""Audit: is anything learnt that is validated on, how much is repeated, what is broken.

A leak is a near-duplicate pair between what is trained on and what is held out, or a person in
both. Near-duplicates are those of dedup: with `same_labels`, a pair of other labels is none, for a
face that moves little changes its expression without changing its hash. All else that deserves a
look is reported, with examples, and is no leak.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from curate.audit.frozen import broken_clips, frozen_runs, same_pictures
from curate.audit.inputs import Material
from curate.audit.labels import WIDE, Contradictions, contradictions
from curate.audit.pairs import (
    Across,
    compare_splits,
    effective_number,
    identical_frames,
    shared_subjects,
)
from curate.base.text import first_few, plural

OK, LOOK, LEAK = "ok", "look", "leak"
_REPEATS_HALF = 0.5  # fewer distinct pictures than this share of the frames deserve a look

_APART = (
    "hold out other people and whole blocks of time ('curate split'), never single frames at "
    "random; a wider margin keeps neighbours in time apart"
)
_OTHER_LABELS = (
    "their labels differ, so with same_labels dedup does not take them for near-duplicates; look "
    "at them with 'curate gallery'"
)


@dataclass(frozen=True)
class Check:
    """One question, its answer in a line, examples, what to do, and figures for machines."""

    name: str
    verdict: str
    finding: str
    examples: list[str] = field(default_factory=list)
    advice: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def audit(material: Material, distance: int, show: int = 3) -> list[Check]:
    """Make every check that the material allows; at most `show` examples each, all counted.

    Frames within `distance` bits are near-duplicates.
    """
    return [
        *_pairs(material, distance, show),
        *_subjects(material, show),
        *_effective(material, distance),
        *_identical(material, show),
        *_labels(material, show),
        _frozen(material.frames, show),
        _broken(material.frames, show),
    ]


def leaks(checks: list[Check]) -> int:
    """Count the checks that found a leak."""
    return sum(check.verdict == LEAK for check in checks)


def _pairs(material: Material, distance: int, show: int) -> Iterator[Check]:
    trained = next(iter(material.splits))
    for across in compare_splits(material.splits, distance, show):
        held = len(material.splits[across.second])
        verdict = LOOK if across.pairs else OK
        if across.same and across.first == trained:
            verdict = LEAK
        yield Check(
            f"near-duplicates: {across.first}, {across.second}",
            verdict,
            _format_pairs(across, held) if across.pairs else "none",
            [f"{name} repeats {of} ({bits} bits)" for name, of, bits in across.nearest.rows()],
            _OTHER_LABELS if across.pairs and not across.same else _APART,
            {
                "pairs": across.pairs,
                "same_labels": across.same,
                "frames": across.frames,
                "of": held,
                "nearest": across.nearest.to_dicts(),
            },
        )


def _format_pairs(across: Across, held: int) -> str:
    """Write how many pairs there are, and how many of the second split's `held` frames."""
    if not across.same:
        return f"{across.pairs:,}, but none of equal labels"
    return f"{plural(across.same, 'pair')}; {across.frames:,} of {held:,} in {across.second}"


def _subjects(material: Material, show: int) -> Iterator[Check]:
    trained = next(iter(material.splits))
    for first, second, both in shared_subjects(material.splits):
        if first == trained and second in material.train_shares:
            continue
        counts = [material.splits[name]["subject"].n_unique() for name in (first, second)]
        verdict = LEAK if first == trained else LOOK
        yield Check(
            f"subjects: {first}, {second}",
            verdict if both else OK,
            f"{counts[0]:,} and {counts[1]:,}; {len(both) or 'none'} in both",
            [first_few(both, show)] if both else [],
            "a person learnt is no test of other people: move all of a subject to one side",
            {"both": both, "subjects": dict(zip((first, second), counts, strict=True))},
        )


def _effective(material: Material, distance: int) -> Iterator[Check]:
    for name, frames in material.splits.items():
        count = effective_number(frames, distance)
        share = count / max(len(frames), 1)
        few = len(frames) > 0 and share < _REPEATS_HALF
        yield Check(
            f"effective number: {name}",
            LOOK if few else OK,
            f"{count:,} of {len(frames):,} frames ({share:.0%}) differ",
            [],
            "more than half repeat another frame: thin them ('curate suggest', 'curate dedup')",
            {"frames": len(frames), "effective": count},
        )


def _identical(material: Material, show: int) -> Iterator[Check]:
    """Count frames of one hash, where there are no labels that could contradict."""
    if material.labels is not None:
        return
    for name, frames in material.splits.items():
        repeats, groups = identical_frames(frames, show)
        yield Check(
            f"identical frames: {name}",
            LOOK if repeats else OK,
            f"{repeats:,} of {len(frames):,} frames repeat an earlier hash",
            [" = ".join(group) for group in groups],
            "'curate dedup' at distance 0 keeps the first of them",
            {"repeats": repeats, "frames": len(frames), "groups": groups},
        )


def _labels(material: Material, show: int) -> Iterator[Check]:
    if material.labels is None:
        return
    used = pl.concat(split.select("id") for split in material.splits.values())
    frames = material.frames.join(used, on="id", how="semi")
    alike = contradictions(frames.rename({"hash": "group"}).drop_nulls("group"), material.labels)
    same = contradictions(same_pictures(frames).rename({"picture": "group"}), material.labels)
    shown = same.groups.unique("group", keep="first", maintain_order=True).head(show)
    units = first_few([f"{name} {count:,}" for name, count in same.by_action_unit.items()])
    yield Check(
        "contradictory labels",
        LOOK if same.count else OK,
        f"groups: {same.count:,} of the same picture, {alike.count:,} of one hash",
        [
            f"{row['action_unit']} present in {row['present']}, absent in {row['absent']}"
            + ("" if row["steps"] is None else f", {row['steps']:g} intensity steps apart")
            for row in shown.to_dicts()
        ],
        f"{units}; in {same.wide:,} of these groups, intensities differ by {WIDE} steps or more, "
        "so no threshold explains them; frames of one hash that differ in brightness or sharpness "
        "are other expressions that the hash does not see, which same_labels keeps apart",
        {"same_picture": _groups(same, show), "same_hash": _groups(alike, show)},
    )


def _groups(contradictory: Contradictions, show: int) -> dict[str, Any]:
    return {
        "groups": contradictory.count,
        "frames": contradictory.frames,
        "wide": contradictory.wide,
        "by_action_unit": contradictory.by_action_unit,
        "widest": contradictory.groups.drop("group").head(show).to_dicts(),
    }


def _frozen(frames: pl.DataFrame, show: int) -> Check:
    runs = frozen_runs(frames)
    count = int(runs["frames"].sum())
    return Check(
        "frozen video",
        LOOK if len(runs) else OK,
        f"{count:,} frames in {len(runs):,} runs" if len(runs) else "none",
        [
            f"{run['first']} to {run['last']} ({run['frames']:,} frames"
            + ("" if run["seconds"] is None else f", {run['seconds']:.1f} s")
            + ")"
            for run in runs.head(show).to_dicts()
        ],
        "one picture again and again, while the labels go on: leave the stretch out, or check it "
        "against the recording",
        {"stretches": len(runs), "frames": count, "longest": runs.head(show).to_dicts()},
    )


def _broken(frames: pl.DataFrame, show: int) -> Check:
    clips = broken_clips(frames)
    count = int(clips["broken"].sum())
    return Check(
        "broken frames",
        LOOK if count else OK,
        f"{count:,} of {len(frames):,}, in {plural(len(clips), 'clip')}" if count else "none",
        [f"{clip}: {broken:,} of {of:,}" for clip, broken, of in clips.head(show).rows()],
        "these do not decode and are used nowhere; copy the files again if a complete copy exists",
        {"frames": count, "of": len(frames), "clips": clips.to_dicts()},
    )
