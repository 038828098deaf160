"""Parts: what they remember of their making, and which of them, begun or done, are to go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.base.params import Parameters
from curate.frames.parts import fingerprint, part_schema, remove_partials, remove_stale
from curate.media.clip import Clip


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    for name in ("a.mp4", "a.csv"):
        (tmp_path / name).write_text(name)
    return Clip("a", "ann", tmp_path / "a.mp4", landmarks=tmp_path / "a.csv")


def made_from(clip: Clip, **given: object) -> bytes:
    return fingerprint(clip, Parameters(**given))


@pytest.mark.parametrize("hash_kind", ["phash", "whash"])
def test_the_schema_says_which_hash(clip: Clip, hash_kind: str) -> None:
    metadata = part_schema(clip, Parameters(hash=hash_kind)).metadata
    assert metadata[b"framewise.hash"] == hash_kind.encode()
    assert metadata[b"framewise.made_from"] == made_from(clip, hash=hash_kind)


@pytest.mark.parametrize("crop", ["none", "haar"])
def test_the_schema_says_how_frames_are_cut(clip: Clip, crop: str) -> None:
    assert part_schema(clip, Parameters(crop=crop)).metadata[b"framewise.crop"] == crop.encode()


@pytest.mark.parametrize(
    "change", [{"hash": "dhash"}, {"crop": "haar"}, {"image_size": 64}, {"jpeg_quality": 90}]
)
def test_what_decides_a_parts_content_is_in_its_fingerprint(clip: Clip, change: dict) -> None:
    assert made_from(clip, **change) != made_from(clip)


@pytest.mark.parametrize("crop", ["none", "haar"])
def test_another_opencv_makes_a_part_again(
    clip: Clip, crop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made_from(clip, crop=crop)
    monkeypatch.setattr(cv2, "__version__", "4.99.0")
    assert made_from(clip, crop=crop) != before


def test_landmarks_count_only_where_they_are_used(clip: Clip) -> None:
    before = {crop: made_from(clip, crop=crop) for crop in ("none", "landmarks")}
    assert clip.landmarks is not None
    clip.landmarks.write_text("others")
    assert made_from(clip) == before["none"]
    assert made_from(clip, crop="landmarks") != before["landmarks"]


def test_only_parts_of_this_stage_are_strangers(tmp_path: Path, clip: Clip) -> None:
    schema = part_schema(clip, Parameters())
    for name in ("stays", "ann/goes"):
        path = tmp_path / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(schema.empty_table(), path)
    pq.write_table(pa.table({"mine": [1]}), tmp_path / "mine.parquet")
    (tmp_path / "none.parquet").write_text("no Parquet")
    assert remove_stale(tmp_path, {tmp_path / "stays.parquet"}) == 1
    left = {path.name for path in tmp_path.rglob("*.parquet")}
    assert left == {"stays.parquet", "mine.parquet", "none.parquet"}


def test_what_a_dead_process_has_begun_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    begun = tmp_path / "ann" / f".talk.parquet.{dead.pid}.partial"
    others = [
        tmp_path / f".talk.parquet.{os.getpid()}.partial",  # this process is running
        tmp_path / f".notes.txt.{dead.pid}.partial",
        tmp_path / f".talk.parquet.{10**30}.partial",
        tmp_path / f"talk.parquet.{dead.pid}.partial",
    ]
    begun.parent.mkdir()
    for path in (begun, *others):
        path.touch()
    assert remove_partials(tmp_path) == 1
    assert not begun.exists()
    assert all(path.exists() for path in others)
    assert remove_partials(tmp_path / "nowhere") == 0
