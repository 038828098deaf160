"""The sheet of augmented frames: what `train fit` writes, what the report reads and draws."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from matplotlib.text import Text

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.viz.style import save
from train.data import Shards
from train.fit.augmented_sheet import read
from train.fit.augmented_sheet_writing import write_samples
from train.gap.choice import even_sample
from train.report.charts import augmented

OFF = Parameters(rotation=0, shear=0, zoom=0, shift=0, flip=False, brightness=0)


@pytest.fixture(scope="module")
def sheet(shards, tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "augmented.jpg"
    write_samples(Shards.open(shards), Parameters(), path)
    return path


def test_a_row_begins_with_the_frame_as_filmed(sheet, shards):
    opened = Shards.open(shards)
    chosen = even_sample(opened.count("train"), 8)
    frames = [x.numpy() for x, _ in opened.measure("train", chosen)]
    pictures = read(sheet)
    assert pictures.shape == (8, 9, 32, 32, 3)
    error = np.abs(pictures[:, 0].astype(float) - np.concatenate(frames))
    assert error.mean() < 8  # the sheet is a JPEG; the frames are noise, its hardest case


def test_all_64_samples_differ_from_their_frame_and_from_one_another(sheet):
    pictures = read(sheet).astype(float)
    for row in pictures:
        apart = np.abs(row[:, None] - row[None]).mean(axis=(2, 3, 4))
        assert apart[~np.eye(9, dtype=bool)].min() > 2


def test_the_same_shards_give_the_same_bytes(sheet, shards, tmp_path):
    write_samples(Shards.open(shards), Parameters(), tmp_path / "again.jpg")
    assert (tmp_path / "again.jpg").read_bytes() == sheet.read_bytes()


def test_nothing_is_written_where_nothing_is_augmented(shards, tmp_path):
    write_samples(Shards.open(shards), OFF, tmp_path / "augmented.jpg")
    assert list(tmp_path.iterdir()) == []
    assert read(tmp_path / "augmented.jpg") is None


def test_the_chart_shows_every_picture_and_says_what_was_done(sheet, tmp_path):
    figure = augmented.draw(read(sheet), Parameters(shear=0, rotation=7.5))
    save(figure, tmp_path / "chart.png")
    written = "\n".join(text.get_text() for text in figure.findobj(Text))
    assert len(figure.axes[0].images) == 72
    assert "rotation ±7.5°, zoom ±10%, shift ±5%, mirrored half of the time" in written
    assert "shear" not in written


def test_the_chart_gives_the_same_bytes(sheet, tmp_path):
    for name in ("one.png", "other.png"):
        save(augmented.draw(read(sheet), Parameters()), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_without_augmentation_the_chart_says_so():
    written = [text.get_text() for text in augmented.draw(None, OFF).findobj(Text)]
    assert any("Augmentation is off" in text for text in written)


@pytest.mark.parametrize("size", [None, (32, 100), (33, 288)], ids=["no picture", "wide", "high"])
def test_what_is_not_a_sheet_is_refused(size, tmp_path):
    path = tmp_path / "augmented.jpg"
    if size:
        cv2.imwrite(str(path), np.zeros((*size, 3), np.uint8))
    else:
        path.write_text("words")
    with pytest.raises(UserError, match=r"augmented\.jpg: not a sheet of augmented frames"):
        read(path)
