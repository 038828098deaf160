"""Reading the shards: one pipeline to train from, another to measure with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from numpy.typing import NDArray

from curate.base.errors import UserError

# Encoded pictures held to draw from when an epoch is shuffled: some 20 MB at 128 pixels.
_SHUFFLED = 4096
_MEASURED_AT_ONCE = 64
# Enough that a step seldom waits while the cores decode and train by turns; 6 MB by default.
# AUTOTUNE begins with one or two and learns too late: a step then waits twice as long.
_BATCHES_AHEAD = 8
Builder: TypeAlias = tfds.core.DatasetBuilder


def open_shards(folder: Path) -> Builder:
    """Open a folder that the stage `shards` wrote.

    Raises:
        UserError: no such data set, a damaged one, or one without action units.
    """
    if not (folder / "dataset_info.json").is_file():
        raise UserError(f"{folder}: holds no shards; make them with 'curate shards'")
    try:
        builder = tfds.builder_from_directory(str(folder))
        missing = [path for split in builder.info.splits.values() for path in split.filepaths]
        missing = [path for path in missing if not path.is_file()]
        builder.info.metadata.keys()  # TFDS reads metadata.json when it is first asked for
    # A damaged description fails in whichever part of TFDS reads it first.
    except Exception as error:
        raise UserError(
            f"{folder}: dataset_info.json, features.json or metadata.json is damaged "
            f"({_reason(error)}); make the shards again with 'curate shards'"
        ) from None
    if missing:
        raise UserError(f"{missing[0]}: is missing; make the shards again with 'curate shards'")
    if not action_units(builder):
        raise UserError(f"{folder}: its frames have no labels, so there is nothing to learn")
    return builder


@contextmanager
def readable_errors(builder: Builder) -> Iterator[None]:
    """Describe in one sentence what TensorFlow says of shards that it cannot read to the end.

    Raises:
        UserError: a TFRecord file is cut short or altered, or lacks frames.
    """
    try:
        yield
    except tf.errors.OpError as error:
        # Where the feed is at fault: the same kinds of errors come from models too.
        if "IteratorGetNext" not in error.message:
            raise
        raise UserError(
            f"{builder.data_dir}: a TFRecord file is damaged ({_reason(error)}); make the shards "
            f"again with 'curate shards'"
        ) from None


def _reason(error: Exception) -> str:
    """Take the first line of what an error says, without where in a graph it came up."""
    said = re.sub(r"\{\{.*?\}\} ?|\[\[.*|\[Op:.*", "", str(getattr(error, "message", error)))
    places = ("Graph execution error", "Detected at node", "File ", "<stack traces")
    lines = [line.strip() for line in said.split("\n")]
    told = [line for line in lines if line and not line.startswith(places)]
    return told[0].rstrip(". ") if told else type(error).__name__


def action_units(builder: Builder) -> list[str]:
    """List the action units of a data set, by number."""
    features = builder.info.features
    names = features["labels"].keys() if "labels" in features.keys() else []  # noqa: SIM118
    return sorted(names, key=lambda name: int(name[2:]))


def image_size(builder: Builder) -> int:
    """Return the side of a data set's pictures in pixels."""
    return int(builder.info.features["image"].shape[0])


def crop(builder: Builder) -> str | None:
    """Return how a data set's frames were cut (`crop`); None where its shards do not say."""
    # Not `metadata.get`, which answers before TFDS has read the file.
    crop = dict(builder.info.metadata.items()).get("crop")
    return crop if isinstance(crop, str) else None


def count(builder: Builder, split: str) -> int:
    """Count a split's frames; 0 where the data set has no such split."""
    splits = builder.info.splits
    return int(splits[split].num_examples) if split in splits else 0


def training_epoch(
    builder: Builder, batch_size: int, seed: int, epoch: int, first_step: int = 0
) -> tf.data.Dataset:
    """Feed (images, labels) batches of one epoch, counted from 0, from a step of it on.

    Images (batch, size, size, 3) uint8, labels (batch, action units) int8, -1 unknown. The order
    hangs on seed and epoch alone (see `in_order`). Pictures are shuffled before they are decoded,
    when they are small.
    """
    records = in_order(_records(builder, "train"), seed, epoch).skip(first_step * batch_size)
    batches = records.batch(batch_size).map(_decoder(builder), num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(_BATCHES_AHEAD)


def in_order(frames: tf.data.Dataset, seed: int, epoch: int) -> tf.data.Dataset:
    """Put a training split's frames in the order of an epoch, counted from 0.

    The first epoch comes in file order, which `shards` has shuffled: so what was fed by any step is
    known without asking. Later epochs are shuffled anew, each by a seed of its own: so any of them
    can be fed again. The order is the same whatever stands for the frames: records or numbers.
    """
    if not epoch:
        return frames
    drawn = np.random.default_rng([seed, epoch]).integers(2**31)
    return frames.shuffle(_SHUFFLED, seed=int(drawn), reshuffle_each_iteration=False)


def measuring_pipeline(
    builder: Builder, split: str, positions: NDArray[np.int64] | None = None
) -> tf.data.Dataset:
    """Feed a split's (images, labels) batches in file order, or only those at `positions`."""
    records = _records(builder, split)
    if positions is not None:
        wanted = np.zeros(count(builder, split), bool)
        wanted[positions] = True
        mask = tf.constant(wanted)
        records = records.enumerate().filter(lambda place, _: mask[place]).map(lambda _, r: r)
    batches = records.batch(_MEASURED_AT_ONCE)
    decoded = batches.map(_decoder(builder), num_parallel_calls=tf.data.AUTOTUNE)
    return decoded.prefetch(tf.data.AUTOTUNE)


def labels(builder: Builder, split: str) -> NDArray[np.int8]:
    """Read a split's labels (frames, action units), -1 unknown, in file order."""
    names = action_units(builder)
    features = {f"labels/{name}": tf.io.FixedLenFeature([], tf.int64) for name in names}
    batches = _records(builder, split).batch(_MEASURED_AT_ONCE)
    rows = [np.zeros((0, len(names)), np.int8)]
    for batch in batches.map(lambda records: tf.io.parse_example(records, features)):
        rows.append(np.stack([batch[f"labels/{name}"] for name in names], axis=-1))
    return np.concatenate(rows).astype(np.int8)


def keys(builder: Builder, split: str) -> tuple[list[str], list[str]]:
    """List the ids and the subjects of a split's frames, in file order."""
    wanted = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", "subject")}
    batches = _records(builder, split).batch(_MEASURED_AT_ONCE)
    rows = [
        (key.decode(), subject.decode())
        for batch in batches.map(lambda records: tf.io.parse_example(records, wanted))
        for key, subject in zip(batch["id"].numpy(), batch["subject"].numpy(), strict=True)
    ]
    return [row[0] for row in rows], [row[1] for row in rows]


def _records(builder: Builder, split: str) -> tf.data.Dataset:
    """Read a split's examples in file order, still serialised; none where it has no such split.

    Not `as_dataset`: it parses one example at a time, with every feature, which costs as much as
    decoding the picture.
    """
    frames = count(builder, split)
    if not frames:
        return tf.data.Dataset.from_tensor_slices(tf.zeros([0], tf.string))
    paths = [str(path) for path in builder.info.splits[split].filepaths]
    # A file cut at the end of a record would else pass for a shorter one.
    return tf.data.TFRecordDataset(paths).apply(tf.data.experimental.assert_cardinality(frames))


def _decoder(builder: Builder) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Parse and decode a batch of serialised examples: to (images, labels)."""
    names, side = action_units(builder), image_size(builder)
    features = {"image": tf.io.FixedLenFeature([], tf.string)}
    features |= {f"labels/{name}": tf.io.FixedLenFeature([], tf.int64) for name in names}
    picture = tf.TensorSpec((side, side, 3), tf.uint8)

    def decode_one(jpeg: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.io.decode_jpeg(jpeg, channels=3), picture.shape)

    def decode(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        examples = tf.io.parse_example(records, features)
        images = tf.map_fn(decode_one, examples["image"], fn_output_signature=picture)
        known = tf.stack([examples[f"labels/{name}"] for name in names], axis=-1)
        return images, tf.cast(known, tf.int8)

    return decode


def outputs(
    builder: Builder, model: keras.Model, split: str
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Run a model over a split: labels and outputs, (frames, units) each, in file order."""
    known = [np.zeros((0, len(action_units(builder))), np.int8)]
    answers = [np.zeros((0, model.output_shape[-1]), np.float32)]
    if count(builder, split):
        run = inference(model)
        for images, labels_of_images in measuring_pipeline(builder, split):
            known.append(labels_of_images.numpy())
            answers.append(run(images).numpy().astype(np.float32))
    return np.concatenate(known), np.concatenate(answers)


def inference(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Compile a model's inference for image batches of any length, traced once."""
    shape = (None, *model.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)])
    def run(images: tf.Tensor) -> tf.Tensor:
        return model(tf.cast(images, tf.float32), training=False)

    return run
