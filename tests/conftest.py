"""Made-up footage and tables, and the two programs as their users run them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import cv2
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from curate.cli.app import main as curate_main
from curate.tables import FRAMES, KEY, frame_id
from train.cli.app import main as train_main

# As curate.media.decode sets it: FFmpeg reads it at the first video that any test writes or reads.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

Picture = NDArray[np.uint8]
Program = Callable[..., CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests marked `early`: at the end, one worker would be alone with them."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


@pytest.fixture(scope="session")
def picture() -> Callable[..., Picture]:
    """Make a smooth colour picture, another one for each seed."""

    def make(seed: int, width: int = 96, height: int = 64) -> Picture:
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        wide = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(wide, np.uint8)

    return make


@pytest.fixture(scope="session")
def write_video(picture: Callable[..., Picture]) -> Callable[..., Path]:
    """Write a video of `frames` unlike pictures, or of the pictures of the given seeds."""

    def write(path: Path, frames: int = 6, seeds: list[int] | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (96, 64))
        for seed in seeds if seeds is not None else range(frames):
            writer.write(picture(seed))
        writer.release()
        return path

    return write


@pytest.fixture(scope="session")
def write_image(picture: Callable[..., Picture]) -> Callable[..., Path]:
    """Write one picture as an image file."""

    def write(path: Path, seed: int = 0, width: int = 96, height: int = 64) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture(seed, width, height))
        return path

    return write


@pytest.fixture(scope="session")
def write_disfa(write_video: Callable[..., Path]) -> Callable[..., Path]:
    """Write footage in DISFA's layout: AU1 on in every other ten frames, AU2 in the others."""

    def write(folder: Path, subjects: int = 3, frames: int = 40, labels: int | None = None) -> Path:
        for number in range(1, subjects + 1):
            name = f"SN{number:03d}"
            seeds = [1000 * number + index for index in range(frames)]
            write_video(folder / "Videos_LeftCamera" / f"LeftVideo{name}_comp.avi", seeds=seeds)
            for unit in (1, 2):
                lines = [
                    f"{index + 1},{3 * ((index // 10 + unit) % 2)}\n"
                    for index in range(frames if labels is None else labels)
                ]
                path = folder / "ActionUnit_Labels" / name / f"{name}_au{unit}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(lines))
        return folder

    return write


@pytest.fixture(scope="session")
def frames_table() -> Callable[..., pl.DataFrame]:
    """Build a frames table from hashes by clip; the subject is the clip's name up to '-'."""

    def build(clips: dict[str, list[int]], reason: str | None = None) -> pl.DataFrame:
        rows = [
            {
                "id": frame_id(clip, index),
                "subject": clip.split("-")[0],
                "clip": clip,
                "index": index,
                "hash": value,
                "reason": reason,
            }
            for clip, hashes in clips.items()
            for index, value in enumerate(hashes)
        ]
        schema = KEY | {name: FRAMES[name] for name in ("hash", "reason")}
        return pl.DataFrame(rows, schema=schema)

    return build


@pytest.fixture(scope="session")
def labels_of() -> Callable[..., pl.DataFrame]:
    """Label a table's frames: one list of 1, 0 or None for each action unit, in row order."""

    def build(frames: pl.DataFrame, **units: list[int | None]) -> pl.DataFrame:
        columns = [pl.Series(name, values, pl.Int8) for name, values in units.items()]
        return frames.select(list(KEY)).with_columns(columns)

    return build


@pytest.fixture(autouse=True)
def _cache_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep every test away from the hashes in the home of whoever runs it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Program]:
    """Run a program by its `main`, in the test's folder and in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")

    def of(name: str, main: Callable[[], None]) -> Program:
        def run(*arguments: object) -> CompletedProcess[str]:
            words = [str(argument) for argument in arguments]
            monkeypatch.setattr(sys, "argv", [name, *words])
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            out, err = capfd.readouterr()
            return CompletedProcess(words, int(ended.value.code or 0), out, err)

        return run

    return of


@pytest.fixture
def curate(program: Callable[..., Program]) -> Program:
    """Run `curate ARGUMENTS` in the test's folder; return its exit code and what it printed."""
    return program("curate", curate_main)


@pytest.fixture
def train(program: Callable[..., Program]) -> Program:
    """Run `train ARGUMENTS` in the test's folder; return its exit code and what it printed."""
    return program("train", train_main)
