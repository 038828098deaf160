"""Audit: a leak is found and named, clean splits pass, and nothing is called what it is not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.audit.checks import LEAK, LOOK, OK, Check, audit
from curate.audit.frozen import broken_clips, frozen_runs, same_pictures
from curate.audit.inputs import Material, of_pipeline, read_split
from curate.audit.labels import contradictions
from curate.audit.pairs import compare_splits, effective_number, identical_frames, shared_subjects
from curate.base.errors import UserError
from curate.tables import FRAMES, frame_id

Run = Callable[..., CompletedProcess[str]]
Table = Callable[..., pl.DataFrame]
HASHES = st.lists(st.integers(0, 31), max_size=12)


def split_of(name: str, hashes: list[int], subject: str | None = None) -> pl.DataFrame:
    rows = [(f"{name}/{i}", subject or name, name, i, value) for i, value in enumerate(hashes)]
    schema = {"id": pl.String, "subject": pl.String, "clip": pl.String, "index": pl.Int32}
    return pl.DataFrame(rows, schema=schema | {"hash": pl.UInt64}, orient="row")


def material(splits: dict[str, pl.DataFrame], **given: Any) -> Material:
    frames = pl.concat(splits.values()).with_columns(
        pl.lit(None, pl.Float64).alias("time"),
        pl.lit(None, pl.Float32).alias("sharpness"),
        pl.lit(None, pl.String).alias("reason"),
    )
    return Material("made up", frames, splits, **given)


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@settings(deadline=None)
@given(HASHES, HASHES, st.integers(0, 3))
def test_pairs_across_are_those_of_brute_force(
    one: list[int], other: list[int], distance: int
) -> None:
    (found,) = compare_splits({"a": split_of("a", one), "b": split_of("b", other)}, distance, 99)
    apart = {
        (x, y): (one[x] ^ other[y]).bit_count()
        for x, y in product(range(len(one)), range(len(other)))
    }
    near = {pair: bits for pair, bits in apart.items() if bits <= distance}
    assert found.pairs == len(near)
    nearest = {y: min((bits, x) for (x, z), bits in near.items() if z == y) for _, y in near}
    rows = {(f"b/{y}", f"a/{x}", bits) for y, (bits, x) in nearest.items()}
    assert set(found.nearest.rows()) == rows
    assert found.frames == len(rows)
    assert found.nearest["distance"].is_sorted()


def test_a_pair_of_other_labels_is_counted_apart_and_is_no_leak() -> None:
    train = split_of("t", [0, 0]).with_columns(pl.Series("label_set", ["10", "00"]))
    held = split_of("v", [0, 0, 7]).with_columns(pl.Series("label_set", ["01", "10", "00"]))
    (found,) = compare_splits({"train": train, "validation": held}, 0, 9)
    assert (found.pairs, found.same, found.frames) == (4, 1, 1)
    assert found.nearest.rows() == [("v/1", "t/0", 0)]
    name = "near-duplicates: train, validation"
    assert by_name(audit(material({"train": train, "validation": held}), 0))[name].verdict == LEAK

    other = held.filter(pl.col("label_set") != "10")
    (found,) = compare_splits({"train": train, "validation": other}, 0, 9)
    assert (found.pairs, found.same, found.frames) == (2, 0, 1)
    assert found.nearest.rows() == [("v/0", "t/0", 0)]
    check = by_name(audit(material({"train": train, "validation": other}), 0))[name]
    assert (check.verdict, check.finding) == (LOOK, "2, but none of equal labels")


def test_examples_are_few_and_take_turns_among_clips() -> None:
    validation = pl.concat([split_of("v", [1] * 9), split_of("w", [1])])
    (found,) = compare_splits({"train": split_of("t", [1]), "validation": validation}, 0, 3)
    assert (found.pairs, found.frames) == (10, 10)
    assert found.nearest["id"].to_list() == ["v/0", "w/0", "v/1"]


def test_subjects_of_every_two_splits() -> None:
    splits = {
        "train": pl.concat([split_of("1", [0], "ann"), split_of("2", [0], "bob")]),
        "validation": split_of("3", [0], "bob"),
        "moments": split_of("4", [0], "ann"),
    }
    assert shared_subjects(splits) == [
        ("train", "validation", ["bob"]),
        ("train", "moments", ["ann"]),
        ("validation", "moments", []),
    ]


def test_effective_number_and_identical_frames() -> None:
    frames = split_of("a", [0, 0, 1, 0b111, 0b111, 0b111])
    assert effective_number(frames, 0) == 3
    assert effective_number(frames, 1) == 2
    assert identical_frames(frames, 2) == (3, [["a/3", "a/4"], ["a/0", "a/1"]])
    assert identical_frames(frames.clear(), 2) == (0, [])


@pytest.mark.parametrize(
    ("held", "hashes", "subject", "verdicts"),
    [
        ("validation", [7], "bob", (OK, OK)),
        ("validation", [0], "bob", (LEAK, OK)),
        ("validation", [7], "ann", (OK, LEAK)),
        ("test", [0], "ann", (LEAK, LEAK)),
        ("moments", [0], "ann", (LEAK, None)),
        ("moments", [7], "ann", (OK, None)),
    ],
)
def test_what_is_a_leak(held: str, hashes: list[int], subject: str, verdicts: Any) -> None:
    splits = {"train": split_of("t", [0, 1], "ann"), held: split_of("h", hashes, subject)}
    found = by_name(audit(material(splits, train_shares=("moments",)), 0))
    pairs, people = f"near-duplicates: train, {held}", f"subjects: train, {held}"
    assert found[pairs].verdict == verdicts[0]
    assert (found[people].verdict if people in found else None) == verdicts[1]


def test_pairs_between_two_held_out_splits_are_no_leak_but_deserve_a_look() -> None:
    splits = {
        "train": split_of("t", [0]),
        "test": split_of("x", [0b1111]),
        "validation": split_of("v", [0b1111]),
    }
    found = by_name(audit(material(splits), 0))
    assert found["near-duplicates: test, validation"].verdict == LOOK
    assert LEAK not in {check.verdict for check in found.values()}


def quality(frames: pl.DataFrame, sharpness: list[float], brightness: list[float]) -> pl.DataFrame:
    return frames.with_columns(
        pl.Series("sharpness", sharpness, pl.Float32),
        pl.Series("brightness", brightness, pl.Float32),
        (pl.col("index") / 20).alias("time"),
    )


def test_frozen_is_the_same_picture_many_times_not_a_still_face(frames_table: Table) -> None:
    frames = frames_table({"frozen": [7] * 12, "still": [7] * 12, "blinks": [7] * 12})
    noise = [100 + 0.01 * (i % 3) for i in range(12)]
    moves = [100 + 1.0 * (i % 3) for i in range(12)]
    frames = quality(frames, noise + moves + noise, [50.0] * 30 + [51.0] * 6)
    runs = frozen_runs(frames.reverse())
    assert runs.rows() == [("frozen", "frozen/000000", "frozen/000011", 12, pytest.approx(0.55))]
    assert frozen_runs(frames, least=13).is_empty()


def test_a_gap_another_hash_and_an_unreadable_frame_end_a_run(frames_table: Table) -> None:
    frames = frames_table({"a": [7] * 16, "b": [7] * 5 + [6] + [7] * 10, "c": [7] * 16})
    frames = quality(frames, [100.0] * 48, [50.0] * 48)
    frames = frames.filter((pl.col("clip") != "a") | (pl.col("index") != 8))
    broken = (pl.col("clip") == "c") & (pl.col("index") == 7)
    frames = frames.with_columns(pl.when(~broken).then(pl.col("hash")))
    assert frozen_runs(frames)["first"].to_list() == ["b/000006"]


def test_without_brightness_sharpness_decides(frames_table: Table) -> None:
    frames = quality(frames_table({"a": [7] * 12}), [100.0] * 12, [0.0] * 12).drop("brightness")
    assert frozen_runs(frames)["frames"].to_list() == [12]
    unknown = frames.with_columns(pl.lit(None, pl.Float32).alias("sharpness"))
    assert frozen_runs(unknown).is_empty()


def test_broken_clips_the_worst_first(frames_table: Table) -> None:
    good, bad = frames_table({"a": [1] * 3}), frames_table({"a-2": [1], "b": [1, 1]}, "unreadable")
    faceless = frames_table({"c": [1]}, "no_face")
    found = broken_clips(pl.concat([good, bad, faceless]))
    assert found.rows() == [("b", 2, 2), ("a-2", 1, 1)]


def test_labels_contradict_where_present_meets_absent_and_not_unknown(
    frames_table: Table, labels_of: Table
) -> None:
    frames = frames_table({"a": [7, 7, 7, 5, 5, 3]}).rename({"hash": "group"})
    labels = labels_of(
        frames, AU1=[1, 0, None, 1, None, 0], AU2=[1, 1, 1, 0, 0, 0], AU10=[0, 1, 0, 0, 1, 0]
    )
    found = contradictions(frames, labels)
    assert (found.count, found.frames, found.wide) == (2, 5, 0)
    assert found.by_action_unit == {"AU10": 2, "AU1": 1}
    assert contradictions(frames, labels.select("id", "AU2")).groups.is_empty()
    assert contradictions(frames, labels.select("id")).count == 0


def test_contradictions_show_the_widest_first(frames_table: Table, labels_of: Table) -> None:
    frames = frames_table({"a": [7, 7, 7, 5, 5]}).rename({"hash": "group"})
    labels = labels_of(frames, AU1=[1, 1, 0, 1, 0]).with_columns(
        pl.Series("AU1_intensity", [2, 4, 1, 2, 1], pl.Float32)
    )
    found = contradictions(frames, labels)
    columns = ("present", "absent", "steps")
    assert found.groups.select(columns).rows() == [
        ("a/000001", "a/000002", 3.0),
        ("a/000003", "a/000004", 1.0),
    ]
    assert found.wide == 1


def test_the_same_picture_needs_more_than_the_same_hash(frames_table: Table) -> None:
    frames = quality(frames_table({"a": [7, 7, 7, 5]}), [100, 100, 90, 100], [50.0] * 4)
    numbers = dict(same_pictures(frames).rows())
    assert numbers["a/000000"] == numbers["a/000001"]
    assert len(set(numbers.values())) == 3


@pytest.fixture
def lay(tmp_path: Path, labels_of: Table) -> Callable[..., Path]:
    """Format frames and labels as the pipeline does; return their folder."""

    def make(hashes: dict[str, list[int]]) -> Path:
        rows = [
            {
                "id": frame_id(clip, index),
                "subject": clip.split("-")[0],
                "clip": clip,
                "index": index,
                "time": index / 20,
                "hash": value,
                "sharpness": 100.0 + 7 * index,
                "brightness": 50.0,
            }
            for clip, values in hashes.items()
            for index, value in enumerate(values)
        ]
        table = pl.DataFrame(rows, schema=FRAMES)
        for (clip,), part in table.group_by("clip"):
            (tmp_path / "data/frames").mkdir(parents=True, exist_ok=True)
            part.write_parquet(tmp_path / "data/frames" / f"{clip}.parquet")
        labels_of(table, AU1=[0] * len(table)).write_parquet(tmp_path / "data/labels.parquet")
        return tmp_path / "data"

    return make


def drifting(seed: int, frames: int) -> list[int]:
    """Hashes of a clip: a random picture, of which a bit flips every fourth frame."""
    generator = np.random.default_rng(seed)
    value, values = int(generator.integers(0, 2**63)), []
    for index in range(frames):
        value ^= 1 << int(generator.integers(0, 63)) if index % 4 == 0 else 0
        values.append(value)
    return values


def test_a_random_split_leaks_and_one_by_subject_does_not(
    lay: Callable[..., Path], curate: Run
) -> None:
    clips = {f"s{number}": drifting(number, 40) for number in range(5)}
    data = lay(clips)
    ids = pl.DataFrame({"id": [frame_id(c, i) for c in clips for i in range(40)]})
    chance = np.random.default_rng(0).random(len(ids)) < 0.25
    names = pl.Series("split", np.where(chance, "validation", "train"))
    ids.with_columns(names).write_csv(data / "random.csv")
    ran = curate("audit", "--split", data / "random.csv", "--strict")
    assert ran.returncode == 1
    assert "2 checks found a leak." in ran.stdout
    assert "s0, s1, s2 and 2 more" in ran.stdout
    assert curate("audit", "--split", data / "random.csv").returncode == 0

    last = pl.when(pl.col("id").str.starts_with("s4")).then(pl.lit("validation"))
    ids.with_columns(last.otherwise(pl.lit("train")).alias("split")).write_parquet(
        data / "split.parquet"
    )
    ran = curate("audit", "--strict", "--json")
    assert ran.returncode == 0
    found = json.loads(ran.stdout)
    assert found["leaks"] == 0
    assert found["splits"] == {"train": 160, "validation": 40}


def test_frames_that_nobody_uses_leak_nothing(lay: Callable[..., Path]) -> None:
    data = lay({"a": [1, 2], "b": [1, 64]})
    table = pl.DataFrame(
        {
            "id": ["a/000000", "a/000001", "b/000000", "b/000001"],
            "split": ["train", "train", "validation", "validation"],
            "keep": ["true", "true", "false", "True"],
        }
    )
    table.write_csv(data / "split.csv")
    found = of_pipeline(data / "frames", data / "labels.parquet", data / "split.csv")
    assert {name: s["id"].to_list() for name, s in found.splits.items()} == {
        "train": ["a/000000", "a/000001"],
        "validation": ["b/000001"],
    }
    assert all(check.verdict != LEAK for check in audit(found, 0))


def test_without_a_split_all_frames_are_audited(lay: Callable[..., Path]) -> None:
    data = lay({"a": [1, 2]})
    found = of_pipeline(data / "frames", data / "labels.parquet", None)
    assert found.notes == ["no split yet, so all frames are audited; 'curate split' makes one"]
    assert "effective number: footage" in by_name(audit(found, 0))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("s.csv", "id,part\na/000000,train\n", "lacks the column 'split'"),
        ("s.csv", "id,split\na/000000,learn\n", r"has no split 'train' \(its splits: learn\)"),
        ("s.csv", "id,split\n", r"has no split 'train' \(no frame is used\)"),
        ("s.csv", "id,split\na/000009,train\n", "places a/000009, which .*frames does not hold"),
        ("s.parquet", "text", "not a readable Parquet table"),
        ("s.xlsx", "", "a table is read as .parquet or .csv"),
    ],
)
def test_a_split_table_that_is_none_is_refused(
    lay: Callable[..., Path], name: str, content: str, said: str
) -> None:
    data = lay({"a": [1, 2]})
    (data / name).write_text(content)
    with pytest.raises(UserError, match=said):
        of_pipeline(data / "frames", data / "labels.parquet", data / name)


def test_a_missing_split_table_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such table"):
        read_split(tmp_path / "split.parquet")


def test_two_folders_with_a_picture_in_both(
    write_image: Callable[..., Path], tmp_path: Path, curate: Run
) -> None:
    for seed in range(4):
        write_image(tmp_path / "old" / "ann" / f"{seed}.png", seed)
        write_image(tmp_path / "new" / "bob" / f"{seed}.png", seed + 3)
    (tmp_path / "new" / "bob" / "broken.png").write_bytes(b"no picture")
    ran = curate("audit", "old", "new", "--strict")
    assert ran.returncode == 1
    assert "new/bob/0.png repeats old/ann/3.png (0 bits)" in ran.stdout
    assert "new/bob: 1 of 5" in ran.stdout
    assert curate("audit", "new", "--strict").returncode == 0


def test_a_person_in_both_folders_is_a_leak(
    write_image: Callable[..., Path], tmp_path: Path, curate: Run
) -> None:
    write_image(tmp_path / "old" / "ann" / "0.png", 0)
    write_image(tmp_path / "new" / "ann" / "0.png", 1)
    ran = curate("audit", "old", "new", "--json", "--strict")
    assert ran.returncode == 1
    checks = {check["name"]: check for check in json.loads(ran.stdout)["checks"]}
    assert checks["subjects: old, new"]["data"]["both"] == ["ann"]
    assert checks["near-duplicates: old, new"]["verdict"] == "ok"


def test_video_that_stands_still_is_found_in_a_folder(tmp_path: Path, curate: Run) -> None:
    noise = np.random.default_rng(0).normal(0, 2, (40, 64, 96, 3))
    face = cv2.GaussianBlur(np.random.default_rng(1).uniform(0, 255, (64, 96, 3)), (9, 9), 3)
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 20, (96, 64)
    )
    for index in range(40):  # a live camera's noise, but for frames 10 to 29
        live = noise[10 if 10 <= index < 30 else index]
        writer.write(np.clip(3 * face - 255 + live, 0, 255).astype(np.uint8))
    writer.release()
    found = json.loads(curate("audit", "clip.avi", "--json").stdout)
    frozen = next(check for check in found["checks"] if check["name"] == "frozen video")
    assert frozen["data"]["longest"] == [
        {
            "clip": "clip",
            "first": "clip/000010",
            "last": "clip/000029",
            "frames": 20,
            "seconds": pytest.approx(0.95),
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a", "b", "c"], "c: is one path too many"),
        (["a", "a"], "a: is given twice"),
        (
            ["a", "--split", "s.csv"],
            "--split: is a table of the pipeline, and a is what is",
        ),
    ],
)
def test_paths_that_make_no_sense_are_refused(
    arguments: list[str], said: str, tmp_path: Path, curate: Run
) -> None:
    (tmp_path / "a").mkdir()
    ran = curate("audit", *arguments)
    assert ran.returncode == 2
    assert said in ran.stderr


@pytest.mark.parametrize("command", ["audit", "gallery"])
def test_a_second_look_reads_no_file_again(tmp_path, write_video, curate, command) -> None:
    """What one command has hashed, the others know: here dedup knows what this one has read."""
    video = write_video(tmp_path / "in" / "a.avi", seeds=[1, 2, 2, 3])
    os.utime(video, (0, 0))
    assert curate(command, "in").returncode == 0
    words = ("--stride", 5, "--keep", "sharpest", "--json")
    dedup = json.loads(curate("dedup", "in", *words).stdout)
    assert (dedup["files_read"], dedup["files_cached"]) == (0, 1)
