"""A small set of shards: 4 subjects whose pictures tell their labels, some labels unknown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from curate.tables import CAP, CROP, FRAMES, frame_id, part_path

SIDE = 32
CUT = "center"
PER_CLIP = 24


def _picture(rng: np.random.Generator, bright: bool, red: bool) -> bytes:
    picture = rng.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
    picture[: SIDE // 2] += 120 if bright else 0
    picture[SIDE // 2 :, :, 2] += 150 if red else 0
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def _rows(subject: str, rng: np.random.Generator) -> tuple[list[dict], list[dict]]:
    frames, labels = [], []
    for index in range(PER_CLIP):
        key = {"id": frame_id(subject, index), "subject": subject, "clip": subject, "index": index}
        bright, red = bool(rng.integers(2)), bool(rng.integers(2))
        frames.append(dict.fromkeys(FRAMES) | key | {"jpeg": _picture(rng, bright, red), "hash": 0})
        unknown = index % 8 == 0
        labels.append(key | {"AU1": int(bright), "AU12": None if unknown else int(red)})
    return frames, labels


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write train (two subjects), moments, dropped, and validation (two subjects)."""
    from curate.shards.stage import choose_examples
    from curate.shards.write import write_shards

    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    all_labels, decisions = [], []
    for subject in ("A", "B", "C", "D"):
        frames, labels = _rows(subject, rng)
        part = pl.DataFrame(frames, schema=FRAMES).to_arrow().replace_schema_metadata({CROP: CUT})
        (folder / "frames").mkdir(exist_ok=True)
        pq.write_table(part, part_path(folder / "frames", subject))
        all_labels += labels
        for row in frames:
            decisions.append({name: row[name] for name in ("id", "subject", "clip", "index")})
    labels_table = pl.DataFrame(all_labels).cast({"AU1": pl.Int8, "AU12": pl.Int8})
    index = pl.col("index")
    held = pl.when(index >= 18).then(pl.lit("moments")).otherwise(pl.lit("train"))
    split = pl.when(pl.col("subject").is_in(["C", "D"])).then(pl.lit("validation")).otherwise(held)
    dropped = (index % 6 == 5) & pl.col("subject").is_in(["A", "B"]) & (index < 18)
    cap = pl.DataFrame(decisions).with_columns(
        split.alias("split"),
        (~dropped).alias("keep"),
        pl.when(dropped).then(pl.lit("stride")).alias("reason"),
        (pl.col("subject") == "C").alias("balanced"),
    )
    write_shards(
        folder / "frames",
        choose_examples(cap.select(list(CAP)), 100, seed=0),
        labels_table,
        folder / "tfrecords",
        shard_frames=10,
        on_frames=lambda _: None,
    )
    return folder / "tfrecords"


_ALONE = """
import pathlib
import sys
sys.modules["curate"] = None  # as where this project is not installed
import keras
import numpy as np
images = np.load("pictures.npy")
for path in pathlib.Path().glob("*.keras"):
    model = keras.models.load_model(path)
    kinds = {kind: model(images.astype(kind), training=False) for kind in ("uint8", "float32")}
    np.savez(path.with_suffix(".npz"), **kinds)
assert "train" not in sys.modules
try:
    import train
except RuntimeError as error:
    print(error)
"""


@pytest.fixture
def keras_alone() -> Callable[[Path, NDArray[np.uint8]], dict[str, dict[str, NDArray[Any]]]]:
    """Load a folder's models with Keras alone, in a process that has only a `train.py` of a user's.

    Returns the outputs for pictures by the model's name and the pictures' type.
    """

    def load(folder: Path, pictures: NDArray[np.uint8]) -> dict[str, dict[str, NDArray[Any]]]:
        (folder / "train.py").write_text('raise RuntimeError("this is a file of the user")\n')
        (folder / "use.py").write_text(_ALONE)
        np.save(folder / "pictures.npy", pictures)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [sys.executable, "use.py"]
        used = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert used.returncode == 0, used.stderr
        assert "this is a file of the user" in used.stdout
        return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}

    return load
