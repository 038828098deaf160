"""Shards to read from and train on: frames of the demo as 128-pixel JPEGs, labels made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import polars as pl

from benchmarks.footage import videos_by_name
from curate.media.clip import Clip
from curate.media.decode import frames_of
from curate.shards.stage import choose_examples
from curate.shards.write import write_shards
from curate.tables import CAP, FRAMES, frame_id, part_path, write_table
from train.data import Shards

SIDE = 128
QUALITY = 95
NAMES = [f"AU{number}" for number in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)]  # DISFA's


@contextmanager
def made_shards(frames: int) -> Iterator[Shards]:
    """Write a training split of so many frames, 1,000 a shard, for as long as the block lasts."""
    with videos_by_name(-(-frames // 600), None) as sets, TemporaryDirectory() as scratch:
        folder = Path(scratch)
        keys = [
            key
            for video in sets["demo"]
            for key in _write_part(folder / "frames", video, frames // len(sets["demo"]))
        ]
        cap = pl.DataFrame(keys).with_columns(
            split=pl.lit("train"), keep=pl.lit(True), reason=pl.lit(None), balanced=pl.lit(False)
        )
        drawn = np.random.default_rng(0).random((len(keys), len(NAMES))) < 0.1
        labels = cap.select("id").hstack(pl.DataFrame(drawn.astype(np.int8), schema=NAMES))
        examples = choose_examples(cap.select(list(CAP)), 0, seed=0)
        write_shards(
            folder / "frames", examples, labels, folder / "shards", 1000, on_frames=lambda _: None
        )
        yield Shards.open(folder / "shards")


def _write_part(folder: Path, video: Path, frames: int) -> list[dict[str, object]]:
    """Write the first frames of a video as a part of a frames table; return their keys."""
    clip, rows = video.stem, []
    pictures = islice(frames_of(Clip(clip, clip, video)), frames)
    for index, frame in enumerate(pictures):
        assert frame.picture is not None  # the demo is whole
        picture = cv2.resize(frame.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        key = {"id": frame_id(clip, index), "subject": clip, "clip": clip, "index": index}
        rows.append((key, dict.fromkeys(FRAMES) | key | {"jpeg": jpeg, "hash": 0}))
    write_table(
        pl.DataFrame([row for _, row in rows], schema=FRAMES), part_path(folder, clip), FRAMES
    )
    return [key for key, _ in rows]
