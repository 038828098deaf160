"""One subject of the demo: the rendered video and its label files, in DISFA's layout."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.base.files import atomic_write
from curate.base.workers import report_steps
from curate.demo.face import ACTION_UNITS, Renderer, make_identity
from curate.demo.face.motion import make_motion
from curate.demo.face.tracks import labels, make_tracks
from curate.demo.face.units import POSITIVE_INTENSITY

FRAMES_PER_SECOND = 20
CODEC = "XVID"


@dataclass(frozen=True)
class DemoClip:
    """What to render: a subject (from 1), its frames, and the side of the picture in pixels."""

    folder: Path
    subject: int
    seed: int
    frames: int
    size: int


def write_clip(clip: DemoClip) -> NDArray[np.int64]:
    """Write one subject's video and label files; return positive frames by action unit."""
    tracks = make_tracks(clip.subject, clip.frames, seed=clip.seed)
    intensities = labels(tracks)
    name = f"SN{clip.subject:03d}"
    _write_video(clip, tracks, clip.folder / "Videos_LeftCamera" / f"LeftVideo{name}_comp.avi")
    for column, unit in enumerate(ACTION_UNITS):
        path = clip.folder / "ActionUnit_Labels" / name / f"{name}_au{unit}.txt"
        _write_labels(intensities[:, column], path)
    return np.asarray((intensities >= POSITIVE_INTENSITY).sum(axis=0), np.int64)


def _write_video(clip: DemoClip, tracks: NDArray[np.float32], path: Path) -> None:
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
            report_steps(1)
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
