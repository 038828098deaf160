"""Explain: each frame's story is that of the tables, and an unknown frame is answered with help."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import polars as pl
import pytest

from curate.base.errors import UserError
from curate.explain.lookup import StageOutputs
from curate.explain.story import explain
from curate.tables import CAP, DEDUP, FRAMES, KEY, SPLIT, frame_id, write_table

Run = Callable[..., CompletedProcess[str]]
FATES = {  # index of clip "ann/1": split, reason, duplicate of, distance
    0: ("train", None, None, None),
    1: ("train", "stride", None, None),
    2: ("train", "near_duplicate", 0, 3),
    4: ("train", "over_cap", None, None),
    6: ("train", "unlabelled", None, None),
    8: ("margin", "margin", None, None),
    10: ("moments", None, None, None),
    12: ("moments", "near_duplicate", 10, 0),
    14: ("train", "unreadable", None, None),
}
HASHES = {0: 0b1, 2: 0b1110, 4: 0b11}


def row(clip: str, index: int) -> dict[str, Any]:
    return {
        "id": frame_id(clip, index),
        "subject": clip.split("/")[0],
        "clip": clip,
        "index": index,
    }


def outputs(folder: Path) -> StageOutputs:
    tables = {name: folder / f"{name}.parquet" for name in ("labels", "dedup", "split", "cap")}
    return StageOutputs(frames=folder / "frames", shards=folder / "tfrecords", **tables)


@pytest.fixture
def pipeline(tmp_path: Path, picture: Callable[..., Any]) -> Path:
    """Write what the stages would of two clips: `FATES` of one, and one that validates."""
    rows = []
    for index in range(15):
        split, reason, of, distance = FATES.get(index, ("train", "stride", None, None))
        fate = {"split": split, "keep": reason is None, "reason": reason, "balanced": False}
        named = None if of is None else frame_id("ann/1", of)
        rows.append(row("ann/1", index) | fate | {"duplicate_of": named, "distance": distance})
    held = {"split": "validation", "keep": True, "reason": None, "balanced": True}
    rows.append(row("bob/1", 0) | held | {"duplicate_of": None, "distance": None})
    schema = KEY | CAP | {"duplicate_of": pl.String, "distance": pl.Int32}
    end = pl.DataFrame(rows, schema=schema)
    write_table(end, tmp_path / "cap.parquet", CAP)
    later = pl.col("reason").is_in(["over_cap"])
    write_table(undo(end, later), tmp_path / "split.parquet", SPLIT)
    write_table(
        undo(end, later | (pl.col("reason") == "margin")), tmp_path / "dedup.parquet", DEDUP
    )
    labels = end.filter(pl.col("index") != 6).select(
        *KEY,
        pl.when(pl.col("index") == 4).then(1).otherwise(pl.col("index") % 2 == 0).alias("AU1"),
        pl.lit(None, pl.Int8).alias("AU2"),
        (pl.col("index") == 4).cast(pl.Int8).alias("AU12"),
        pl.lit(2.0, pl.Float32).alias("AU1_intensity"),
    )
    labels.with_columns(pl.col("AU1").cast(pl.Int8)).write_parquet(tmp_path / "labels.parquet")
    for (clip,), part in end.group_by("clip"):
        frames = [frame(r["clip"], r["index"], picture, r["reason"]) for r in part.to_dicts()]
        path = tmp_path / "frames" / f"{clip}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(frames, schema=FRAMES).write_parquet(path)
    return tmp_path


def undo(table: pl.DataFrame, later: pl.Expr) -> pl.DataFrame:
    """Take back what later stages decided."""
    reason = pl.when(~later.fill_null(False)).then(pl.col("reason")).alias("reason")
    return table.with_columns(reason).with_columns(pl.col("reason").is_null().alias("keep"))


def frame(clip: str, index: int, picture: Callable[..., Any], reason: str | None) -> dict[str, Any]:
    if reason == "unreadable":
        return row(clip, index) | {"time": index / 20, "reason": reason}
    return row(clip, index) | {
        "time": index / 20,
        "jpeg": cv2.imencode(".jpg", picture(index))[1].tobytes(),
        "hash": HASHES.get(index, 0b1),
        "sharpness": 100.0,
        "brightness": 50.0,
    }


@pytest.mark.parametrize(
    ("index", "stage", "said"),
    [
        (0, "frames", "at 0.00 s: decoded; sharpness 100, brightness 50 of 255, hash 000000000000"),
        (14, "frames", "at 0.70 s: not usable: it does not decode (unreadable)"),
        (0, "labels", "present: AU1 (2); in brackets: intensity, 0-5"),
        (1, "labels", "unknown: AU2"),
        (6, "labels", "none: the frame is in no label file"),
        (0, "dedup", "kept; 1 near-duplicate dropped for it: ann/1/000002 (3 bits)"),
        (1, "dedup", "dropped by the stride of 2: 1 is 1 past the last multiple of it"),
        (1, "dedup", "before it ann/1/000000 (0 bits), after it ann/1/000004 (1 bit)"),
        (2, "dedup", "near-duplicate of ann/1/000000 (hash 0000000000000001), 3 bits apart"),
        (4, "dedup", "kept; no frame was dropped for it"),
        (6, "dedup", "dropped as unlabelled"),
        (14, "dedup", "not asked: unreadable"),
        (0, "split", "in training: its subject is trained on"),
        (8, "split", "too near the block held out of its clip, frames 10 to 12; dropped for it"),
        (10, "split", "in moments: frames 10 to 12 of its clip are held out"),
        (12, "split", "but dropped before (near_duplicate)"),
        (0, "cap", "kept for training"),
        (4, "cap", "as it allows of AU1 (1 of 2 kept); also present, below the cap: AU12 (0 of 1"),
        (8, "cap", "not asked: dropped before (margin)"),
        (10, "cap", "kept; only training frames are capped"),
        (0, "shards", "index.parquet is not there); run 'curate shards'"),
    ],
)
def test_each_stage_says_what_it_did(pipeline: Path, index: int, stage: str, said: str) -> None:
    story = explain(f"ann/1/{index}", outputs(pipeline))
    chapter = next(chapter for chapter in story.chapters if chapter.stage == stage)
    assert said in "\n".join(chapter.sentences)


@pytest.mark.parametrize(
    ("left", "unlabelled", "said"),
    [
        (
            {"a": [0, 10], "b": [5, 15]},
            {"a": [5, 15], "b": [0, 10]},
            "dropped by the stride of 5: 3 is 3 past the last multiple of it",
        ),
        ({"a": [0, 10], "b": [0]}, {"a": [5, 15], "b": [5, 10, 15]}, "dropped by the stride"),
        ({"a": [0], "b": []}, {"a": [5, 10, 15], "b": [0, 5, 10, 15]}, "dropped by the stride"),
    ],
    ids=["other clips tell", "5 or 10", "any"],
)
def test_a_stride_is_named_only_where_it_is_known(
    tmp_path: Path, left: dict[str, list[int]], unlabelled: dict[str, list[int]], said: str
) -> None:
    """Of a clip with few frames left, their common step once passed for the stride."""
    rows = []
    for clip in "ab":
        for index in range(20):
            kept = index in left[clip]
            reason = "unlabelled" if index in unlabelled.get(clip, []) else "stride"
            rows.append(row(clip, index) | {"keep": kept, "reason": None if kept else reason})
    table = pl.DataFrame(rows, schema=DEDUP)
    write_table(table, tmp_path / "dedup.parquet", DEDUP)
    chapter = explain("a/3", outputs(tmp_path)).compared
    assert chapter.sentences[0].startswith(said)
    assert (" of " in chapter.sentences[0]) == ("stride" in chapter.data) == (" of " in said)


def test_validation_names_its_subject(pipeline: Path) -> None:
    lines = explain("bob/1/000000", outputs(pipeline)).as_lines()
    assert (
        "split   in validation: its subject bob is held out, no frame of whom is trained on"
        in lines
    )
    assert "cap     kept; also in the balanced validation set" in lines


@pytest.mark.parametrize(
    ("index", "beside"),
    [
        (0, "ann/1/000002"),
        (1, "ann/1/000000"),
        (2, "ann/1/000000"),
        (4, "ann/1/000000"),
        (14, None),
    ],
)
def test_the_frame_to_look_at_beside_it(pipeline: Path, index: int, beside: str | None) -> None:
    assert explain(f"ann/1/{index}", outputs(pipeline)).as_data()["beside"] == beside


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ann/1/15", "the clip 'ann/1' has frames 0 to 14, not 15"),
        ("anm/1/3", "there is no clip 'anm/1'; did you mean ann/1"),
        ("ZZZZ/3", "there is no clip 'ZZZZ'; there are 2: ann/1, bob/1"),
        ("ann/1", "there is no clip 'ann'; did you mean ann/1"),
        ("ann", "not a frame's id, which is CLIP/INDEX, such as ann/1/000000"),
        ("ann/x", "not a frame's id"),
        ("/3", "not a frame's id"),
    ],
)
def test_an_unknown_frame_is_answered_with_help(pipeline: Path, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        explain(name, outputs(pipeline))


def test_without_any_table_there_is_nothing_to_explain(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are no frames yet"):
        explain("ann/3", outputs(tmp_path))


def test_without_frames_the_other_tables_still_tell(pipeline: Path) -> None:
    (pipeline / "frames").rename(pipeline / "elsewhere")
    story = explain("ann/1/2", outputs(pipeline))
    assert "not run yet" in story.chapters[0].sentences[0]
    assert "near-duplicate of ann/1/000000, 3 bits apart" in story.chapters[2].sentences[0]
    with pytest.raises(UserError, match="has frames 0 to 14"):
        explain("ann/1/99", outputs(pipeline))


def test_a_table_of_other_footage_is_said_to_be_that(pipeline: Path) -> None:
    table = pl.read_parquet(pipeline / "dedup.parquet")
    table.filter(pl.col("index") != 2).write_parquet(pipeline / "dedup.parquet")
    assert "lacks this frame" in explain("ann/1/2", outputs(pipeline)).chapters[2].sentences[0]


def test_a_file_that_is_no_table_is_refused(pipeline: Path) -> None:
    (pipeline / "cap.parquet").write_text("no table")
    with pytest.raises(UserError, match=r"cap\.parquet: not a readable Parquet table"):
        explain("ann/1/2", outputs(pipeline))


def run_explain(curate: Run, folder: Path, *words: object) -> CompletedProcess[str]:
    options = [f"--{name}" for name in ("labels", "dedup", "split", "cap")]
    given = [x for o in options for x in (o, folder / f"{o[2:]}.parquet")]
    return curate("explain", *words, "--frames", folder / "frames", *given)


def test_the_picture_shows_the_pair_and_is_the_same_twice(pipeline: Path, curate: Run) -> None:
    for name in ("one.png", "two.png"):
        ran = run_explain(curate, pipeline, "ann/1/2", "--output", name)
        assert ran.returncode == 0
        assert ran.stdout.startswith("ann/1/000002\n")
    assert (pipeline / "one.png").read_bytes() == (pipeline / "two.png").read_bytes()
    drawn = cv2.imread(str(pipeline / "one.png"))
    assert drawn is not None
    assert drawn.shape[1] > 2 * drawn.shape[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ann/1/14", "--output", "one.png"], "ann/1/000014: has no picture to draw"),
        (["ann/1/2", "--output", "one.jpg"], "the picture is written as .png"),
    ],
)
def test_a_picture_that_cannot_be_is_refused(
    pipeline: Path, curate: Run, words: list[str], said: str
) -> None:
    ran = run_explain(curate, pipeline, *words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert not list(pipeline.glob("one*"))


def test_json_has_a_key_a_stage(pipeline: Path, curate: Run) -> None:
    told = json.loads(run_explain(curate, pipeline, "ann/1/4", "--json").stdout)
    assert told["id"] == "ann/1/000004"
    assert told["cap"]["action_units"] == {
        "AU1": {"kept": 1, "of": 2, "full": True},
        "AU12": {"kept": 0, "of": 1, "full": False},
    }
    assert told["labels"]["unknown"] == ["AU2"]
    assert told["shards"] is None


def test_shards_are_looked_into(
    tmp_path: Path, write_disfa: Callable[..., Path], curate: Run
) -> None:
    write_disfa(tmp_path / "data/demo", subjects=3, frames=40)
    for words in (["labels"], ["frames", "--workers", "1"], ["dedup", "--stride", "2"]):
        assert curate(*words).returncode == 0
    for words in (["split", "--margin", "2"], ["cap"], ["shards"]):
        assert curate(*words).returncode == 0
    cap = pl.read_parquet(tmp_path / "data/cap.parquet")
    parts = {"train": [], "validation": ["validation_balanced"], "moments": []}
    for split, more in parts.items():
        kept = cap.filter((pl.col("split") == split) & pl.col("keep"))
        told = json.loads(curate("explain", kept["id"][0], "--json").stdout)
        extra = more if kept["balanced"][0] else []
        assert told["shards"]["splits"] == [split, *extra]
    dropped = cap.filter((pl.col("split") == "train") & (pl.col("reason") == "stride"))["id"][0]
    assert json.loads(curate("explain", dropped, "--json").stdout)["shards"]["splits"] == [
        "dropped"
    ]
    lost = cap.filter(pl.col("reason") == "margin")["id"][0]
    assert "in no split" in curate("explain", lost).stdout
