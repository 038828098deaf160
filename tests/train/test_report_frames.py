"""Frames on the report's page: samples of every fate, and the mistakes that are surest."""

from __future__ import annotations

import cv2
import numpy as np
import polars as pl
import pytest

from curate.base.params import Parameters
from curate.tables import CAP, FRAMES, REASONS, frame_id, part_path, write_table
from curate.viz.pictures import read_crops
from train.report.examples import (
    MOST_SAMPLES,
    choose_mistakes,
    choose_samples,
    meaning,
    mistake_rows,
    sample_rows,
)
from train.report.facs import named
from train.report.tiles import make_tile

JPEG = cv2.imencode(".jpg", np.zeros((64, 48, 3), np.uint8))[1].tobytes()


def frames_of(clips: dict[str, int], folder=None) -> pl.DataFrame:
    """Make frames, the last of each clip without a picture."""
    rows = []
    for clip, count in clips.items():
        own = [
            (frame_id(clip, i), f"S{clip}", clip, i, None, JPEG, 1, 1.0, 1.0, None)
            if i < count - 1
            else (frame_id(clip, i), f"S{clip}", clip, i, None, None, None, None, None, "no_face")
            for i in range(count)
        ]
        rows += own
        if folder:
            part = pl.DataFrame(own, pl.Schema(FRAMES), orient="row")
            write_table(part, part_path(folder, clip), FRAMES)
    return pl.DataFrame(rows, pl.Schema(FRAMES), orient="row")


def cap_of(frames: pl.DataFrame, fates: list[tuple[str, bool, str | None]]) -> pl.DataFrame:
    """Deal fates (split, keep, reason) to frames in turn."""
    keys = frames.select("id", "subject", "clip", "index").rows()
    rows = [(*key, *fates[i % len(fates)], False) for i, key in enumerate(keys)]
    return pl.DataFrame(rows, pl.Schema(CAP), orient="row")


def test_samples_hold_every_fate_with_its_number_and_spread_over_people():
    frames = frames_of(dict.fromkeys("abcdefgh", 40))
    fates = [("train", True, None), ("train", False, "stride"), ("validation", True, None)]
    samples = choose_samples(cap_of(frames, fates), frames, Parameters(stride=3))
    assert [sample.frames for sample in samples] == [107, 106, 107]
    dropped = next(sample for sample in samples if "stride" in sample.title)
    assert "one frame in 3" in dropped.title
    for sample in samples:
        assert len(sample.ids) == MOST_SAMPLES
        assert len({name[0] for name in sample.ids}) == MOST_SAMPLES


def test_every_reason_has_a_meaning():
    for reason in REASONS:
        assert len(meaning(reason, Parameters())) > 15


def test_a_fate_without_pictures_says_so(tmp_path):
    frames = frames_of({"a": 1}, tmp_path)
    cap = cap_of(frames, [("train", False, "no_face")])
    labels = pl.DataFrame({"id": ["a/000000"], "AU1": pl.Series([1], dtype=pl.Int8)})
    chosen = choose_samples(cap, frames, Parameters())
    (row,) = sample_rows(chosen, labels, tmp_path)
    assert (row.tiles, row.sentence) == ([], "1 frame, without a picture")


def test_samples_name_what_is_labelled(tmp_path):
    frames = frames_of({"a": 4}, tmp_path)
    labels = pl.DataFrame(
        {
            "id": ["a/000000", "a/000001", "a/000002"],
            "AU1": pl.Series([1, 0, None], dtype=pl.Int8),
            "AU12": pl.Series([1, None, None], dtype=pl.Int8),
        }
    )
    chosen = choose_samples(cap_of(frames, [("train", True, None)]), frames, Parameters())
    (row,) = sample_rows(chosen, labels, tmp_path)
    assert [tile.words for tile in row.tiles] == ["AU1 AU12", "none present", "unlabelled"]
    assert (row.tiles[0].picture.width, row.tiles[0].picture.height) == (48, 64)


def predictions(rows: list[tuple[str, int | None, float]], split="validation") -> pl.DataFrame:
    schema = {"id": pl.String, "AU6": pl.Int8, "AU6_probability": pl.Float32}
    return pl.DataFrame(rows, pl.Schema(schema), orient="row").with_columns(
        pl.lit(split).alias("split"), pl.lit("S").alias("subject")
    )


def test_the_surest_mistakes_come_first_and_one_of_a_clip():
    table = predictions(
        [
            ("a/000001", 0, 0.9),
            ("a/000002", 0, 0.95),  # the same clip: only this one
            ("b/x/000001", 0, 0.99),
            ("c/000001", 0, 0.4),  # right
            ("d/000001", None, 0.99),  # unknown
            ("e/000001", 1, 0.1),
            ("f/000001", 1, 0.1),  # a tie: by id
            ("g/000001", 1, 0.5),  # at the threshold: right
        ]
    )
    absent, present = choose_mistakes(table, 0.5)
    assert [name for name, _ in absent.surest] == ["b/x/000001", "a/000002"]
    assert (absent.frames, absent.of) == (3, 4)
    assert [name for name, _ in present.surest] == ["e/000001", "f/000001"]
    assert (present.frames, present.of) == (2, 3)


def test_a_threshold_is_compared_as_evaluation_does():
    """0.1 in single precision lies above 0.1: it counts as predicted."""
    absent, present = choose_mistakes(predictions([("a/000001", 0, 0.1)]), 0.1)
    assert (absent.frames, present.of) == (1, 0)


def test_only_the_natural_validation_set_is_looked_at():
    kinds = choose_mistakes(predictions([("a/000001", 0, 0.9)], "moments"), 0.5)
    assert [kind.frames for kind in kinds] == [0, 0]


@pytest.mark.parametrize("units", [1, 12, 40])
def test_mistakes_are_few_however_many_action_units(units):
    rows = {"id": [f"{i}/000000" for i in range(20)], "split": ["validation"] * 20}
    table = pl.DataFrame(rows).with_columns(
        *(pl.lit(0, pl.Int8).alias(f"AU{n}") for n in range(1, units + 1)),
        *(pl.lit(0.9, pl.Float32).alias(f"AU{n}_probability") for n in range(1, units + 1)),
    )
    shown = sum(len(kind.surest) for kind in choose_mistakes(table, 0.5))
    assert units <= shown <= 128


def test_mistakes_show_probability_label_and_intensity(tmp_path):
    frames_of({"a": 3}, tmp_path)
    labels = pl.DataFrame({"id": ["a/000000", "a/000001"], "AU6_intensity": [3.0, None]})
    chosen = choose_mistakes(predictions([("a/000000", 1, 0.126)]), 0.5)
    rows = mistake_rows(chosen, labels, tmp_path)
    (missed,) = rows["AU6, cheek raiser"]
    assert missed.title == "False negatives: 1 of 1 frames labelled present"
    (tile,) = missed.tiles
    assert tile.words == "probability 0.13, label present, intensity 3"
    assert "a/000000" in tile.picture.alternative


def test_pictures_are_read_from_their_own_clips_only(tmp_path):
    frames_of({"a": 2, "b": 2}, tmp_path)
    part_path(tmp_path, "b").write_bytes(b"damaged, and not looked at")
    assert set(read_crops(tmp_path, ["a/000000", "a/000001", "gone/000000"])) == {"a/000000"}


def test_a_tile_is_never_larger_than_its_picture_or_the_page_can_bear():
    small = make_tile("a", "", "a", np.zeros((32, 20, 3), np.uint8)).picture
    large = make_tile("a", "", "a", np.zeros((512, 256, 3), np.uint8)).picture
    assert (small.width, small.height, large.width, large.height) == (20, 32, 72, 144)


def test_action_units_have_names_where_facs_has_one():
    assert named("AU12") == "AU12, lip corner puller"
    assert named("AU99") == "AU99"
