from __future__ import annotations

import numpy as np
import pytest

from curate.errors import UserError
from train import data


def test_the_first_epoch_comes_in_file_order(shards):
    builder = data.open_shards(shards)
    frames = data.count(builder, "train")
    in_order = [
        row for _, labels in data.measuring_pipeline(builder, "train") for row in labels.numpy()
    ]
    fed = [
        row for _, labels in data.training_pipeline(builder, 7, 2, seed=0) for row in labels.numpy()
    ]
    assert len(fed) == 2 * frames
    np.testing.assert_array_equal(fed[:frames], in_order)


def test_later_epochs_are_shuffled_and_hold_every_frame(shards):
    builder = data.open_shards(shards)
    frames = data.count(builder, "train")
    images = [
        image.tobytes()
        for batch, _ in data.training_pipeline(builder, 7, 3, seed=0)
        for image in batch.numpy()
    ]
    epochs = [images[i * frames : (i + 1) * frames] for i in range(3)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(epochs[2])
    assert epochs[0] != epochs[1]
    assert epochs[1] != epochs[2]


def test_the_same_seed_feeds_the_same_order(shards):
    builder = data.open_shards(shards)
    one, other = (
        [labels.numpy().tobytes() for _, labels in data.training_pipeline(builder, 5, 3, seed=4)]
        for _ in range(2)
    )
    assert one == other


def test_positions_choose_frames_in_file_order(shards):
    builder = data.open_shards(shards)
    everything = np.concatenate([x.numpy() for x, _ in data.measuring_pipeline(builder, "train")])
    chosen = np.array([2, 3, 11])
    some = np.concatenate([x.numpy() for x, _ in data.measuring_pipeline(builder, "train", chosen)])
    np.testing.assert_array_equal(some, everything[chosen])


def test_unknown_labels_are_minus_one(shards):
    builder = data.open_shards(shards)
    labels = np.concatenate([y.numpy() for _, y in data.measuring_pipeline(builder, "validation")])
    assert data.action_units(builder) == ["AU1", "AU12"]
    assert (labels[:, 1] == -1).sum() == 6
    assert (labels[:, 0] >= 0).all()


def test_a_split_that_is_not_there_counts_none(shards):
    assert data.count(data.open_shards(shards), "test") == 0


def test_a_folder_without_shards_is_named(tmp_path):
    with pytest.raises(UserError, match="holds no shards; make them with 'curate shards'"):
        data.open_shards(tmp_path)
