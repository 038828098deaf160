"""Thin a video 1 in 5 on one core: ours beside reading every frame and hashing with imagehash.

python -m benchmarks.videos [--footage VIDEO]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import imagehash
import numpy as np
import typer
from cv2.typing import MatLike
from PIL import Image

from benchmarks.footage import Footage, videos_by_name
from benchmarks.timing import by_turns, one_core
from curate.base import console
from curate.base.cli import AsJson
from curate.base.console import Summary
from curate.media.clip import Clip
from curate.media.decode import frames_of
from curate.media.hashing import perceptual_hashes, thumbnail

STRIDE = 5
RUNS = 5
CLIPS = 4
COLUMNS = ["footage", "side", "frames", "hashed", "frames/s", "ours is faster by"]


def main(footage: Footage = None, as_json: AsJson = False) -> None:
    """Hash one frame in five of a video, one core, one process, median of five turns."""
    one_core()
    rows: list[dict[str, Any]] = []
    with videos_by_name(CLIPS, footage) as sets:
        for name, videos in sets.items():
            rows += measure(name, videos)
    title = "Thin a video 1 in 5, one core (frames/s counts every frame of the video)"
    cells = [tuple(row.values()) for row in rows]
    console.show(Summary(title, COLUMNS, cells, {"sides": rows}), as_json=as_json)


def measure(name: str, videos: list[Path]) -> list[dict[str, Any]]:
    """Time each side on the same videos; return a row of the table for each."""
    hashed: dict[str, int] = {}

    def run(side: str) -> None:
        hashed[side] = sum(len(SIDES[side](video)) for video in videos)

    seconds = by_turns({side: lambda side=side: run(side) for side in SIDES}, RUNS)  # type: ignore[misc]
    frames = sum(len(list(every_frame(video))) for video in videos)
    rows = []
    for side in SIDES:
        speed, ratio = frames / seconds[side], seconds[side] / seconds["framewise"]
        figures = (name, side, frames, hashed[side], round(speed), ratio)
        rows.append(dict(zip(COLUMNS, figures, strict=True)))
    return rows


def ours(video: Path) -> list[int]:
    """Grab what the stride passes over; retrieve and hash the rest."""
    pictures = (frame.picture for frame in frames_of(Clip("", "", video), STRIDE))
    grays = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY) for p in pictures if p is not None)
    return perceptual_hashes(np.stack([thumbnail(gray) for gray in grays])).tolist()


def hash_every(video: Path) -> list[str]:
    """Read and hash every frame: the strided ones are picked from the table later."""
    return [with_imagehash(picture) for picture in every_frame(video)]


def hash_strided(video: Path) -> list[str]:
    """Read every frame, hash one in five."""
    numbered = enumerate(every_frame(video))
    return [with_imagehash(picture) for number, picture in numbered if number % STRIDE == 0]


def every_frame(video: Path) -> Iterator[MatLike]:
    """Read a video as OpenCV's documentation shows."""
    capture = cv2.VideoCapture(str(video))
    whole, picture = capture.read()
    while whole:
        yield picture
        whole, picture = capture.read()
    capture.release()


def with_imagehash(picture: MatLike) -> str:
    """Hash a frame (height, width, 3) BGR."""
    return str(imagehash.phash(Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))))


SIDES: dict[str, Callable[[Path], Sequence[object]]] = {
    "framewise": ours,
    "read and hash every frame (imagehash)": hash_every,
    "read every frame, hash 1 in 5 (imagehash)": hash_strided,
}

if __name__ == "__main__":
    typer.run(main)
