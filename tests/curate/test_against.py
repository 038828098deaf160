"""`--against`: frames that repeat older footage are told from the new ones, whatever its kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.frames.extract import extract_clip
from curate.sources.videos import find_clips
from curate.standalone.dedup import dedup_footage, dedup_pipeline
from curate.standalone.destinations import DedupPaths
from curate.tables import frame_id

NEAR = Parameters(stride=2, distance=4, image_size=32)
Write = Callable[..., Path]


def repeats(decisions: pl.DataFrame) -> list[tuple[str, ...]]:
    found = decisions.filter(reason="repeats_against").select("id", "duplicate_of", "distance")
    assert (found["distance"] <= 4).all()
    return found.select("id", "duplicate_of").rows()


def test_frames_that_repeat_an_older_video_are_dropped(tmp_path: Path, write_video: Write) -> None:
    """All frames of the older footage count; only what the stride keeps of the new is compared."""
    new = write_video(tmp_path / "new.avi", seeds=[1, 1, 2, 2, 3, 3])
    old = write_video(tmp_path / "old" / "talk.avi", seeds=[9, 2, 8, 3])
    outcome = dedup_footage(new, NEAR, 1, DedupPaths(against=old.parent, use_cache=False))
    assert outcome.decisions["reason"].to_list() == [
        None, "stride", "repeats_against", "stride", "repeats_against", "stride",
    ]  # fmt: skip
    assert repeats(outcome.decisions) == [
        ("new/000002", f"{old.parent}/talk/000001"),
        ("new/000004", f"{old.parent}/talk/000003"),
    ]
    assert outcome.read == 2


def test_older_footage_may_be_images_of_which_some_are_broken(
    tmp_path: Path, write_image: Write
) -> None:
    for index in range(4):
        write_image(tmp_path / "new" / f"{index}.png", seed=index, width=200, height=200)
    old = write_image(tmp_path / "old" / "x" / "2.png", seed=2, width=200, height=200)
    (tmp_path / "old" / "x" / "3.png").touch()
    paths = DedupPaths(against=tmp_path / "old", use_cache=False)
    outcome = dedup_footage(tmp_path / "new", NEAR, 1, paths)
    assert repeats(outcome.decisions) == [("2.png", str(old))]
    assert outcome.unreadable == []
    assert outcome.notes == [
        f"{tmp_path / 'old'}: unreadable frames in 1 file: x/3.png (empty file)"
    ]


@pytest.fixture
def both(tmp_path: Path, write_video: Write) -> tuple[Path, Path]:
    """Format a frames table of a new video, and an older video that it repeats once."""
    new = write_video(tmp_path / "new.avi", seeds=[1, 1, 2])
    for clip in find_clips(new, NEAR):
        extract_clip(clip, tmp_path / "frames", NEAR)
    return tmp_path / "frames", write_video(tmp_path / "old.avi", seeds=[7, 2])


def test_the_pipelines_frames_are_compared_too(tmp_path: Path, both: tuple[Path, Path]) -> None:
    frames, old = both
    ids = [frame_id("new", index) for index in range(3)]
    labels = pl.DataFrame({"id": ids, "AU1": [0, 1, 1]}).with_columns(
        subject=pl.lit("new"), clip=pl.lit("new"), index=pl.int_range(3, dtype=pl.Int32)
    )
    labels.write_parquet(tmp_path / "labels.parquet")
    paths = DedupPaths(against=old, use_cache=False)
    outcome = dedup_pipeline(frames, tmp_path / "labels.parquet", NEAR, 1, paths)
    assert repeats(outcome.decisions) == [("new/000002", f"{old}/old/000001")]
    assert outcome.notes == [
        f"{frames} holds hashes of crops, {old} is hashed as whole frames: they compare only "
        "where 'curate frames' ran with crop: none"
    ]


def test_kinds_of_hash_that_differ_are_refused(both: tuple[Path, Path]) -> None:
    frames, old = both
    dhash = Parameters(hash="dhash")
    for path, against in ((frames, old), (old, frames)):
        with pytest.raises(UserError, match="of the kind 'phash', and 'dhash' is asked for"):
            dedup_footage(path, dhash, 1, DedupPaths(against=against, use_cache=False))


def test_older_footage_without_a_usable_frame_is_refused(
    tmp_path: Path, write_video: Write
) -> None:
    new = write_video(tmp_path / "new.avi", 2)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "1.jpg").touch()
    with pytest.raises(UserError, match="old: none of its 1 frames can be read, so there is noth"):
        dedup_footage(new, NEAR, 1, DedupPaths(against=tmp_path / "old", use_cache=False))


def test_repeats_are_counted(
    tmp_path: Path, write_video: Write, curate: Callable[..., CompletedProcess[str]]
) -> None:
    for name, seeds in (("new", [1, 1, 2]), ("old", [2])):
        write_video(tmp_path / f"{name}.avi", seeds=seeds)
    words = ["--stride", 1, "--distance", 4, "--no-cache", "--json"]
    data = json.loads(curate("dedup", "new.avi", "--against", "old.avi", *words).stdout)
    counts = {
        name: data[name] for name in ("frames in", "repeats_against", "near_duplicate", "kept")
    }
    assert counts == {"frames in": 3, "repeats_against": 1, "near_duplicate": 1, "kept": 1}
