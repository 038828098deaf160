from __future__ import annotations

import shutil

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from curate.base.errors import UserError
from curate.tables import INDEX, INDEX_FILE, write_table
from train.data import Shards


def fed(opened, epoch, seed=0, first_step=0, batch_size=7):
    """The labels and pictures of an epoch, frame by frame."""
    batches = opened.training_epoch(batch_size, seed, epoch, first_step)
    return [
        (image.tobytes(), label.tobytes())
        for images, labels in batches
        for image, label in zip(images.numpy(), labels.numpy(), strict=True)
    ]


def test_the_first_epoch_comes_in_file_order(shards):
    opened = Shards.open(shards)
    in_order = [
        (image.tobytes(), label.tobytes())
        for images, labels in opened.measure("train")
        for image, label in zip(images.numpy(), labels.numpy(), strict=True)
    ]
    assert fed(opened, 0) == in_order
    assert len(in_order) == opened.count("train")


def test_later_epochs_are_shuffled_and_hold_every_frame(shards):
    opened = Shards.open(shards)
    epochs = [fed(opened, epoch) for epoch in range(3)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(epochs[2])
    assert epochs[0] != epochs[1]
    assert epochs[1] != epochs[2]


def test_seed_and_epoch_alone_decide_the_order(shards):
    opened = Shards.open(shards)
    keras.utils.set_random_seed(1)
    once = fed(opened, 2, seed=4)
    keras.utils.set_random_seed(1)
    fed(opened, 1, seed=4)
    assert fed(opened, 2, seed=4) == once
    assert fed(opened, 2, seed=5) != once


@pytest.mark.parametrize("epoch", [0, 2])
def test_an_epoch_is_taken_up_at_any_step(shards, epoch):
    opened = Shards.open(shards)
    assert fed(opened, epoch, first_step=3) == fed(opened, epoch)[3 * 7 :]


def test_positions_choose_frames_in_file_order(shards):
    opened = Shards.open(shards)
    everything = np.concatenate([x.numpy() for x, _ in opened.measure("train")])
    chosen = np.array([2, 3, 11])
    some = np.concatenate([x.numpy() for x, _ in opened.measure("train", chosen)])
    np.testing.assert_array_equal(some, everything[chosen])


def test_unknown_labels_are_minus_one(shards):
    opened = Shards.open(shards)
    labels = np.concatenate([y.numpy() for _, y in opened.measure("validation")])
    assert opened.action_units == ["AU1", "AU12"]
    assert (labels[:, 1] == -1).sum() == 6
    assert (labels[:, 0] >= 0).all()


def test_a_split_that_is_not_there_counts_none(shards):
    assert Shards.open(shards).count("test") == 0


def test_a_folder_without_shards_is_named(tmp_path):
    with pytest.raises(UserError, match="holds no shards; make them with 'curate shards'"):
        Shards.open(tmp_path)


def test_labels_are_those_of_the_pipeline(shards):
    opened = Shards.open(shards)
    fed = np.concatenate([y.numpy() for _, y in opened.measure("validation")])
    np.testing.assert_array_equal(opened.labels("validation"), fed)
    assert opened.labels("test").shape == (0, 2)


def test_labels_are_read_once_and_not_to_be_altered(shards, tmp_path):
    copied = shutil.copytree(shards, tmp_path / "tfrecords")
    opened = Shards.open(copied)
    labels = opened.labels("train")
    for path in copied.glob("*.tfrecord-*"):
        path.unlink()
    assert opened.labels("train") is labels
    with pytest.raises(ValueError, match="read-only"):
        labels[0] = 1


def test_keys_name_the_frames_in_file_order(shards):
    """Of each frame, as TFDS reads it."""
    builder = tfds.builder_from_directory(str(shards))
    config = tfds.ReadConfig(shuffle_seed=None, interleave_cycle_length=1)
    for split in ("train", "validation"):
        examples = tfds.as_numpy(builder.as_dataset(split=split, read_config=config))
        expected = [(e["id"].decode(), e["subject"].decode()) for e in examples]
        assert Shards.open(shards).keys(split).rows() == expected
    assert Shards.open(shards).keys("test").is_empty()


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda path: path.unlink(), "is missing; make the shards again"),
        (lambda path: path.write_bytes(b"PAR1"), "not a readable Parquet table .* make the shards"),
        (lambda path: write_table(pl.read_parquet(path)[1:], path, INDEX), "29 frames of train, "),
        (lambda path: pl.DataFrame({"id": ["a"]}).write_parquet(path), "lacks the column"),
    ],
    ids=["missing", "cut", "of other shards", "of something else"],
)
def test_a_damaged_index_is_told(shards, tmp_path, damage, fault):
    damaged = shutil.copytree(shards, tmp_path / "tfrecords")
    damage(damaged / INDEX_FILE)
    with pytest.raises(UserError, match=rf"index\.parquet: .*{fault}.*'curate shards'"):
        Shards.open(damaged).keys("train")


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def alter(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def keep_first_record(path):
    length = int.from_bytes(path.read_bytes()[:8], "little")
    path.write_bytes(path.read_bytes()[: 8 + 4 + length + 4])


def no_picture(path):
    """A whole TFRecord whose picture is none."""
    record = next(iter(tf.data.TFRecordDataset(str(path)))).numpy()
    example = tf.train.Example.FromString(record)
    example.features.feature["image"].bytes_list.value[0] = b"not a JPEG"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(10):
            writer.write(example.SerializeToString())


def train(opened):
    model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(opened.training_epoch(7, 0, 1), steps_per_epoch=5, verbose=0)


def measure(opened):
    for _ in opened.measure("train"):
        pass


@pytest.mark.parametrize("damage", [cut, alter, keep_first_record, no_picture])
@pytest.mark.parametrize("reads", [train, measure])
def test_a_damaged_file_is_told_in_one_sentence(shards, tmp_path, damage, reads):
    damaged = shutil.copytree(shards, tmp_path / "tfrecords")
    damage(next(damaged.glob("*-train.tfrecord-00001-*")))
    opened = Shards.open(damaged)
    reasons = "truncated|corrupted|expected to contain 30 elements|not a JPEG|Unknown image"
    sentence = rf"a TFRecord file is damaged \(.*({reasons}).*\); make the shards again"
    with pytest.raises(UserError, match=sentence) as raised, opened.readable_errors():
        reads(opened)
    assert "\n" not in str(raised.value)


def test_other_errors_are_not_taken_for_damage(shards):
    with (
        pytest.raises(tf.errors.InvalidArgumentError),
        Shards.open(shards).readable_errors(),
    ):
        tf.reshape(tf.zeros(3), (2, 2))


def test_a_missing_file_is_named(shards, tmp_path):
    damaged = shutil.copytree(shards, tmp_path / "tfrecords")
    path = next(damaged.glob("*-moments.tfrecord-*"))
    path.unlink()
    with pytest.raises(UserError, match=f"{path.name}: is missing; make the shards again"):
        Shards.open(damaged)


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}'], ids=repr)
def test_a_damaged_description_is_told(shards, tmp_path, name, content):
    damaged = shutil.copytree(shards, tmp_path / "tfrecords")
    (damaged / name).write_text(content)
    with pytest.raises(UserError, match=r"is damaged|no labels") as raised:
        Shards.open(damaged)
    assert "\n" not in str(raised.value)


def test_damaged_metadata_are_told(shards, tmp_path):
    damaged = shutil.copytree(shards, tmp_path / "tfrecords")
    (damaged / "metadata.json").write_text("{")
    with pytest.raises(UserError, match=r"metadata\.json is damaged"):
        Shards.open(damaged)


@pytest.mark.parametrize(
    ("content", "crop"),
    [('{"crop": "haar"}', "haar"), ('{"crop": null}', None), ("{}", None), (None, None)],
    ids=["known", "unknown", "no crop", "no file"],
)
def test_the_crop_is_read_from_the_metadata(shards, tmp_path, content, crop):
    folder = shutil.copytree(shards, tmp_path / "tfrecords")
    (folder / "metadata.json").unlink()
    if content:
        (folder / "metadata.json").write_text(content)
    assert Shards.open(folder).crop == crop
