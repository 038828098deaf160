"""Reading the shards: one feed to train from, another to measure with, labels and keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import polars as pl
import tensorflow as tf
import tensorflow_datasets as tfds
from numpy.typing import NDArray

from curate.base.arguments import PathLike, as_path
from curate.base.errors import DamagedInputError, MissingInputError, UserError
from curate.tables import IMAGE, INDEX, INDEX_FILE, LABELS, label_feature, read_table

# Encoded pictures held to draw from when an epoch is shuffled: some 20 MB at 128 pixels.
_SHUFFLED = 4096
_MEASURED_AT_ONCE = 64
# Enough that a step seldom waits while the cores decode and train by turns; 6 MB by default.
# AUTOTUNE begins with one or two and learns too late: a step then waits twice as long.
_BATCHES_AHEAD = 8


class Split(NamedTuple):
    """A split's number of frames, and its TFRecord files in order."""

    frames: int
    files: list[Path]


class Shards:
    """A folder that stage `shards` wrote, open for reading.

    `action_units` (by number) name the columns of all labels; `image_size` is the side of the
    pictures in pixels; `crop` is how they were cut, None where the shards do not say; `splits`
    lists those that hold frames. A split that is not there counts as one without frames.
    """

    def __init__(
        self,
        folder: Path,
        action_units: list[str],
        image_size: int,
        splits: Mapping[str, Split],
        crop: str | None = None,
    ) -> None:
        self.folder, self.action_units = folder, action_units
        self.image_size, self.crop = image_size, crop
        self.splits = [name for name, split in splits.items() if split.frames]
        self._splits = splits
        self._labels: dict[str, NDArray[np.int8]] = {}

    @classmethod
    def open(cls, folder: PathLike) -> Shards:
        """Open a folder of shards.

        Raises:
            MissingInputError: no such data set, or one that lacks a file.
            DamagedInputError: its description cannot be read.
            UserError: it has no action units.
        """
        folder = as_path(folder)
        if not (folder / "dataset_info.json").is_file():
            raise MissingInputError(
                f"{folder}: holds no shards; make them with 'curate shards'", path=folder
            )
        try:
            shards = cls(folder, *_describe(folder))
        # A damaged description fails in whichever part of TFDS reads it first.
        except Exception as error:
            raise DamagedInputError(
                f"{folder}: dataset_info.json, features.json or metadata.json is damaged "
                f"({_reason(error)}); make the shards again with 'curate shards'",
                path=folder,
            ) from None
        files = [path for split in shards._splits.values() for path in split.files]
        missing = [path for path in (folder / INDEX_FILE, *files) if not path.is_file()]
        if missing:
            raise MissingInputError(
                f"{missing[0]}: is missing; make the shards again with 'curate shards'",
                path=missing[0],
            )
        if not shards.action_units:
            raise UserError(
                f"{folder}: its frames have no labels, so there is nothing to learn", path=folder
            )
        return shards

    def count(self, split: str) -> int:
        """Count a split's frames."""
        return self._splits[split].frames if split in self._splits else 0

    def keys(self, split: str) -> pl.DataFrame:
        """Return the `id` and the `subject` of a split's frames, a row a frame, in file order.

        Raises:
            UserError: the index is damaged, or of other shards.
        """
        path = self.folder / INDEX_FILE
        index = read_table(path, INDEX).filter(pl.col("split") == split).sort("rank")
        if len(index) != self.count(split):
            raise DamagedInputError(
                f"{path}: has {len(index):,} frames of {split}, but the TFRecords have "
                f"{self.count(split):,}; make the shards again with 'curate shards'",
                path=path,
            )
        return index.select("id", "subject")

    def labels(self, split: str) -> NDArray[np.int8]:
        """Return a split's labels (frames, action units), -1 unknown, in file order; read-only.

        They are read once, for that takes a pass over the pictures too.
        """
        if split not in self._labels:
            labels = self._read_labels(split)
            labels.flags.writeable = False
            self._labels[split] = labels
        return self._labels[split]

    def _read_labels(self, split: str) -> NDArray[np.int8]:
        features = self._label_features()
        batches = self._records(split).batch(_MEASURED_AT_ONCE)
        rows = [np.zeros((0, len(features)), np.int8)]
        for batch in batches.map(lambda records: tf.io.parse_example(records, features)):
            rows.append(np.stack([batch[name] for name in features], axis=-1))
        return np.concatenate(rows).astype(np.int8)

    def training_epoch(
        self, batch_size: int, seed: int, epoch: int, first_step: int = 0
    ) -> tf.data.Dataset:
        """Feed (images, labels) batches of one epoch, counted from 0, from a step of it on.

        Images (batch, size, size, 3) uint8, labels (batch, action units) int8, -1 unknown. The
        order hangs on seed and epoch alone (see `in_order`). Pictures are shuffled before they are
        decoded, when they are small.
        """
        records = in_order(self._records("train"), seed, epoch).skip(first_step * batch_size)
        batches = records.batch(batch_size)
        decoded = batches.map(self._decoder(), num_parallel_calls=tf.data.AUTOTUNE)
        return decoded.prefetch(_BATCHES_AHEAD)

    def measure(self, split: str, positions: NDArray[np.int64] | None = None) -> tf.data.Dataset:
        """Feed a split's (images, labels) batches in file order, or only those at `positions`."""
        records = self._records(split)
        if positions is not None:
            wanted = np.zeros(self.count(split), bool)
            wanted[positions] = True
            mask = tf.constant(wanted)
            records = records.enumerate().filter(lambda place, _: mask[place]).map(lambda _, r: r)
        batches = records.batch(_MEASURED_AT_ONCE)
        decoded = batches.map(self._decoder(), num_parallel_calls=tf.data.AUTOTUNE)
        return decoded.prefetch(tf.data.AUTOTUNE)

    def outputs(
        self, model: keras.Model, split: str
    ) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """Run a model over a split: labels and outputs, (frames, units) each, in file order."""
        known = [np.zeros((0, len(self.action_units)), np.int8)]
        outputs = [np.zeros((0, model.output_shape[-1]), np.float32)]
        if self.count(split):
            run = inference(model)
            for images, labels in self.measure(split):
                known.append(labels.numpy())
                outputs.append(run(images).numpy().astype(np.float32))
        return np.concatenate(known), np.concatenate(outputs)

    @contextmanager
    def readable_errors(self) -> Iterator[None]:
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
            raise DamagedInputError(
                f"{self.folder}: a TFRecord file is damaged ({_reason(error)}); make the shards "
                f"again with 'curate shards'",
                path=self.folder,
            ) from None

    def _label_features(self) -> dict[str, tf.io.FixedLenFeature]:
        return {label_feature(n): tf.io.FixedLenFeature([], tf.int64) for n in self.action_units}

    def _records(self, split: str) -> tf.data.Dataset:
        """Read a split's examples in file order, still serialised.

        Not TFDS' `as_dataset`: it parses one example at a time, with every feature, which costs as
        much as decoding the picture.
        """
        frames = self.count(split)
        if not frames:
            return tf.data.Dataset.from_tensor_slices(tf.zeros([0], tf.string))
        records = tf.data.TFRecordDataset([str(path) for path in self._splits[split].files])
        # A file cut at the end of a record would else pass for a shorter one.
        return records.apply(tf.data.experimental.assert_cardinality(frames))

    def _decoder(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """Parse and decode a batch of serialised examples: to (images, labels)."""
        labels, side = self._label_features(), self.image_size
        features = labels | {IMAGE: tf.io.FixedLenFeature([], tf.string)}
        picture = tf.TensorSpec((side, side, 3), tf.uint8)

        def decode_picture(jpeg: tf.Tensor) -> tf.Tensor:
            return tf.ensure_shape(tf.io.decode_jpeg(jpeg, channels=3), picture.shape)

        def decode(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            examples = tf.io.parse_example(records, features)
            images = tf.map_fn(decode_picture, examples[IMAGE], fn_output_signature=picture)
            known = tf.stack([examples[name] for name in labels], axis=-1)
            return images, tf.cast(known, tf.int8)

        return decode


def _describe(folder: Path) -> tuple[list[str], int, dict[str, Split], str | None]:
    """Read action units (by number), image size, splits and crop from TFDS' description."""
    info = tfds.builder_from_directory(str(folder)).info
    features = dict(info.features.items())
    names = features[LABELS].keys() if LABELS in features else []
    # Not `metadata.get`, which answers before TFDS has read the file.
    crop = dict(info.metadata.items()).get("crop")
    return (
        sorted(names, key=lambda name: int(name[2:])),
        int(features[IMAGE].shape[0]),
        {name: Split(int(s.num_examples), list(s.filepaths)) for name, s in info.splits.items()},
        crop if isinstance(crop, str) else None,
    )


def _reason(error: Exception) -> str:
    """Take the first line of what an error says, without where in a graph it came up."""
    message = re.sub(r"\{\{.*?\}\} ?|\[\[.*|\[Op:.*", "", str(getattr(error, "message", error)))
    places = ("Graph execution error", "Detected at node", "File ", "<stack traces")
    lines = [line.strip() for line in message.split("\n")]
    reasons = [line for line in lines if line and not line.startswith(places)]
    return reasons[0].rstrip(". ") if reasons else type(error).__name__


def in_order(frames: tf.data.Dataset, seed: int, epoch: int) -> tf.data.Dataset:
    """Put a training split's frames in the order of an epoch, counted from 0.

    The first epoch comes in file order, which `shards` has shuffled: so what was fed by any step is
    known without asking. Later epochs are shuffled, each by a seed of its own, so that any of them
    can be fed again. The order is the same whatever stands for the frames: records or numbers.
    """
    if not epoch:
        return frames
    drawn = np.random.default_rng([seed, epoch]).integers(2**31)
    return frames.shuffle(_SHUFFLED, seed=int(drawn), reshuffle_each_iteration=False)


def inference(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Compile a model's inference for image batches of any length, traced once."""
    shape = (None, *model.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)])
    def run(images: tf.Tensor) -> tf.Tensor:
        return model(tf.cast(images, tf.float32), training=False)

    return run
