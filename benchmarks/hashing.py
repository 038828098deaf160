"""Hash JPEG files on one core: ours beside imagehash's and imagededup's perceptual hash.

python -m benchmarks.hashing [--footage VIDEO]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import imagehash
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from benchmarks.footage import Footage, videos_by_name
from benchmarks.timing import by_turns, one_core
from curate.base import console
from curate.base.cli import AsJson
from curate.base.console import Summary
from curate.media.clip import Clip
from curate.media.decode import frames_of
from curate.media.hashing import perceptual_hashes, read_gray, thumbnails
from curate.search.neighbors import hamming

FRAMES = 2000
RUNS = 5
CLIPS = 4  # of 600 frames
COLUMNS = ["footage", "side", "frames", "frames/s", "ours is faster by", "mean bits", "p95 bits"]
Hashes = NDArray[np.uint64]


def main(footage: Footage = None, as_json: AsJson = False) -> None:
    """Hash frames saved as JPEG files, one core, one process, median of five turns.

    Bits are those in which a hash differs from imagehash's, on its full decode.
    """
    from imagededup.methods import PHash  # brings PyTorch

    one_core()
    hasher = PHash(verbose=False)
    sides: dict[str, Callable[[list[Path]], Hashes]] = {
        "framewise": ours,
        "imagehash": with_imagehash,
        "imagededup": lambda files: hexadecimal(hasher.encode_image(file) for file in files),
    }
    rows: list[dict[str, Any]] = []
    with videos_by_name(CLIPS, footage) as sets, TemporaryDirectory() as folder:
        for name, videos in sets.items():
            rows += measure(name, write_frames(videos, Path(folder) / name), sides)
    title = "Hash JPEG files, one core"
    cells = [tuple(row.values()) for row in rows]
    console.show(Summary(title, COLUMNS, cells, {"sides": rows}), as_json=as_json)


def write_frames(videos: list[Path], folder: Path) -> list[Path]:
    """Write the first frames of videos as JPEG files of OpenCV's default quality, 95."""
    folder.mkdir()
    pictures = (f.picture for video in videos for f in frames_of(Clip("", "", video)))
    files = []
    for number, picture in enumerate(islice(pictures, FRAMES)):
        if picture is not None:
            files.append(folder / f"{number:06d}.jpg")
            cv2.imwrite(str(files[-1]), picture)
    return files


def measure(
    name: str, files: list[Path], sides: dict[str, Callable[[list[Path]], Hashes]]
) -> list[dict[str, Any]]:
    """Time each side on the same files; return a row of the table for each."""
    hashes: dict[str, Hashes] = {}

    def run(side: str) -> None:
        hashes[side] = sides[side](files)

    seconds = by_turns({side: lambda side=side: run(side) for side in sides}, RUNS)  # type: ignore[misc]
    rows = []
    for side in sides:
        bits = hamming(hashes[side], hashes["imagehash"])
        speed, ratio = len(files) / seconds[side], seconds[side] / seconds["framewise"]
        figures = (
            name,
            side,
            len(files),
            round(speed),
            ratio,
            bits.mean(),
            np.percentile(bits, 95),
        )
        rows.append(dict(zip(COLUMNS, figures, strict=True)))
    return rows


def ours(files: list[Path]) -> Hashes:
    """Decode at reduced scale; shrink and hash many at once."""
    grays = [gray for file in files if (gray := read_gray(file)) is not None]
    return perceptual_hashes(thumbnails(grays))


def with_imagehash(files: list[Path]) -> Hashes:
    """Hash as imagehash's documentation shows."""
    return hexadecimal(str(imagehash.phash(Image.open(file))) for file in files)


def hexadecimal(hashes: Iterable[str]) -> Hashes:
    """Read hashes in hexadecimal, as both libraries return them."""
    return np.array([int(value, 16) for value in hashes], np.uint64)


if __name__ == "__main__":
    typer.run(main)
