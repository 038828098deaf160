"""What dedup did with one frame: kept, dropped by the stride, or for which frame."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import polars as pl

from curate.base.text import first_few, plural
from curate.explain.chapter import Chapter, not_run, unknown
from curate.explain.lookup import LocatedFrame, StageOutputs, read_part
from curate.tables import clip_of, read_rows

_NAMED = 5  # frames dropped for one that are named
_UNLABELLED = "dropped as unlabelled: no action unit of it is known"


def dedup_chapter(frame: LocatedFrame, outputs: StageOutputs) -> Chapter:
    """Report what dedup decided on the frame, and which frame to look at beside it."""
    if not outputs.dedup.is_file():
        return not_run("dedup", outputs.dedup)
    clip = read_rows(outputs.dedup, pl.col("clip") == frame.clip).sort("index")
    own = clip.filter(pl.col("index") == frame.index)
    if own.is_empty():
        return unknown("dedup", outputs.dedup)
    row = own.row(0, named=True)
    data = {name: row[name] for name in ("keep", "reason", "duplicate_of", "distance")}
    if row["reason"] is None:
        return _kept(frame, outputs, clip, data)
    if row["reason"] == "stride":
        return _by_stride(frame, outputs, clip, data)
    if row["reason"] == "repeats_against":
        of, apart = row["duplicate_of"], plural(row["distance"], "bit")
        return Chapter("dedup", [f"dropped: repeats {of} of other footage, {apart} apart"], data)
    if row["duplicate_of"] is not None:
        return _near_duplicate(row, outputs, data)
    unlabelled = row["reason"] == "unlabelled"
    return Chapter("dedup", [_UNLABELLED if unlabelled else f"not asked: {row['reason']}"], data)


def _near_duplicate(row: dict[str, Any], outputs: StageOutputs, data: dict[str, Any]) -> Chapter:
    of, apart = row["duplicate_of"], plural(row["distance"], "bit")
    part = read_part(outputs.frames, clip_of(of))
    hashes = part.filter(pl.col("id") == of)["hash"].drop_nulls()
    code = f" (hash {hashes[0]:016x})" if len(hashes) else ""
    sentence = f"dropped as a near-duplicate of {of}{code}, {apart} apart"
    return Chapter("dedup", [sentence], data, of, f"kept instead, {apart} apart")


def _kept(
    frame: LocatedFrame, outputs: StageOutputs, clip: pl.DataFrame, data: dict[str, Any]
) -> Chapter:
    ours = (pl.col("duplicate_of") == frame.id) & (pl.col("reason") == "near_duplicate")
    dropped = read_rows(outputs.dedup, ours, columns=["id", "distance"]).sort("distance", "id")
    data = data | {"dropped_for_it": dropped.to_dicts()}
    if dropped.is_empty():
        around = _neighbours(frame, clip)
        sentences = ["kept; no frame was dropped for it", *around.sentences]
        return replace(around, sentences=sentences, data=data | around.data)
    named = first_few(
        [f"{name} ({plural(apart, 'bit')})" for name, apart in dropped.rows()], _NAMED
    )
    count = plural(len(dropped), "near-duplicate")
    farthest, apart = dropped.row(-1)
    because = f"dropped for it, {plural(apart, 'bit')} apart"
    return Chapter("dedup", [f"kept; {count} dropped for it: {named}"], data, farthest, because)


def _by_stride(
    frame: LocatedFrame, outputs: StageOutputs, clip: pl.DataFrame, data: dict[str, Any]
) -> Chapter:
    stride = _stride(read_rows(outputs.dedup, columns=["index", "reason", "duplicate_of"]))
    sentence = "dropped by the stride"
    if stride is not None:
        past = frame.index % stride
        sentence += f" of {stride}: {frame.index} is {past} past the last multiple of it"
        data = data | {"stride": stride, "past": past}
    around = _neighbours(frame, clip)
    return replace(around, sentences=[sentence, *around.sentences], data=data | around.data)


def _stride(table: pl.DataFrame) -> int | None:
    """Infer the stride from what it left and what it dropped; None where several would do so.

    What it left is at multiples of it, whatever became of it afterwards; what it dropped is not.
    """
    left = table.filter(pl.col("reason").is_null() | pl.col("duplicate_of").is_not_null())["index"]
    dropped = table.filter(pl.col("reason") == "stride")["index"].unique()
    most = math.gcd(*left.unique())
    fits = [s for s in range(2, most + 1) if most % s == 0 and (dropped % s != 0).all()]
    return fits[0] if len(fits) == 1 else None


def _neighbours(frame: LocatedFrame, clip: pl.DataFrame) -> Chapter:
    """Name the kept frames nearest in time on either side; look at the nearer one in bits."""
    kept = clip.filter("keep")
    sides = {
        "before": kept.filter(pl.col("index") < frame.index)["id"].tail(1).to_list(),
        "after": kept.filter(pl.col("index") > frame.index)["id"].head(1).to_list(),
    }
    hashes = dict(frame.part.select("id", "hash").rows())
    own = hashes.get(frame.id)
    named, near, data = [], [], {}
    for side, names in sides.items():
        for name in names:
            other, words, distance = hashes.get(name), f"{side} it {name}", None
            if own is not None and other is not None:
                distance = (own ^ other).bit_count()
                near.append((distance, name))
                words += f" ({plural(distance, 'bit')})"
            named.append(words)
            data[side] = {"id": name, "distance": distance}
    sentence = f"kept nearest in time: {', '.join(named)}" if named else "its clip keeps no other"
    if not near:
        return Chapter("dedup", [sentence], {"nearest_kept": data})
    apart, beside = min(near)
    because = f"kept nearest in time, {plural(apart, 'bit')} apart"
    return Chapter("dedup", [sentence], {"nearest_kept": data}, beside, because)
