"""What split, cap and shards did with one frame: where it is used, if anywhere."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.explain.chapter import Chapter, not_run, unknown
from curate.explain.lookup import LocatedFrame, StageOutputs
from curate.tables import INDEX_FILE, SPLITS, action_units, read_rows

_PARTS = {
    "train": "training: its subject is trained on, and it lies outside of the held-out block",
    "validation": "validation: its subject {subject} is held out, no frame of whom is trained on",
    "moments": "moments: frames {start} to {stop} of its clip are held out as one block of time",
    "margin": "margin: too near the block held out of its clip, frames {start} to {stop}",
}


def split_chapter(frame: LocatedFrame, outputs: StageOutputs) -> Chapter:
    """Report which part of the data the frame lies in, and why."""
    if not outputs.split.is_file():
        return not_run("split", outputs.split)
    clip = read_rows(outputs.split, pl.col("clip") == frame.clip)
    own = clip.filter(pl.col("index") == frame.index)
    if own.is_empty():
        return unknown("split", outputs.split)
    row = own.row(0, named=True)
    block = clip.filter(pl.col("split") == "moments")["index"]
    start, stop = (block.min(), block.max()) if len(block) else (None, None)
    sentence = "in " + _PARTS[row["split"]].format(subject=row["subject"], start=start, stop=stop)
    if row["reason"] == "margin":
        sentence += "; dropped for it"
    elif not row["keep"]:
        sentence += f"; but dropped before ({row['reason']})"
    data = {"split": row["split"], "keep": row["keep"], "reason": row["reason"]}
    return Chapter("split", [sentence], data | {"block": [start, stop] if len(block) else None})


def cap_chapter(frame: LocatedFrame, outputs: StageOutputs) -> Chapter:
    """Report whether the frame was dropped for balance, and which action units were full."""
    if not outputs.cap.is_file():
        return not_run("cap", outputs.cap)
    own = read_rows(outputs.cap, pl.col("id") == frame.id)
    if own.is_empty():
        return unknown("cap", outputs.cap)
    row = own.row(0, named=True)
    data = {name: row[name] for name in ("keep", "reason", "balanced")}
    if row["reason"] == "over_cap":
        units = _positives(frame, outputs)
        return Chapter("cap", [_over_cap(units)], data | {"action_units": units})
    if row["reason"] is not None:
        return Chapter("cap", [f"not asked: dropped before ({row['reason']})"], data)
    if row["split"] == "train":
        return Chapter("cap", ["kept for training"], data)
    if row["split"] == "validation":
        where = "also in" if row["balanced"] else "not in"
        return Chapter("cap", [f"kept; {where} the balanced validation set"], data)
    return Chapter("cap", ["kept; only training frames are capped"], data)


def _positives(frame: LocatedFrame, outputs: StageOutputs) -> dict[str, dict[str, Any]]:
    """Count, for each action unit present in the frame, training positives before and after.

    The cap is reached by whichever keeps most: a frame is dropped only where one is full.
    """
    labels = read_rows(outputs.labels) if outputs.labels.is_file() else pl.DataFrame({"id": []})
    names = action_units(labels)
    reasons = pl.col("reason").is_null() | (pl.col("reason") == "over_cap")
    train = read_rows(outputs.cap, pl.col("split") == "train", reasons, columns=["id", "keep"])
    train = train.join(labels.select("id", *names), on="id", how="left")
    kept = {name: int((train.filter("keep")[name] == 1).sum()) for name in names}
    own = train.filter(pl.col("id") == frame.id)
    return {
        name: {
            "kept": kept[name],
            "of": int((train[name] == 1).sum()),
            "full": kept[name] == max(kept.values()),
        }
        for name in names
        if own[name][0] == 1
    }


def _over_cap(units: dict[str, dict[str, Any]]) -> str:
    """Describe why a frame with these action units present was dropped."""
    if not units:
        return "dropped over the cap: frames in which no action unit is present are capped too"
    full, rest = (
        [f"{n} ({u['kept']:,} of {u['of']:,} kept)" for n, u in units.items() if u["full"] == state]
        for state in (True, False)
    )
    others = f"; also present, below the cap: {', '.join(rest)}" if rest else ""
    return f"dropped over the cap: as many positives as it allows of {', '.join(full)}{others}"


def shards_chapter(frame: LocatedFrame, outputs: StageOutputs) -> Chapter:
    """Report which splits of the shards hold the frame."""
    index = outputs.shards / INDEX_FILE
    if not index.is_file():
        return not_run("shards", index)
    held = read_rows(index, pl.col("id") == frame.id, columns=["split"])["split"].to_list()
    splits = [name for name in SPLITS if name in held]
    if not splits:
        return Chapter("shards", ["in no split"], {"splits": splits})
    names = ["the sample of dropped frames" if name == "dropped" else name for name in splits]
    return Chapter("shards", [f"in {' and '.join(names)}"], {"splits": splits})
