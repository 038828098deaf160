"""Writing examples as TFRecords with TFDS metadata, and an index of them.

The JPEG bytes of the frames table are passed through. Clips are read once, one after the other,
and only one shard's frames are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import tensorflow as tf
import tensorflow_datasets as tfds

from curate.base.errors import DamagedInputError, MissingInputError, UserError
from curate.base.files import atomic_folder
from curate.tables import (
    CROP,
    IMAGE,
    INDEX,
    INDEX_FILE,
    LABELS,
    SPLITS,
    UNKNOWN,
    action_units,
    label_feature,
    part_path,
    recorded,
    write_table,
)

DATASET = "framewise"
VERSION = "1.0.0"
_FILES = ("dataset_info.json", "features.json", "metadata.json", INDEX_FILE, "*.tfrecord-*")


def features(names: list[str], image_size: int) -> tfds.features.FeaturesDict:
    """Describe an example: the picture, its labels by action unit, and which frame it is."""
    labels = {LABELS: {name: tfds.features.Scalar(np.int8) for name in names}} if names else {}
    return tfds.features.FeaturesDict(
        {
            **labels,
            IMAGE: tfds.features.Image(
                shape=(image_size, image_size, 3), dtype=np.uint8, encoding_format="jpeg"
            ),
            "id": tfds.features.Text(),
            "subject": tfds.features.Text(),
            "clip": tfds.features.Text(),
            "index": tfds.features.Scalar(np.int32),
        }
    )


def write_shards(
    frames: Path,
    examples: pl.DataFrame,
    labels: pl.DataFrame,
    folder: Path,
    shard_frames: int,
    on_frames: Callable[[int], None],
) -> dict[str, int]:
    """Write TFRecords, their metadata and `INDEX_FILE`; return each split's number of examples.

    `folder` is replaced as a whole once everything is written.

    Raises:
        UserError: `folder` holds something else than shards, or `frames` lacks an example or is
            of more than one crop.
    """
    names = action_units(labels)
    labelled = examples.join(labels.select("id", *names), on="id", how="left").with_columns(
        (pl.col("rank") // shard_frames).alias("shard")
    )
    with atomic_folder(folder, *_FILES) as building:
        write_table(examples, building / INDEX_FILE, INDEX)
        return _build(frames, labelled, names, building, on_frames)


def _build(
    frames: Path,
    examples: pl.DataFrame,
    names: list[str],
    building: Path,
    on_frames: Callable[[int], None],
) -> dict[str, int]:
    image_size = _bucket(frames, examples, names, building, on_frames)
    counts, infos = {}, []
    for split in SPLITS:
        lengths = _order_buckets(building, split)
        counts[split] = sum(lengths)
        if lengths:
            infos.append(_split_info(split, lengths, building))
    tfds.folder_dataset.write_metadata(
        data_dir=str(building),
        features=features(names, image_size),
        split_infos=infos,
        check_data=False,
        description="Face frames labelled with action units (1 present, 0 absent, -1 unknown).",
    )
    parts = [part_path(frames, clip) for clip in sorted(set(examples["clip"]))]
    tfds.core.MetadataDict(crop=crop_of(parts)).save_metadata(building)
    return counts


def crop_of(parts: Iterable[Path]) -> str | None:
    """Return how the frames of all parts were cut (`crop`); None where no part says.

    Raises:
        UserError: two parts that were cut in different ways.
    """
    first: tuple[Path, str] | None = None
    for part in parts:
        crop = recorded(part, CROP)
        if crop is None:  # written before parts recorded it
            continue
        first = first or (part, crop)
        if crop != first[1]:
            raise UserError(
                f"{part}: its frames were cut with crop '{crop}', those of {first[0]} with "
                f"'{first[1]}'; make them all with one crop with 'curate frames'",
                path=part,
                key="crop",
            )
    return first[1] if first else None


def _bucket(
    frames: Path,
    examples: pl.DataFrame,
    names: list[str],
    folder: Path,
    on_frames: Callable[[int], None],
) -> int:
    """Stream clips once, dropping each example into its shard's bucket; return the image size.

    A bucket is a TFRecord file whose records begin with the example's rank, eight bytes.
    """
    writers: dict[Path, tf.io.TFRecordWriter] = {}
    size = 0
    try:
        for (clip,), wanted in examples.sort("clip").group_by("clip", maintain_order=True):
            pictures = _pictures(part_path(frames, str(clip)), set(wanted["id"]))
            for row in wanted.iter_rows(named=True):
                path = folder / f"{row['split']}.{row['shard']:05d}.bucket"
                if path not in writers:
                    writers[path] = tf.io.TFRecordWriter(str(path))
                # Without it, the order of a message's fields changes from process to process.
                example = _example(row, pictures[row["id"]], names)
                record = example.SerializeToString(deterministic=True)
                writers[path].write(row["rank"].to_bytes(8, "big") + record)
            size = size or _side(next(iter(pictures.values())))
            on_frames(len(wanted))
    finally:
        for writer in writers.values():
            writer.close()
    return size


def _pictures(part: Path, wanted: set[str]) -> dict[str, bytes]:
    """Read the JPEGs of the wanted frames of one clip, a row group at a time."""
    if not part.is_file():
        raise MissingInputError(f"{part}: no such part; make it with 'curate frames'", path=part)
    jpegs: dict[str, bytes] = {}
    for batch in pq.ParquetFile(part).iter_batches(columns=["id", "jpeg"]):
        for key, jpeg in zip(batch["id"].to_pylist(), batch["jpeg"].to_pylist(), strict=True):
            if key in wanted and jpeg is not None:
                jpegs[key] = jpeg
    missing = sorted(wanted - set(jpegs))
    if missing:
        raise DamagedInputError(
            f"{part}: lacks the frame {missing[0]}; make the decisions again", path=part
        )
    return jpegs


def _side(jpeg: bytes) -> int:
    return int(tf.io.extract_jpeg_shape(jpeg)[0])


def _example(row: dict[str, object], jpeg: bytes, names: list[str]) -> tf.train.Example:
    """Build the protocol buffer that `features` describes."""

    def text(value: object) -> tf.train.Feature:
        data = value if isinstance(value, bytes) else str(value).encode()
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))

    def integer(value: object) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    feature = {
        IMAGE: text(jpeg),
        **{name: text(row[name]) for name in ("id", "subject", "clip")},
        "index": integer(row["index"]),
        **{label_feature(n): integer(UNKNOWN if row[n] is None else row[n]) for n in names},
    }
    return tf.train.Example(features=tf.train.Features(feature=feature))


def _order_buckets(folder: Path, split: str) -> list[int]:
    """Turn a split's buckets into its shards, ordered by rank; return their lengths."""
    buckets = sorted(folder.glob(f"{split}.*.bucket"))
    lengths = []
    for number, bucket in enumerate(buckets):
        records = sorted(bytes(record.numpy()) for record in tf.data.TFRecordDataset(str(bucket)))
        name = f"{DATASET}-{split}.tfrecord-{number:05d}-of-{len(buckets):05d}"
        with tf.io.TFRecordWriter(str(folder / name)) as writer:
            for record in records:
                writer.write(record[8:])
        lengths.append(len(records))
        bucket.unlink()
    return lengths


def _split_info(split: str, lengths: list[int], folder: Path) -> tfds.core.SplitInfo:
    template = tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name=DATASET, split=split, filetype_suffix="tfrecord"
    )
    size = sum(path.stat().st_size for path in folder.glob(f"{DATASET}-{split}.*"))
    return tfds.core.SplitInfo(
        name=split, shard_lengths=lengths, num_bytes=size, filename_template=template
    )
