"""Training on features computed once, where pictures are the same in every epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from curate.base.files import atomic_write
from train.data import Shards, in_order, inference
from train.model.network import Network

_BATCHES_AT_ONCE = 64  # read together: 5 MB of features at the defaults


@dataclass(frozen=True)
class Features:
    """A split through the frozen part: features (frames, ...) float32, labels (frames, units)."""

    features: NDArray[np.float32]
    labels: NDArray[np.int8]


def split_features(
    shards: Shards,
    network: Network,
    split: str,
    path: Path,
    advance: Callable[[int], None],
) -> Features:
    """Compute a split's features, or read those that a run cut short left at `path`.

    They lie in two files there, features mapped into memory: 4 bytes a number, 5 kB a frame with
    EfficientNet-Lite0, so that what does not fit into memory is read again from disk.
    """
    features_path, labels_path = path.with_suffix(".npy"), path.with_suffix(".labels.npy")
    if not labels_path.is_file():
        with atomic_write(features_path) as partial:
            labels = _compute(shards, network, split, partial, advance)
        with atomic_write(labels_path) as partial, partial.open("wb") as file:
            np.save(file, labels)
    return Features(np.load(features_path, mmap_mode="r"), np.load(labels_path))


def _compute(
    shards: Shards, network: Network, split: str, path: Path, advance: Callable[[int], None]
) -> NDArray[np.int8]:
    frames, run = shards.count(split), inference(network.backbone)
    labels = np.zeros((frames, len(shards.action_units)), np.int8)
    shape = (frames, *network.backbone.output_shape[1:])
    features = open_memmap(path, "w+", np.float32, shape)
    start = 0
    for images, known in shards.measure(split):
        end = start + len(known)
        features[start:end], labels[start:end] = run(images), known
        advance(end - start)
        start = end
    features.flush()
    return labels


def cached_epoch(
    cached: Features, batch_size: int, seed: int, epoch: int, first_step: int = 0
) -> tf.data.Dataset:
    """Feed (features, labels) batches of the frames that `data.training_epoch` would feed."""
    frames = tf.data.Dataset.range(len(cached.labels))
    places = in_order(frames, seed, epoch).skip(first_step * batch_size)

    def look_up(places: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        return cached.features[places], cached.labels[places]

    def fetch(places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features, labels = tf.numpy_function(look_up, [places], (tf.float32, tf.int8))
        return (
            tf.ensure_shape(features, (None, *cached.features.shape[1:])),
            tf.ensure_shape(labels, (None, cached.labels.shape[1])),
        )

    # Looking up is Python's, as the training step's call is, and only one runs at a time.
    blocks = places.batch(batch_size * _BATCHES_AT_ONCE).map(fetch)
    return blocks.unbatch().batch(batch_size).prefetch(tf.data.AUTOTUNE)
