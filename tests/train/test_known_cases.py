"""The verdict on footage whose answer is known: made-up pictures through the real stages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
import polars as pl
import pytest

from curate.base.params import Parameters
from curate.cap.rule import apply
from curate.dedup import rule as dedup
from curate.shards.stage import choose_examples
from curate.shards.write import write_shards
from curate.split import rule as split
from curate.tables import FRAMES, frame_id, part_path, write_table
from train.fit.stage import run as fit

SIDE, BLOCKS, PER_CLIP = 32, 8, 160
STRIDE = 2


@dataclass(frozen=True)
class Footage:
    """What is filmed: clips, how long a picture is held, and how much of it is new each frame.

    `signal` is how far an action unit that is present brightens its corner, in gray levels.
    """

    subjects: int = 12
    clips: int = 1
    held: int = 1
    own: float = 0.0
    signal: float = 12.0
    shuffled: bool = False


def film(footage: Footage, rng: np.random.Generator) -> tuple[list[bytes], np.ndarray]:
    """Make a clip: JPEGs of random blocks, and labels (frames, 2) that two corners show."""
    scenes = -(-PER_CLIP // footage.held)
    labels = (rng.random((scenes, 2)) < (0.5, 0.4)).astype(np.int8)
    blocks = rng.normal(110, 25, (scenes, BLOCKS, BLOCKS, 3))
    blocks[:, :2, :2] += footage.signal * labels[:, 0, None, None, None]
    blocks[:, -2:, -2:] += footage.signal * labels[:, 1, None, None, None]
    blocks = np.repeat(blocks, footage.held, axis=0)[:PER_CLIP]
    labels = np.repeat(labels, footage.held, axis=0)[:PER_CLIP]
    blocks = blocks + rng.normal(0, footage.own, blocks.shape)
    if footage.shuffled:
        labels = rng.permutation(labels)
    pictures = np.clip(blocks, 0, 255).astype(np.uint8)
    pictures = pictures.repeat(SIDE // BLOCKS, axis=1).repeat(SIDE // BLOCKS, axis=2)
    return [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures], labels


def make_shards(footage: Footage, folder: Path) -> Path:
    """Take footage through the stages dedup (a stride of 2), split, cap (none) and shards."""
    rng = np.random.default_rng(1)
    frames, labels = [], []
    for number in range(footage.subjects * footage.clips):
        clip, subject = f"clip{number:02d}", f"S{number % footage.subjects:02d}"
        pictures, known = film(footage, rng)
        rows = []
        for index, jpeg in enumerate(pictures):
            key = {"id": frame_id(clip, index), "subject": subject, "clip": clip, "index": index}
            rows.append(dict.fromkeys(FRAMES) | key | {"jpeg": jpeg, "hash": 0})
            labels.append(key | {"AU1": known[index, 0], "AU12": known[index, 1]})
        frames.append(pl.DataFrame(rows, schema=pl.Schema(FRAMES)))
        write_table(frames[-1], part_path(folder / "frames", clip), FRAMES)
    label_table = pl.DataFrame(labels).cast({"AU1": pl.Int8, "AU12": pl.Int8, "index": pl.Int32})
    decisions = decide(pl.concat(frames), label_table)
    write_shards(
        folder / "frames",
        choose_examples(decisions, 1500, seed=0),
        label_table,
        folder / "tfrecords",
        shard_frames=1000,
        on_frames=lambda _: None,
    )
    return folder / "tfrecords"


def decide(frames: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    sets = dedup.label_sets(frames, labels)
    kept = dedup.decide(frames, sets, stride=STRIDE, distance=-1)
    placed = split.decide(
        kept, labels, validation_fraction=0.25, moments_fraction=0.2, margin=10, seed=0
    )
    return apply(placed, labels, 0).table


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A backbone that keeps all there is to learn by heart: the mean of each block."""
    images = keras.Input((SIDE, SIDE, 3))
    blocks = keras.layers.AveragePooling2D(SIDE // BLOCKS)(images)
    scaled = keras.layers.Rescaling(1 / 50, -2.2)(blocks)
    path = tmp_path_factory.mktemp("backbone") / "blocks.keras"
    keras.Model(images, keras.layers.Flatten()(scaled)).save(path)
    return str(path)


def verdict(footage: Footage, backbone: str, folder: Path, **changes) -> dict:
    """Train on the footage, and answer gap.json."""
    chosen = {
        "backbone": backbone, "units": [64], "dropout": 0, "lr": 0.003, "batch_size": 8,
        "epochs": 6, "rotation": 0, "shear": 0, "zoom": 0, "shift": 0, "flip": False,
        "brightness": 0,
    } | changes  # fmt: skip
    fit(make_shards(footage, folder), folder / "fit", Parameters(**chosen))
    return json.loads((folder / "fit" / "gap.json").read_text())


def test_independent_frames_have_no_near_duplicate_moments(backbone, tmp_path):
    gap = verdict(Footage(), backbone, tmp_path)
    for when in ("early", "final"):
        assert gap[when]["cause"] == "memorised"
        assert gap[when]["low"]["memorised"] > 0
        assert gap[when]["low"]["near_duplicate_moments"] < 0 < gap[when]["high"]["memorised"]
        assert gap[when]["shares"]["near_duplicate_moments"] < 0.05
        assert gap[when]["low"]["people"] < 0 < gap[when]["high"]["people"]


def test_a_frame_repeated_ten_times_is_near_duplicate_moments(backbone, tmp_path):
    gap = verdict(Footage(held=10), backbone, tmp_path)
    for when in ("early", "final"):
        assert gap[when]["cause"] == "near_duplicate_moments"
        assert gap[when]["low"]["near_duplicate_moments"] > 0
    # A copy that was dropped is the very picture that was fed.
    assert abs(gap["final"]["memorised"]) < 0.01
    assert gap["final"]["shares"]["near_duplicate_moments"] > 0.8
    assert "near-duplicate moments (" in gap["final_verdict"]


def test_one_person_leaves_the_peoples_part_unknown(backbone, tmp_path):
    gap = verdict(Footage(subjects=1, clips=9, held=10), backbone, tmp_path)
    for when in ("early", "final"):
        assert gap[when]["people"] is None
        assert "people" not in gap[when]["shares"]
        assert "what new people cost is unknown" in gap[f"{when}_verdict"]
    assert gap["final"]["cause"] == "near_duplicate_moments"


def test_shuffled_labels_are_memorised(backbone, tmp_path):
    """Neighbours look alike, and do not help: their labels are not those of the fed frame."""
    gap = verdict(Footage(held=10, own=15, shuffled=True), backbone, tmp_path)
    for when in ("early", "final"):
        assert gap[when]["cause"] == "memorised"
        assert gap[when]["shares"]["memorised"] > 0.7
        assert gap[when]["low"]["near_duplicate_moments"] < 0


def test_what_cannot_be_learnt_by_heart_makes_no_gap(backbone, tmp_path):
    """A head of two neurons on plain signals, fed once: the fifth probe is as good as the first."""
    gap = verdict(Footage(signal=90), backbone, tmp_path, units=[2], epochs=1)
    assert gap["final"]["cause"] == "none"
    assert "no gap to speak of" in gap["final_verdict"]
