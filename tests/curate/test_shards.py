"""Shards: TFDS opens them, and they hold the frames table's bytes in an order that is known."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from curate.base import console
from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.frames.extract import extract_clip
from curate.shards.stage import choose_examples, run
from curate.sources.videos import find_clips
from curate.tables import (
    CAP,
    INDEX,
    INDEX_FILE,
    KEY,
    SPLITS,
    frame_id,
    read_frames,
    read_table,
    write_table,
)

FRAMES = 12
LABELS = {"AU1": [1, 0, None], "AU12": [0, 1, None]}


def cap_table(splits: dict[str, list[tuple[str, str | None]]]) -> pl.DataFrame:
    """Make decisions: for each clip, its frames' split and reason; even validation is balanced."""
    rows = [
        {
            "id": frame_id(clip, index),
            "subject": clip,
            "clip": clip,
            "index": index,
            "split": split,
            "keep": reason is None,
            "reason": reason,
            "balanced": split == "validation" and index % 2 == 0,
        }
        for clip, frames in splits.items()
        for index, (split, reason) in enumerate(frames)
    ]
    return pl.DataFrame(rows, schema=CAP)


TRAIN: list[tuple[str, str | None]] = [("train", None)] * 6 + [
    ("train", "stride"),
    ("train", "near_duplicate"),
    ("train", "over_cap"),
    ("train", "unlabelled"),
    ("margin", "margin"),
    ("moments", None),
]
DECISIONS = cap_table({"a": TRAIN, "b": TRAIN, "c": [("validation", None)] * FRAMES})


@pytest.fixture(scope="module")
def tables(
    tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]
) -> tuple[Path, Path, Path]:
    """Format frames, decisions and labels of three clips; a fourth is unreadable."""
    folder = tmp_path_factory.mktemp("tables")
    for number, clip in enumerate("abc"):
        seeds = [100 * number + index for index in range(FRAMES)]
        write_video(folder / "in" / f"{clip}.avi", seeds=seeds)
    (folder / "in" / "d.mp4").touch()
    for source in find_clips(folder / "in", Parameters()):
        extract_clip(source, folder / "frames", Parameters(image_size=32))
    write_table(DECISIONS, folder / "cap.parquet", CAP)
    columns = [
        pl.Series(name, [values[row % 3] for row in range(len(DECISIONS))], pl.Int8)
        for name, values in LABELS.items()
    ]
    labels = DECISIONS.select(list(KEY)).with_columns(columns)
    labels.filter(pl.col("id") != "c/000011").write_parquet(folder / "labels.parquet")
    return folder / "frames", folder / "cap.parquet", folder / "labels.parquet"


@pytest.fixture(scope="module")
def built(tables: tuple[Path, Path, Path]) -> tuple[Path, dict[str, int]]:
    folder = tables[0].parent / "shards"
    return folder, run(*tables, folder, Parameters(shard_frames=5)).data


def examples(folder: Path, split: str) -> list[dict[str, Any]]:
    """Read a split in file order, its pictures left as JPEG."""
    builder = tfds.builder_from_directory(str(folder))
    config = tfds.ReadConfig(shuffle_seed=None, interleave_cycle_length=1)
    data = builder.as_dataset(
        split=split, decoders={"image": tfds.decode.SkipDecoding()}, read_config=config
    )
    return list(tfds.as_numpy(data))


def ids(folder: Path, split: str) -> list[str]:
    return [example["id"].decode() for example in examples(folder, split)]


def test_every_split_has_its_frames(built: tuple[Path, dict[str, int]]) -> None:
    folder, counts = built
    assert counts == {
        "train": 12, "validation": 12, "validation_balanced": 6, "moments": 2, "dropped": 6
    }  # fmt: skip
    builder = tfds.builder_from_directory(str(folder))
    assert {name: info.num_examples for name, info in builder.info.splits.items()} == counts
    assert builder.info.splits["train"].shard_lengths == [5, 5, 2]
    assert builder.info.features["image"].shape == (32, 32, 3)
    train = DECISIONS.filter((pl.col("split") == "train") & pl.col("keep"))
    assert sorted(ids(folder, "train")) == train["id"].to_list()
    assert ids(folder, "validation_balanced") == [f"c/{index:06d}" for index in range(0, 12, 2)]
    dropped = [f"{clip}/{index:06d}" for clip in "ab" for index in (6, 7, 8)]
    assert ids(folder, "dropped") == dropped
    assert ids(folder, "moments") == ["a/000011", "b/000011"]


def test_only_training_frames_are_shuffled(built: tuple[Path, dict[str, int]]) -> None:
    folder, _ = built
    assert ids(folder, "train") != sorted(ids(folder, "train"))
    chosen = choose_examples(DECISIONS, 1500, 0).filter(pl.col("split") == "train")
    assert ids(folder, "train") == chosen.sort("rank")["id"].to_list()
    assert ids(folder, "validation") == sorted(ids(folder, "validation"))


def test_the_index_lists_every_example_in_order(built: tuple[Path, dict[str, int]]) -> None:
    index = read_table(built[0] / INDEX_FILE, INDEX)
    expected = [
        (example["id"].decode(), example["subject"].decode(), split, rank)
        for split in SPLITS
        for rank, example in enumerate(examples(built[0], split))
    ]
    assert index.rows() == expected
    assert dict(index.schema) == INDEX


def test_pictures_and_labels_are_those_of_the_tables(
    built: tuple[Path, dict[str, int]], tables: tuple[Path, Path, Path]
) -> None:
    frames = read_frames(tables[0], ["id", "clip", "index", "jpeg"])
    jpegs = dict(zip(frames["id"], frames["jpeg"], strict=True))
    labels = {row["id"]: row for row in pl.read_parquet(tables[2]).rows(named=True)}
    for split in SPLITS:
        for example in examples(built[0], split):
            key = example["id"].decode()
            assert example["image"] == jpegs[key]
            assert frame_id(example["clip"].decode(), int(example["index"])) == key
            assert example["subject"] == example["clip"]
            for name in LABELS:
                known = labels.get(key, {}).get(name)
                assert example["labels"][name] == (-1 if known is None else known)


def test_two_runs_write_the_same_bytes(
    built: tuple[Path, dict[str, int]], tables: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    run(*tables, tmp_path / "again", Parameters(shard_frames=5))
    for path in sorted(built[0].iterdir()):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(list((tmp_path / "again").iterdir())) == len(list(built[0].iterdir()))


def test_the_metadata_say_how_frames_were_cut(
    tables: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    for crop in ("none", "center"):
        cut(tables, tmp_path / crop, dict.fromkeys("abc", crop))
        run(tmp_path / crop, *tables[1:], tmp_path / "out", Parameters())
        builder = tfds.builder_from_directory(str(tmp_path / "out"))
        assert dict(builder.info.metadata.items()) == {"crop": crop}


def cut(tables: tuple[Path, Path, Path], folder: Path, crops: dict[str, Any]) -> None:
    """Write the frames of the tables' clips again, each with a crop of its own."""
    for clip in find_clips(tables[0].parent / "in", Parameters()):
        if clip.name in crops:
            extract_clip(clip, folder, Parameters(image_size=32, crop=crops[clip.name]))


def test_parts_that_do_not_say_their_crop_leave_it_unknown(
    tables: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    for path in tables[0].glob("[abc].parquet"):
        part = pq.read_table(path).replace_schema_metadata({})
        (tmp_path / "frames").mkdir(exist_ok=True)
        pq.write_table(part, tmp_path / "frames" / path.name)
    run(tmp_path / "frames", *tables[1:], tmp_path / "out", Parameters())
    builder = tfds.builder_from_directory(str(tmp_path / "out"))
    assert dict(builder.info.metadata.items()) == {"crop": None}


def test_frames_of_two_crops_are_refused(tables: tuple[Path, Path, Path], tmp_path: Path) -> None:
    cut(tables, tmp_path / "frames", {"a": "center", "b": "center", "c": "none"})
    sentence = r"c\.parquet: its frames were cut with crop 'none', those of .*a\.parquet with 'cent"
    with pytest.raises(UserError, match=sentence):
        run(tmp_path / "frames", *tables[1:], tmp_path / "out", Parameters())
    assert not (tmp_path / "out").exists()


def test_seed_orders_the_training_frames_and_draws_the_sample() -> None:
    first, second = (choose_examples(DECISIONS, 4, seed) for seed in (0, 1))
    for split in ("train", "dropped"):
        mine, theirs = (t.filter(pl.col("split") == split)["id"].to_list() for t in (first, second))
        assert mine != theirs
    assert sorted(first.filter(pl.col("split") == "train")["id"]) == sorted(
        second.filter(pl.col("split") == "train")["id"]
    )
    assert first.filter(pl.col("split") == "dropped").height == 4
    assert first.equals(choose_examples(DECISIONS, 4, 0))


def test_an_empty_split_is_left_out(tables: tuple[Path, Path, Path], tmp_path: Path) -> None:
    only_train = DECISIONS.filter((pl.col("clip") == "a") & (pl.col("split") == "train"))
    write_table(only_train, tmp_path / "cap.parquet", CAP)
    parameters = Parameters(dropped_frames=0)
    counts = run(tables[0], tmp_path / "cap.parquet", tables[2], tmp_path / "out", parameters)
    assert counts.data == dict.fromkeys(SPLITS, 0) | {"train": 6}
    assert set(tfds.builder_from_directory(str(tmp_path / "out")).info.splits) == {"train"}


def test_no_training_frame_left_is_said(tables: tuple[Path, Path, Path], tmp_path: Path) -> None:
    thinned = DECISIONS.filter(pl.col("clip") == "c").with_columns(pl.lit("stride").alias("reason"))
    write_table(thinned, tmp_path / "cap.parquet", CAP)
    with pytest.raises(UserError, match="no training frame is left after dedup, split and cap"):
        run(tables[0], tmp_path / "cap.parquet", tables[2], tmp_path / "out", Parameters())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("clip", "index", "sentence"),
    [
        ("z", 0, "z.parquet: no such part; make it with 'curate frames'"),
        ("a", 99, "a.parquet: lacks the frame a/000099; make the decisions again"),
        ("d", 0, "d.parquet: lacks the frame d/000000; make the decisions again"),
    ],
    ids=["no part", "no frame", "no picture"],
)
def test_decisions_on_other_frames_are_refused_and_the_old_shards_stay(
    tables: tuple[Path, Path, Path], tmp_path: Path, clip: str, index: int, sentence: str
) -> None:
    stranger = DECISIONS[:1].with_columns(
        pl.lit(frame_id(clip, index)).alias("id"), pl.lit(clip).alias("clip")
    )
    old = tmp_path / "out" / "dataset_info.json"
    old.parent.mkdir()
    old.write_text("old")
    write_table(pl.concat([DECISIONS, stranger]), tmp_path / "cap.parquet", CAP)
    with pytest.raises(UserError, match=re.escape(sentence)):
        run(tables[0], tmp_path / "cap.parquet", tables[2], tmp_path / "out", Parameters())
    assert old.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"cap.parquet", "out"}


def test_a_folder_of_something_else_is_not_replaced(
    tables: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(
        UserError, match=r"out: holds something else than dataset_info.json; choose"
    ):
        run(*tables, tmp_path / "out", Parameters())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_old_shards_are_replaced_as_a_whole(
    built: tuple[Path, dict[str, int]], tables: tuple[Path, Path, Path]
) -> None:
    before = {path.name for path in built[0].iterdir()}
    counts = run(*tables, built[0].parent / "other", Parameters(shard_frames=3)).data
    again = run(*tables, built[0].parent / "other", Parameters(shard_frames=5)).data
    assert counts == again == built[1]
    assert {path.name for path in (built[0].parent / "other").iterdir()} == before


def test_an_examples_fields_stand_in_one_order(
    tables: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """Protocol buffers write a map in an order of the process's own unless told not to."""
    run(*tables, tmp_path / "out", Parameters())
    records = [
        bytes(record.numpy())
        for path in sorted((tmp_path / "out").glob("*.tfrecord-*"))
        for record in tf.data.TFRecordDataset(str(path))
    ]
    assert records
    for record in records:
        example = tf.train.Example.FromString(record)
        assert record == example.SerializeToString(deterministic=True)


def test_terminated_midway_it_leaves_nothing_begun(
    tables: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def kill(frames: int) -> None:
        begun.extend(path.name for path in tmp_path.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)

    @contextmanager
    def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
        yield kill

    monkeypatch.setattr(console, "progress", progress)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # so that a failure ends no test run
    try:
        with pytest.raises(SystemExit) as ended:
            run(*tables, tmp_path / "out", Parameters(shard_frames=5))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143
    assert begun == [f".out.{os.getpid()}.partial"]
    assert not list(tmp_path.iterdir())
