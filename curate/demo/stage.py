"""The demo footage: rendered faces as videos and label files in DISFA's layout."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.base.errors import UserError
from curate.base.files import atomic_write
from curate.base.workers import in_processes, tell
from curate.demo.face import ACTION_UNITS, Renderer, make_identity
from curate.demo.face.motion import make_motion
from curate.demo.face.tracks import labels, make_tracks
from curate.demo.face.units import POSITIVE_INTENSITY

FRAMES_PER_SECOND = 20
CODEC = "XVID"


@dataclass(frozen=True)
class DemoSummary:
    """What was written: subjects, frames of all of them, positive frames by action unit."""

    subjects: int
    frames: int
    positives: dict[int, int]


@dataclass(frozen=True)
class _Clip:
    """One subject's task."""

    folder: Path
    subject: int
    seed: int
    frames: int
    size: int


def write_demo(
    folder: Path,
    *,
    seed: int = 0,
    subjects: int = 20,
    frames: int = 600,
    size: int = 160,
    workers: int | None = None,
    on_frames: Callable[[int], None] | None = None,
) -> DemoSummary:
    """Render every subject's clip and labels into a folder, in DISFA's layout.

    `frames` are those of one subject, `size` is the picture's side in pixels. Same seed, same
    bytes, whatever the number of `workers` (default: one a core). `on_frames(n)` is called
    when n more frames are done. Raises ValueError for a value out of range.
    """
    _check(seed, subjects, frames, size, workers)
    clips = [_Clip(folder, subject, seed, frames, size) for subject in range(1, subjects + 1)]
    positives = np.zeros(len(ACTION_UNITS), np.int64)
    for counted in _written(clips, workers or os.cpu_count() or 1, on_frames or _nobody):
        positives += counted
    by_unit = {unit: int(count) for unit, count in zip(ACTION_UNITS, positives, strict=True)}
    return DemoSummary(subjects, subjects * frames, by_unit)


def _check(seed: int, subjects: int, frames: int, size: int, workers: int | None) -> None:
    if seed < 0:
        raise ValueError(f"seed is {seed}, but must be 0 or more")
    if not 1 <= subjects <= 999:
        raise ValueError(f"subjects is {subjects}, but must be from 1 to 999")
    if frames < 2:
        raise ValueError(f"frames is {frames}, but must be 2 or more")
    if not 64 <= size <= 512 or size % 2:  # the codec would cut an odd row or column off
        raise ValueError(f"size is {size}, but must be an even number from 64 to 512")
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}, but must be 1 or more")


def _nobody(frames: int) -> None:
    """Take no notice of frames that are done."""


def _written(
    clips: list[_Clip], workers: int, on_frames: Callable[[int], None]
) -> Iterator[NDArray[np.int64]]:
    """Positive frames by action unit, clip by clip as they are done."""
    if workers == 1 or len(clips) == 1:
        for clip in clips:
            yield _write_clip(clip)
            on_frames(clip.frames)
        return
    try:
        yield from in_processes(_write_clip, clips, min(workers, len(clips)), on_frames)
    except BrokenProcessPool:
        raise UserError(
            "a process was killed while rendering, perhaps for lack of memory; run it again "
            "with --workers 1"
        ) from None


def _write_clip(clip: _Clip) -> NDArray[np.int64]:
    """Write one subject's video and label files; return positive frames by action unit."""
    tracks = make_tracks(clip.subject, clip.frames, seed=clip.seed)
    intensities = labels(tracks)
    name = f"SN{clip.subject:03d}"
    _write_video(clip, tracks, clip.folder / "Videos_LeftCamera" / f"LeftVideo{name}_comp.avi")
    for column, unit in enumerate(ACTION_UNITS):
        path = clip.folder / "ActionUnit_Labels" / name / f"{name}_au{unit}.txt"
        _write_labels(intensities[:, column], path)
    return np.asarray((intensities >= POSITIVE_INTENSITY).sum(axis=0), np.int64)


def _write_video(clip: _Clip, tracks: NDArray[np.float32], path: Path) -> None:
    """Render and encode frame by frame, so that memory holds one frame."""
    renderer = Renderer(make_identity(clip.subject, seed=clip.seed), clip.size)
    motion = make_motion(clip.subject, clip.frames, seed=clip.seed)
    # Encoded elsewhere first: OpenCV picks the container by the file's suffix.
    with tempfile.TemporaryDirectory() as scratch, _single_threaded():
        encoded = Path(scratch) / path.name
        writer = cv2.VideoWriter(
            str(encoded),
            cv2.VideoWriter.fourcc(*CODEC),
            FRAMES_PER_SECOND,
            (clip.size, clip.size),
        )
        if not writer.isOpened():
            raise OSError(f"OpenCV cannot write {CODEC} video to {encoded}")
        for frame, intensities in enumerate(tracks):
            pose, light = motion.poses[frame], motion.lights[frame]
            writer.write(renderer.render(intensities, pose, light, frame))
            tell(1)
        writer.release()
        with atomic_write(path) as partial:
            shutil.copyfile(encoded, partial)


def _write_labels(intensities: NDArray[np.int64], path: Path) -> None:
    lines = (f"{frame},{intensity}\n" for frame, intensity in enumerate(intensities, start=1))
    with atomic_write(path) as partial:
        partial.write_text("".join(lines), encoding="ascii", newline="\n")


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Clips run side by side already: keep OpenCV from splitting each small picture."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
