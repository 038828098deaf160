"""`curate dedup PATH`: any folder or video, every file accounted for, nothing there changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.dedup.rule import count_reasons, decide
from curate.frames.extract import extract_clip
from curate.sources.videos import find_clips
from curate.standalone.dedup import dedup_footage, dedup_pipeline
from curate.standalone.destinations import DedupPaths
from curate.tables import DEDUP, frame_id, read_frames, read_table

ALL = Parameters(stride=1, distance=-1)
NO_CACHE = DedupPaths(use_cache=False)
Write = Callable[..., Path]
Curate = Callable[..., CompletedProcess[str]]


def decide_on_footage(path: Path, parameters: Parameters, workers: int = 1) -> pl.DataFrame:
    return dedup_footage(path, parameters, workers, NO_CACHE).decisions


def digest(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Report all of a tree: times of change, permissions and content."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder",
        )
        for path in [folder, *folder.rglob("*")]
    }


@pytest.fixture
def mixed(
    tmp_path: Path, write_image: Callable[..., Path], write_video: Callable[..., Path]
) -> Path:
    """Format what folders hold: good and broken images of many kinds, nested, and two videos."""
    folder = tmp_path / "in"
    for name, share in (("whole", 1.0), ("cut", 0.5)):
        for suffix in ("jpg", "png"):
            path = write_image(folder / "ann" / f"{name}.{suffix}", seed=len(name))
            path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    (folder / "ann" / "empty.jpg").touch()
    (folder / "ann" / "text.jpg").write_text("no picture")
    (folder / "ann" / "notes.txt").write_text("no image")
    Image.new("CMYK", (90, 80), (0, 200, 10, 0)).save(folder / "ann" / "cmyk.jpg")
    deep = np.random.default_rng(0).integers(0, 2**16, (90, 90), np.uint16)
    (folder / "bob" / "deep").mkdir(parents=True)
    cv2.imwrite(str(folder / "bob" / "deep" / "sixteen.png"), deep)
    write_image(folder / "bob" / "top.BMP", seed=3)
    write_video(folder / "bob" / "talk.avi", 5)
    (folder / "bob" / "empty.mp4").touch()
    return folder


def test_every_file_is_accounted_for(mixed: Path) -> None:
    decisions = decide_on_footage(mixed, ALL, 2)
    reasons = dict(zip(decisions["id"], decisions["reason"], strict=True))
    broken = {"ann/cut.jpg", "ann/cut.png", "ann/empty.jpg", "ann/text.jpg", "bob/empty/000000"}
    whole = {f"bob/talk/{index:06d}" for index in range(5)} | {"bob/deep/sixteen.png"}
    whole |= {"ann/whole.jpg", "ann/whole.png", "ann/cmyk.jpg", "bob/top.BMP"}
    assert {key for key, reason in reasons.items() if reason == "unreadable"} == broken
    assert {key for key, reason in reasons.items() if reason is None} == whole
    assert count_reasons(decisions) == [("frames in", 15), ("unreadable", 5), ("kept", 10)]


@pytest.mark.parametrize("link", [False, True])
def test_the_footage_is_never_changed(mixed: Path, tmp_path: Path, link: bool) -> None:
    before = digest(mixed)
    for name in ("first", "again"):
        paths = DedupPaths(output=tmp_path / f"{name}.csv", to=tmp_path / name, link=link)
        decisions = dedup_footage(mixed, ALL, 2, paths).decisions
        kept = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        assert len(kept) == decisions["keep"].sum() == 10
    assert digest(mixed) == before


def test_near_duplicate_images_name_their_first(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    for name, seed in (("2.jpg", 1), ("10.png", 1), ("11.png", 2)):
        write_image(tmp_path / name, seed=seed, width=200, height=200)
    decisions = decide_on_footage(tmp_path, Parameters(stride=1, distance=4), 1)
    assert decisions.select("id", "reason", "duplicate_of").rows() == [
        ("2.jpg", None, None),
        ("10.png", "near_duplicate", "2.jpg"),
        ("11.png", None, None),
    ]


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("scope", ["clip", "all"])
def test_passing_over_frames_decides_as_decoding_all_of_them(
    tmp_path: Path, write_video: Callable[..., Path], stride: int, scope: Any
) -> None:
    seeds = [number // 4 for number in range(30)]
    for name in ("a", "b"):
        write_video(tmp_path / "in" / f"{name}.avi", seeds=seeds)
    for clip in find_clips(tmp_path / "in", ALL):
        extract_clip(clip, tmp_path / "frames", Parameters(image_size=32))
    table = read_frames(tmp_path / "frames")
    every = decide(table, pl.Series([""] * 60), stride=stride, distance=4, scope=scope)
    parameters = Parameters(stride=stride, distance=4, scope=scope)
    ours = decide_on_footage(tmp_path / "in", parameters, 2)
    same = ["id", "keep", "reason", "duplicate_of", "distance"]
    assert ours.select(same).equals(every.select(same))


def test_workers_do_not_change_decisions(mixed: Path) -> None:
    first, second = (decide_on_footage(mixed, Parameters(), workers) for workers in (1, 3))
    assert first.equals(second)


def test_a_frames_table_is_footage_too(tmp_path: Path, write_video: Write) -> None:
    video = write_video(tmp_path / "a.avi", seeds=[1, 1, 2])
    frames = tmp_path / "frames"
    for clip in find_clips(video, ALL):
        extract_clip(clip, frames, Parameters(image_size=32))
    for path in (frames, frames / "a.parquet"):
        decisions = decide_on_footage(path, Parameters(stride=1, distance=4))
        assert decisions["reason"].to_list() == [None, "near_duplicate", None]


@pytest.mark.parametrize("place", ["in", "in/kept", "in/ann/../kept"])
@pytest.mark.parametrize("what", ["to", "output", "cache"])
def test_nothing_is_written_into_the_footage(mixed: Path, place: str, what: str) -> None:
    before = digest(mixed)
    where = mixed.parent / (place + ".csv" if what == "output" and place != "in" else place)
    if what == "to" and place == "in":
        sentence = "is not empty; choose a new folder"
    elif what == "output" and place == "in":
        sentence = "a table is written as .parquet or .csv"
    else:
        sentence = "which is never changed; choose another place"
    paths: dict[str, Any] = {what: where}
    with pytest.raises(UserError, match=sentence):
        dedup_footage(mixed, ALL, 1, DedupPaths(**paths))
    assert digest(mixed) == before


def test_the_users_cache_is_not_used_where_it_lies_in_the_footage(
    mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(mixed / ".cache"))
    before = digest(mixed)
    outcome = dedup_footage(mixed, ALL, 1, DedupPaths())
    assert digest(mixed) == before
    assert outcome.notes[0].startswith("no cache: ")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("gone", "gone: no such footage"), ("bare", "bare: holds no footage: no video")],
)
def test_no_footage_is_said(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "notes.txt").touch()
    with pytest.raises(UserError, match=sentence):
        decide_on_footage(tmp_path / name, ALL, 1)


def test_a_video_and_an_image_folder_of_one_name_are_refused_by_their_paths(
    tmp_path: Path, write_image: Callable[..., Path], write_video: Callable[..., Path]
) -> None:
    write_video(tmp_path / "a.avi", 1)
    write_image(tmp_path / "a" / "1.png")
    with pytest.raises(UserError, match=r"/a: its clip name 'a' is taken by .*/a\.avi; rename one"):
        decide_on_footage(tmp_path, ALL, 1)


def age(folder: Path) -> None:
    """Set files to long ago: young ones are not remembered in the cache."""
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))


def test_a_dry_run_decides_and_writes_nothing(mixed: Path, tmp_path: Path) -> None:
    age(mixed)
    before = digest(tmp_path)
    wet = DedupPaths(output=tmp_path / "out.csv", to=tmp_path / "kept", cache=tmp_path / "cache")
    decisions = dedup_footage(mixed, ALL, 1, replace(wet, dry_run=True)).decisions
    assert digest(tmp_path) == before
    assert dedup_footage(mixed, ALL, 1, wet).decisions.equals(decisions)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out.csv", "kept", "cache"}


def test_the_sharpest_of_near_duplicates_is_kept(tmp_path: Path, picture: Any) -> None:
    (tmp_path / "in").mkdir()
    for index, blur in enumerate([9, 1, 5, 1]):
        blurred = cv2.blur(picture(index // 3, 200, 200), (blur, blur))
        cv2.imwrite(str(tmp_path / "in" / f"{index}.png"), blurred)
    parameters = Parameters(stride=1, distance=8, keep="sharpest")
    decisions = decide_on_footage(tmp_path / "in", parameters)
    assert decisions.select("keep", "duplicate_of").rows() == [
        (False, "1.png"),
        (True, None),
        (False, "1.png"),
        (True, None),
    ]


def write_labels(path: Path, clip: str, **units: list[int | None]) -> Path:
    count = len(next(iter(units.values())))
    key = {
        "id": [frame_id(clip, index) for index in range(count)],
        "subject": [clip] * count,
        "clip": [clip] * count,
        "index": pl.Series(range(count), dtype=pl.Int32),
    }
    pl.DataFrame(key | units).write_parquet(path)
    return path


def test_frames_of_images_with_other_labels_are_kept_apart(
    tmp_path: Path, write_image: Write
) -> None:
    """Labels name frames by clip and index; here images are named by their paths."""
    for index in range(5):
        write_image(tmp_path / "in" / f"{index}.png", seed=1)
    labels = write_labels(tmp_path / "l.parquet", "in", AU1=[0, 0, 1, None, 1, 1, 0])
    parameters = Parameters(stride=1, distance=4)
    paths = DedupPaths(use_cache=False, labels=labels)
    outcome = dedup_footage(tmp_path / "in", parameters, 1, paths)
    assert outcome.decisions.select("id", "reason", "duplicate_of").rows() == [
        ("0.png", None, None),
        ("1.png", "near_duplicate", "0.png"),
        ("2.png", None, None),
        ("3.png", "unlabelled", None),
        ("4.png", "near_duplicate", "2.png"),
    ]
    assert outcome.notes == [f"{labels}: 2 labels are of no frame of {tmp_path / 'in'}"]


def test_the_frame_of_highest_intensity_is_kept(tmp_path: Path, write_video: Write) -> None:
    video = write_video(tmp_path / "a.avi", seeds=[1, 1, 1, 2])
    labels = write_labels(tmp_path / "l.parquet", "a", AU1=[1] * 4, AU1_intensity=[2, 4, 3, 2])
    parameters = Parameters(stride=1, distance=4, keep="peak")
    paths = DedupPaths(use_cache=False, labels=labels)
    decisions = dedup_footage(video, parameters, 1, paths).decisions
    assert decisions["keep"].to_list() == [False, True, False, True]
    with pytest.raises(UserError, match="keep: peak needs intensities; no labels are given"):
        dedup_footage(tmp_path / "unread", parameters, 1, NO_CACHE)


def test_labels_of_other_frames_are_refused(tmp_path: Path, write_video: Write) -> None:
    labels = write_labels(tmp_path / "l.parquet", "other", AU1=[1])
    with pytest.raises(UserError, match="labels are of clips such as 'other', and its clips are"):
        dedup_footage(write_video(tmp_path / "a.avi", 2), ALL, 1, DedupPaths(labels=labels))


def test_broken_files_are_named_with_what_is_wrong(mixed: Path, curate: Curate) -> None:
    ran = curate("dedup", "in", "--stride", 1, "--distance", -1, "--no-cache", "--json")
    data = json.loads(ran.stdout)
    assert [(one["file"], one["why"]) for one in data["unreadable_files"]] == [
        ("ann/cut.jpg", "cut off"),
        ("ann/cut.png", "cut off"),
        ("ann/empty.jpg", "empty file"),
        ("ann/text.jpg", "no picture"),
        ("bob/empty.mp4", "empty file"),
    ]
    (note,) = data["notes"]
    assert ran.stderr == f"note: {note}\n"
    assert note == (
        "in: unreadable frames in 5 files: ann/cut.jpg (cut off), ann/cut.png (cut off), "
        "ann/empty.jpg (empty file) and 2 more; all are named by --output and by --json"
    )
    assert (data["frames in"], data["unreadable"], data["kept"]) == (15, 5, 10)
    assert (data["files_read"], data["files_cached"]) == (11, 0)


def test_a_run_says_what_it_read_and_wrote(mixed: Path, tmp_path: Path, curate: Curate) -> None:
    age(mixed)
    words = ("dedup", "in", "--stride", 1, "--distance", -1)
    first = curate(*words, "--output", "d.csv", "--to", "kept")
    assert first.returncode == 0
    assert "11 files: 11 read, 0 known from the cache" in first.stdout
    assert "wrote decisions to d.csv and 10 kept frames to kept" in first.stdout
    second = curate(*words, "--output", "d.parquet", "--dry-run")
    assert "11 files: 5 read, 6 known from the cache" in second.stdout
    assert (
        "dry run: nothing was written (without --dry-run: decisions to d.parquet)" in second.stdout
    )
    assert not (tmp_path / "d.parquet").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--link", "--link says how --to gathers kept frames; give --to FOLDER as well"),
        ("--output d.xlsx", "d.xlsx: a table is written as .parquet or .csv; choose such"),
        ("--against in", "in: is in itself, so every frame would repeat itself"),
        ("--against in/ann", "in/ann: shares files with in (one lies in the other)"),
        ("--against .", ".: shares files with in (one lies in the other)"),
        ("--against gone", "gone: no such footage"),
        ("--against old --distance -1", "--against: distance is -1, which looks for no repeats"),
        ("--against old --to old/kept", "old/kept: lies inside old, which is never changed"),
        ("--to notes.txt", "notes.txt: is a file; choose a new folder for the kept frames"),
        ("--output notes.txt/d.csv", "notes.txt/d.csv: {here}/notes.txt is a file, not a folder"),
        ("--to notes.txt/kept", "notes.txt/kept: {here}/notes.txt is a file, not a folder"),
        ("--labels l.parquet --output l.parquet", "l.parquet: holds the labels, which decisions"),
        ("--cache c --no-cache", "--cache names a folder of hashes, --no-cache wants none; give"),
        ("--frames f", "--frames: is a table of the pipeline, and in is what is looked at"),
        ("--keep peak", "keep: peak needs intensities; no labels are given"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    mixed: Path, tmp_path: Path, curate: Curate, words: str, sentence: str
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "notes.txt").touch()
    ran = curate("dedup", "in", *words.split())
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith(f"curate: {sentence.format(here=tmp_path)}")
    assert ran.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused_before_the_work(mixed: Path) -> None:
    locked = mixed.parent / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(UserError, match=r"d\.csv: no permission to write in .*locked; choose anot"):
        dedup_footage(mixed, ALL, 1, DedupPaths(output=locked / "d.csv"))


def test_the_pipelines_labels_are_not_overwritten(tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "l.parquet", "a", AU1=[0])
    with pytest.raises(UserError, match="holds the labels, which decisions would overwrite"):
        dedup_pipeline(tmp_path / "frames", labels, ALL, 1, DedupPaths(output=labels))


def test_the_pipelines_decisions_are_written_and_its_crops_gathered(
    tmp_path: Path, write_video: Write
) -> None:
    video = write_video(tmp_path / "a.avi", seeds=[1, 1, 2])
    for clip in find_clips(video, ALL):
        extract_clip(clip, tmp_path / "frames", Parameters(image_size=32))
    labels = write_labels(tmp_path / "l.parquet", "a", AU1=[0, 1, 1])
    output, parameters = tmp_path / "d.parquet", Parameters(stride=1, distance=4)
    outcome = dedup_pipeline(
        tmp_path / "frames", labels, parameters, 1, DedupPaths(output=output, to=tmp_path / "kept")
    )
    assert read_table(output, DEDUP).equals(outcome.decisions.select(list(DEDUP)))
    assert outcome.decisions["keep"].to_list() == [True, True, True]
    assert len(list((tmp_path / "kept" / "a").iterdir())) == 3
