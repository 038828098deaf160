"""Reading the shards: one pipeline to train from, another to measure with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from numpy.typing import NDArray

from curate.errors import UserError

# Encoded pictures held to draw from when an epoch is shuffled: some 20 MB at 128 pixels.
_SHUFFLED = 4096
_MEASURED_AT_ONCE = 64
Builder: TypeAlias = tfds.core.DatasetBuilder


def open_shards(folder: Path) -> Builder:
    """Open a folder that the stage `shards` wrote.

    Raises:
        UserError: no such data set, or one without action units or training frames.
    """
    if not (folder / "dataset_info.json").is_file():
        raise UserError(f"{folder}: holds no shards; make them with 'curate shards'")
    builder = tfds.builder_from_directory(str(folder))
    if not action_units(builder):
        raise UserError(f"{folder}: its frames have no labels, so there is nothing to learn")
    return builder


def action_units(builder: Builder) -> list[str]:
    """List the action units of a data set, by number."""
    features = builder.info.features
    names = features["labels"].keys() if "labels" in features.keys() else []  # noqa: SIM118
    return sorted(names, key=lambda name: int(name[2:]))


def image_size(builder: Builder) -> int:
    """Answer the side of a data set's pictures in pixels."""
    return int(builder.info.features["image"].shape[0])


def count(builder: Builder, split: str) -> int:
    """Count a split's frames; 0 where the data set has no such split."""
    splits = builder.info.splits
    return int(splits[split].num_examples) if split in splits else 0


def training_pipeline(builder: Builder, batch_size: int, epochs: int, seed: int) -> tf.data.Dataset:
    """Feed (images, labels) batches, epoch after epoch.

    Images (batch, size, size, 3) uint8, labels (batch, action units) int8, -1 unknown. The first
    epoch comes in file order, which `shards` has shuffled: so what was fed by any step is known
    without asking. Later epochs are shuffled anew. Pictures are shuffled before they are decoded,
    when they are small.
    """
    names = action_units(builder)
    encoded = _encoded(builder, "train")
    decode = _decoder(names, image_size(builder))

    def batches(records: tf.data.Dataset) -> tf.data.Dataset:
        return records.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)

    feed = batches(encoded)
    if epochs > 1:
        shuffled = encoded.shuffle(_SHUFFLED, seed=seed, reshuffle_each_iteration=True)
        feed = feed.concatenate(batches(shuffled).repeat(epochs - 1))
    return feed.prefetch(tf.data.AUTOTUNE)


def measuring_pipeline(
    builder: Builder, split: str, positions: NDArray[np.int64] | None = None
) -> tf.data.Dataset:
    """Feed a split's (images, labels) batches in file order, or only those at `positions`."""
    records = _encoded(builder, split)
    if positions is not None:
        wanted = np.zeros(count(builder, split), bool)
        wanted[positions] = True
        mask = tf.constant(wanted)
        records = records.enumerate().filter(lambda place, _: mask[place]).map(lambda _, r: r)
    decode = _decoder(action_units(builder), image_size(builder))
    decoded = records.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return decoded.batch(_MEASURED_AT_ONCE).prefetch(tf.data.AUTOTUNE)


def keys(builder: Builder, split: str) -> tuple[list[str], list[str]]:
    """List the ids and the subjects of a split's frames, in file order."""
    rows = [
        (example["id"].numpy().decode(), example["subject"].numpy().decode())
        for example in _encoded(builder, split)
    ]
    return [row[0] for row in rows], [row[1] for row in rows]


def _encoded(builder: Builder, split: str) -> tf.data.Dataset:
    """Read examples in file order, pictures still JPEG."""
    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
    )


def _decoder(names: list[str], side: int):  # type: ignore[no-untyped-def]
    def decode(example: dict) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.ensure_shape(tf.io.decode_jpeg(example["image"], channels=3), (side, side, 3))
        labels = tf.stack([tf.cast(example["labels"][name], tf.int8) for name in names])
        return image, labels

    return decode


def inference(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Compile a model's inference for image batches of any length, traced once."""
    shape = (None, *model.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)])
    def run(images: tf.Tensor) -> tf.Tensor:
        return model(tf.cast(images, tf.float32), training=False)

    return run
