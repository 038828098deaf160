"""`curate suggest`: the choice, its reasons, and that the command it names leaves what it says."""

from __future__ import annotations

import json
import os
import shlex
import warnings
from collections.abc import Callable
from itertools import accumulate
from operator import xor
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import polars as pl
import pytest

from curate.suggest.candidates import OFF, Candidate
from curate.suggest.choice import choose_candidate
from curate.suggest.events import Left
from curate.suggest.pace import Pace
from curate.suggest.reasons import reasons
from curate.tables import FRAMES, KEY, write_table

STRIDES = (1, 2, 5, 10)
DISTANCES = (OFF, 0, 2, 4)
CHANGES_AT_6 = Pace(2, 6, 40, 1, 300, 16.0, 0.05)

Curate = Callable[..., CompletedProcess[str]]


def candidates(
    covered: Callable[[int, int], float | None] = lambda stride, distance: 1.0,
    strides: tuple[int, ...] = STRIDES,
    distances: tuple[int, ...] = DISTANCES,
) -> list[Candidate]:
    """Make a grid in which AU9 is covered as `covered` says of a stride and a distance."""
    return [
        Candidate(s, d, 100 // s, {"AU9": Left(8, round(10 * (covered(s, d) or 0)), covered(s, d))})
        for s in strides
        for d in distances
    ]


WHOLE = Candidate(1, OFF, 100, {"AU9": Left(80, 10, 1.0)})


@pytest.mark.parametrize(
    ("covered", "pace", "chosen", "said"),
    [
        (lambda s, d: 1.0, CHANGES_AT_6, (5, 2), "6 frames (0.3 s) apart differ by more than 2"),
        (lambda s, d: 0.94 if s == 5 else 1.0, CHANGES_AT_6, (2, 2), "Stride 5 would leave AU9"),
        (lambda s, d: 0.94 if s == 2 else 1.0, CHANGES_AT_6, (1, 2), "Stride 2 would leave AU9"),
        (lambda s, d: 0.94 if d == 2 else 1.0, CHANGES_AT_6, (5, 0), "Distance 2 would leave AU9"),
        (lambda s, d: 0.9 if d >= 0 else 1.0, CHANGES_AT_6, (5, OFF), "near-duplicates stay"),
        (lambda s, d: None, CHANGES_AT_6, (5, 2), "No frame has an action unit"),
        (lambda s, d: 1.0, Pace(8, 1, 1, 1, 99, 32.0, None), (1, 0), "as unlike as any two"),
        (lambda s, d: 1.0, Pace(4, 1, 7, 1, 99, 16.0, None), (1, 4), "already differ by more than"),
        (lambda s, d: 1.0, Pace(0, None, None, 1, 99, 0.0, None), (10, 0), "is frozen"),
        (lambda s, d: 1.0, Pace(0, None, None, 1, 4, 0.0, None), (2, 0), "is frozen"),
        (lambda s, d: 1.0, Pace(0, None, None, None, None, 9.0, None), (1, 0), "Too few frames"),
        (lambda s, d: 1.0, Pace(3, None, None, 1, 7, 5.0, None), (5, 2), "as far as 7 frames"),
    ],
    ids=[
        "pictures",
        "events",
        "the first that covers too little",
        "distance",
        "no distance",
        "no positive",
        "independent",
        "slow",
        "frozen",
        "frozen and short",
        "few",
        "still",
    ],
)
def test_the_choice_and_its_reason(covered, pace, chosen, said):
    choice = choose_candidate(candidates(covered), pace)
    assert (choice.chosen.stride, choice.chosen.distance) == chosen
    assert said in " ".join(reasons(choice, WHOLE, pace))


def test_candidates_that_are_all_too_large_say_so():
    choice = choose_candidate(candidates(strides=(10, 20), distances=(6, 8)), CHANGES_AT_6)
    assert (choice.chosen.stride, choice.chosen.distance) == (10, 6)
    assert "larger than that allows" in " ".join(reasons(choice, WHOLE, CHANGES_AT_6))
    choice = choose_candidate(candidates(lambda s, d: 0.4, strides=(2, 5)), CHANGES_AT_6)
    assert (choice.chosen.stride, choice.chosen.distance) == (2, OFF)
    assert "Already stride 2 would leave AU9 a frame of 4 of its 10 events" in " ".join(
        reasons(choice, WHOLE, CHANGES_AT_6)
    )


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def footage(tmp_path, frames_table, labels_of) -> Path:
    """Write frames in which 2 bits change every 4 frames, and labels: AU1 in long events, AU9 in
    short ones.
    """
    random = np.random.default_rng(0)
    flips = [(1 << int(one)) | (1 << int(other)) for one, other in random.integers(0, 64, (150, 2))]
    steps = list(accumulate(flips, xor))
    hashes = [steps[i // 4] for i in range(600)]
    frames = frames_table({"a": hashes, "b": hashes[::-1]})
    labels = labels_of(
        frames,
        AU1=[int(i % 100 < 50) for i in range(600)] * 2,
        AU9=[int(i % 60 < 7) for i in range(600)] * 2,
    )
    write_table(_whole(frames), tmp_path / "data/frames/all.parquet", FRAMES)
    labels.write_parquet(tmp_path / "data/labels.parquet")
    return tmp_path


def _whole(frames: pl.DataFrame) -> pl.DataFrame:
    return frames.with_columns(
        (pl.col("index") / 25).alias("time"),
        *(pl.lit(None, FRAMES[name]).alias(name) for name in ("jpeg", "sharpness", "brightness")),
    )


def test_the_command_leaves_what_the_suggestion_says(footage, curate: Curate):
    ran = curate("suggest", "--json")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    suggestion = said["suggestion"]
    assert (suggestion["stride"], suggestion["distance"]) == (5, 2)
    words = shlex.split(suggestion["command"])
    dedup = json.loads(curate(*words[1:], "--json").stdout)
    assert dedup["kept"] == suggestion["frames"]
    kept = pl.read_parquet(footage / "data/dedup.parquet").filter("keep")
    labels = kept.join(pl.read_parquet(footage / "data/labels.parquet"), on="id")
    (found,) = (
        candidate["action_units"]
        for candidate in said["candidates"]
        if (candidate["stride"], candidate["distance"]) == (5, 2)
    )
    assert found["AU9"]["positives"] == labels["AU9"].sum()
    assert found["AU9"]["events"] == 20
    assert said["clips"][0]["lags"][:3] == [1, 2, 3]
    assert said["labels"] is True


def test_tables_reasons_and_picture(footage, curate: Curate):
    ran = curate("suggest", "--strides", "1,5,20", "--distances", "off,2")
    assert ran.returncode == 0, ran.stderr
    for words in (
        "1,200 frames, 1,200 usable",
        "<- suggested",
        "all clips",
        "Suggested: stride 5, distance 2 leave",
        "Run: curate dedup --stride 5 --distance 2",
        "Picture: suggest.png",
    ):
        assert words in ran.stdout
    picture = (footage / "suggest.png").read_bytes()
    curate("suggest", "--strides", "1,5,20", "--distances", "off,2", "--output", "again.png")
    assert (footage / "again.png").read_bytes() == picture


def test_without_labels_the_pictures_decide(footage, curate: Curate):
    (footage / "data/labels.parquet").unlink()
    ran = curate("suggest")
    assert "no labels to count" in ran.stdout
    assert "action unit  " not in ran.stdout
    # The pipeline's stage needs labels; the frames as a PATH do not.
    assert "Run: curate dedup data/frames --stride" in ran.stdout


def test_unlike_images_of_a_folder_keep_every_frame(tmp_path, write_image, curate: Curate):
    for number in range(40):
        path = write_image(tmp_path / "in" / f"{number}.png", seed=number)
        os.utime(path, (1_600_000_000, 1_600_000_000))  # old enough for the cache
    (tmp_path / "in" / "broken.png").write_text("no picture")
    said = json.loads(curate("suggest", "in", "--json").stdout)
    assert (said["frames"], said["usable"]) == (41, 40)
    assert said["pace"]["independent"] is True
    suggestion = said["suggestion"]
    assert (suggestion["stride"], suggestion["distance"], suggestion["frames"]) == (1, 0, 40)
    assert suggestion["command"] == "curate dedup in --stride 1 --distance 0"
    # Its hashes are kept: dedup reads none of the pictures again.
    dedup = json.loads(curate("dedup", "in", "--stride", 1, "--distance", 0, "--json").stdout)
    assert (dedup["kept"], dedup["unreadable"], dedup["files_cached"]) == (40, 1, 40)


def test_labels_of_a_path_go_along_to_dedup(tmp_path, write_video, labels_of, curate: Curate):
    write_video(tmp_path / "talk.avi", seeds=[i // 3 for i in range(60)])
    ids = pl.DataFrame([(f"talk/{i:06d}", "talk", "talk", i) for i in range(60)], KEY, orient="row")
    labels_of(ids, AU1=[None] * 6 + [int(i % 12 < 6) for i in range(54)]).write_parquet("l.parquet")
    suggestion = json.loads(curate("suggest", "talk.avi", "--labels", "l.parquet", "--json").stdout)
    words = shlex.split(suggestion["suggestion"]["command"])
    assert words[-2:] == ["--labels", "l.parquet"]
    dedup = json.loads(curate(*words[1:], "--json").stdout)
    assert dedup["unlabelled"] == 6
    assert dedup["kept"] == suggestion["suggestion"]["frames"]


def test_labels_of_images_are_found_as_dedup_finds_them(
    tmp_path, write_image, labels_of, curate: Curate
):
    """Images are called by their paths, labels by clip and index."""
    for index in range(30):
        write_image(tmp_path / "in" / f"{index}.png", seed=index // 3, width=200, height=200)
    ids = pl.DataFrame([(f"in/{i:06d}", "in", "in", i) for i in range(31)], KEY, orient="row")
    labels_of(ids, AU1=[None] * 6 + [int(i % 12 < 6) for i in range(25)]).write_parquet("l.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # stride 30 leaves no frame: a share that has no logarithm
        ran = curate("suggest", "in", "--labels", "l.parquet", "--json")
    assert ran.stderr == "note: l.parquet: 1 labels are of no frame of in\n"
    suggestion = json.loads(ran.stdout)["suggestion"]
    dedup = json.loads(curate(*shlex.split(suggestion["command"])[1:], "--json").stdout)
    assert (dedup["unlabelled"], dedup["kept"]) == (6, suggestion["frames"])


def test_a_clip_of_three_frames(tmp_path, write_video, curate: Curate):
    write_video(tmp_path / "short.avi", 3)
    ran = curate("suggest", "short.avi")
    assert ran.returncode == 0, ran.stderr
    assert "Too few frames lie near one another" in ran.stdout
    assert "Suggested: stride 1, distance 0" in ran.stdout


def test_what_cannot_be_is_said_in_a_sentence(footage, write_image, curate: Curate):
    (footage / "bad").mkdir()
    (footage / "bad" / "a.png").write_text("no picture")
    other = pl.read_parquet(footage / "data/labels.parquet").with_columns(
        pl.format("x{}", "clip").alias("clip")
    )
    other.write_parquet(footage / "other.parquet")
    for arguments, said in {
        ("bad",): "bad: of 1 frames, none can be used",
        ("--labels", "other.parquet"): "other.parquet: no label is of a frame of data/frames",
        ("--labels", "none.parquet"): "none.parquet: no such table",
        ("--output", "a.jpg"): "a.jpg: the picture is written as .png",
        ("bad", "--output", "bad/a.png"): "bad/a.png: lies inside bad",
        ("--strides", "0"): "--strides: '0' is not allowed",
    }.items():
        ran = curate("suggest", *arguments)
        assert ran.returncode == 2
        assert said in ran.stderr
    assert not (footage / "suggest.png").exists()


def test_labels_that_say_nothing(footage, curate: Curate):
    labels = pl.read_parquet(footage / "data/labels.parquet")
    unknown = labels.with_columns(pl.lit(None, pl.Int8).alias(name) for name in ("AU1", "AU9"))
    unknown.write_parquet(footage / "data/labels.parquet")
    ran = curate("suggest")
    assert ran.returncode == 2
    assert "of 1,200 frames, none is labelled in data/labels.parquet" in ran.stderr
