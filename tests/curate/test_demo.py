"""The demo footage on disk: DISFA's layout, exact labels, same seed same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image

from curate.base.params import Parameters
from curate.demo.clip import DemoClip, write_clip
from curate.demo.face import ACTION_UNITS
from curate.demo.face.tracks import labels, make_tracks
from curate.demo.stage import run, write_demo

SUBJECTS, FRAMES, SIZE = 3, 150, 96
Footage = tuple[Path, dict[str, int], list[int]]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Footage:
    folder = tmp_path_factory.mktemp("demo")
    done: list[int] = []
    positives = write_demo(
        folder,
        subjects=SUBJECTS,
        frames=FRAMES,
        size=SIZE,
        seed=0,
        workers=1,
        on_frames=done.append,
    )
    return folder, positives, done


def ignore(frames: int) -> None:
    """Take no notice of progress."""


def files_below(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def frames_of(path: Path) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == 20
    frames: list[np.ndarray] = []
    while True:
        found, frame = video.read()
        if not found:
            return frames
        frames.append(frame)


def test_layout_is_disfas_and_nothing_else(footage: Footage) -> None:
    folder, _, _ = footage
    names = [f"SN{number:03d}" for number in range(1, SUBJECTS + 1)]
    expected = {f"Videos_LeftCamera/LeftVideo{name}_comp.avi" for name in names}
    expected |= {
        f"ActionUnit_Labels/{name}/{name}_au{unit}.txt" for name in names for unit in ACTION_UNITS
    }
    assert set(files_below(folder)) == expected


def test_every_label_line_is_the_intensity_drawn(footage: Footage) -> None:
    folder, _, _ = footage
    drawn = labels(make_tracks(2, FRAMES))
    for column, unit in enumerate(ACTION_UNITS):
        text = (folder / f"ActionUnit_Labels/SN002/SN002_au{unit}.txt").read_bytes()
        lines = [f"{row + 1},{intensity}\n" for row, intensity in enumerate(drawn[:, column])]
        assert text == "".join(lines).encode()


def test_videos_hold_one_frame_a_label(footage: Footage) -> None:
    folder, _, _ = footage
    frames = frames_of(folder / "Videos_LeftCamera/LeftVideoSN001_comp.avi")
    assert len(frames) == FRAMES
    assert frames[0].shape == (SIZE, SIZE, 3)


def test_positives_and_progress_count_every_frame(footage: Footage) -> None:
    _, positives, done = footage
    assert sum(done) == SUBJECTS * FRAMES
    everyone = np.concatenate([labels(make_tracks(s, FRAMES)) for s in range(1, SUBJECTS + 1)])
    assert list(positives) == [f"AU{unit}" for unit in ACTION_UNITS]
    assert list(positives.values()) == (everyone >= 2).sum(axis=0).tolist()


def test_the_stage_renders_what_the_parameters_say(tmp_path: Path) -> None:
    parameters = Parameters(demo_subjects=1, demo_frames=40, demo_size=64)
    summary = run(tmp_path / "demo", parameters, 1)
    assert summary.title == f"{tmp_path / 'demo'}: 1 subjects, 40 frames"
    drawn = labels(make_tracks(1, 40)) >= 2
    assert summary.data["frames"] == 40
    assert list(summary.data["positives"].values()) == drawn.sum(axis=0).tolist()
    assert [row[2] for row in summary.rows] == pytest.approx(drawn.mean(axis=0))


def test_neighbouring_frames_are_near_duplicates_and_moments_apart_are_not(
    footage: Footage,
) -> None:
    folder, _, _ = footage
    near, far = [], []
    for path in sorted((folder / "Videos_LeftCamera").iterdir()):
        bits = np.array([_hash_bits(frame) for frame in frames_of(path)])
        near.append((bits[1:] != bits[:-1]).sum(axis=1))
        far.append((bits[100:] != bits[:-100]).sum(axis=1))
    assert np.median(np.concatenate(near)) <= 2
    assert np.median(np.concatenate(far)) > 8


def _hash_bits(frame: np.ndarray) -> np.ndarray:
    return imagehash.phash(Image.fromarray(frame[..., ::-1])).hash.ravel()


def test_same_seed_same_bytes_with_one_and_two_workers(tmp_path: Path) -> None:
    for workers in (1, 2):
        write_demo(
            tmp_path / str(workers),
            subjects=2,
            frames=12,
            size=96,
            seed=4,
            workers=workers,
            on_frames=ignore,
        )
    assert files_below(tmp_path / "1") == files_below(tmp_path / "2")


def test_two_workers_tell_every_frame(tmp_path: Path) -> None:
    done: list[int] = []
    write_demo(tmp_path, subjects=2, frames=12, size=96, seed=0, workers=2, on_frames=done.append)
    assert sum(done) == 24


def test_a_subject_does_not_depend_on_how_many_others_there_are(
    footage: Footage, tmp_path: Path
) -> None:
    folder, _, _ = footage
    write_clip(DemoClip(tmp_path, subject=1, seed=0, frames=FRAMES, size=SIZE))
    whole = files_below(folder)
    assert all(whole[name] == content for name, content in files_below(tmp_path).items())


def test_another_seed_draws_other_people(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_clip(DemoClip(tmp_path / str(seed), subject=1, seed=seed, frames=2, size=64))
    first, second = (files_below(tmp_path / str(seed)) for seed in (0, 1))
    video = "Videos_LeftCamera/LeftVideoSN001_comp.avi"
    assert first[video] != second[video]


def test_a_failed_run_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("stopped")

    monkeypatch.setattr("curate.demo.face.Renderer.render", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        write_clip(DemoClip(tmp_path, subject=1, seed=0, frames=5, size=64))
    assert files_below(tmp_path) == {}


def test_importing_the_demo_loads_no_heavy_library() -> None:
    heavy = "{'tensorflow', 'polars', 'typer'}"
    code = f"import sys, curate.demo; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
