"""Write the sheet of training frames, each as filmed and as augmentation feeds it, for the report.

The report starts without TensorFlow, so `train fit` writes the sheet and the report shows it. What
augmentation does to a frame stands in `train.model.augment`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from curate.base.files import atomic_write
from curate.base.stage_params import FitParameters
from train.data import Shards
from train.fit.augmented_sheet import SAMPLES
from train.gap.choice import even_sample
from train.model.network import augmentation, augments

FRAMES = 8
_QUALITY = 95


def write_samples(shards: Shards, parameters: FitParameters, path: Path) -> None:
    """Write a JPEG sheet of up to eight training frames, a row each; none if nothing is augmented.

    The first of a row is the frame as filmed, the others are eight draws of the augmentation. The
    frames lie evenly over the split. The same shards and parameters give the same bytes.
    """
    if not augments(parameters):
        return
    sheet = _side_by_side(samples(_frames(shards), parameters))
    with atomic_write(path) as partial:
        partial.write_bytes(tf.io.encode_jpeg(sheet, quality=_QUALITY).numpy())


def samples(frames: NDArray[np.uint8], parameters: FitParameters) -> NDArray[np.uint8]:
    """Augment frames (rows, side, side, 3): to (rows, 1 + samples, side, side, 3), theirs first."""
    layer = augmentation(parameters)
    fed = [np.asarray(layer(frames, training=True)) for _ in range(SAMPLES)]
    return np.stack([frames, *(np.rint(pictures) for pictures in fed)], axis=1).astype(np.uint8)


def _frames(shards: Shards) -> NDArray[np.uint8]:
    chosen = even_sample(shards.count("train"), FRAMES)
    batches = shards.measure("train", chosen)
    return np.concatenate([images.numpy() for images, _ in batches])


def _side_by_side(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Join pictures (rows, columns, side, side, 3) to one."""
    rows, columns, height, width, channels = pictures.shape
    return pictures.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
