"""Random rotation, shear, zoom, shift, flip and brightness in one warp of the image.

A chain of Keras' preprocessing layers resamples the image once a layer: slow, and blurrier each
time. Here every image's transformations become one 3x3 matrix, and one bilinear warp applies it.
Matrices act on column vectors (x, y, 1) in pixels, and lead from an output pixel to the place in
the input where it is read, as those of `keras.ops.image.affine_transform` do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

FULL_SCALE = 255.0


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with XLA where Keras runs on TensorFlow.

    Eager TensorFlow writes out every intermediate of the warp; XLA fuses it into one loop, several
    times faster on a CPU. JAX compiles the whole training step, so nothing is needed there.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    return tf.function(function, autograph=False, jit_compile=True)


def rotation_matrix(angles: Any) -> Any:
    """Rotate about the origin, anticlockwise as seen: (batch,) radians to (batch, 3, 3)."""
    cosine, sine = ops.cos(angles), ops.sin(angles)
    return _matrix(cosine, -sine, 0.0, sine, cosine, 0.0)


def shear_matrix(angles: Any) -> Any:
    """Slant along x, leaving y: (batch,) radians to (batch, 3, 3)."""
    return _matrix(ops.ones_like(angles), ops.tan(angles), 0.0, 0.0, 1.0, 0.0)


def zoom_matrix(factors: Any) -> Any:
    """Zoom about the origin: (batch,) to (batch, 3, 3). Over 1 shows more, so all is smaller."""
    return _matrix(factors, 0.0, 0.0, 0.0, factors, 0.0)


def shift_matrix(right: Any, down: Any) -> Any:
    """Move the content: (batch,) pixels to the right and (batch,) down, to (batch, 3, 3)."""
    return _matrix(ops.ones_like(right), 0.0, -right, 0.0, 1.0, -down)


def flip_matrix(mirrored: Any) -> Any:
    """Mirror left and right about the origin where true: (batch,) bool to (batch, 3, 3)."""
    return _matrix(1.0 - 2.0 * ops.cast(mirrored, "float32"), 0.0, 0.0, 0.0, 1.0, 0.0)


def _matrix(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """Stack rows (a b c), (d e f), (0 0 1) of (batch,) or scalar entries; `a` is (batch,)."""
    entries = [ops.zeros_like(a) + entry for entry in (a, b, c, d, e, f, 0.0, 0.0, 1.0)]
    return ops.reshape(ops.stack(entries, axis=-1), (-1, 3, 3))


def compose(first: Any, *others: Any) -> Any:
    """Multiply (batch, 3, 3) matrices in the order written: the last acts first."""
    product = first
    for other in others:
        # Not `matmul`, which some GPUs round to 10 bits: a tenth of a pixel.
        product = ops.sum(product[:, :, :, None] * other[:, None, :, :], axis=2)
    return product


def about_centre(matrix: Any, height: int, width: int) -> Any:
    """Turn a (batch, 3, 3) matrix about the origin into one about the image's centre."""
    right = ops.full_like(matrix[:, 0, 0], (width - 1) / 2)
    down = ops.full_like(matrix[:, 0, 0], (height - 1) / 2)
    return compose(shift_matrix(-right, -down), matrix, shift_matrix(right, down))


def warp(images: Any, matrix: Any) -> Any:
    """Read every output pixel from where its matrix leads, bilinearly.

    `images` (batch, height, width, channels) float32, of known height and width; `matrix`
    (batch, 3, 3). Beyond the edge the image is mirrored, edge pixel included, which is Keras'
    fill mode "reflect": no black corners, which would show how the image was turned.
    """
    height, width, channels = images.shape[1:]
    x, y = _source_coordinates(matrix, height, width)
    left, top = ops.floor(x), ops.floor(y)
    across, along = (x - left)[..., None], (y - top)[..., None]
    columns = [_mirror(ops.cast(left, "int32") + step, width) for step in (0, 1)]
    rows = [_mirror(ops.cast(top, "int32") + step, height) for step in (0, 1)]
    pixels = ops.reshape(images, (-1, channels))
    first_pixel = ops.arange(ops.shape(images)[0], dtype="int32")[:, None, None] * (height * width)

    def row(number: int) -> Any:
        start = first_pixel + rows[number] * width
        left_pixel = ops.take(pixels, start + columns[0], axis=0)
        right_pixel = ops.take(pixels, start + columns[1], axis=0)
        return left_pixel * (1 - across) + right_pixel * across

    return row(0) * (1 - along) + row(1) * along


def _source_coordinates(matrix: Any, height: int, width: int) -> tuple[Any, Any]:
    """Return where each output pixel is read: x and y, each (batch, height, width)."""
    x = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, width))
    y = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1))
    entry = matrix[:, :, :, None, None]
    return (
        entry[:, 0, 0] * x + entry[:, 0, 1] * y + entry[:, 0, 2],
        entry[:, 1, 0] * x + entry[:, 1, 1] * y + entry[:, 1, 2],
    )


def _mirror(positions: Any, size: int) -> Any:
    """Fold positions outside 0 to size - 1 back inside: d c b a | a b c d | d c b a."""
    positions = ops.mod(positions, 2 * size)
    return ops.minimum(positions, 2 * size - 1 - positions)


@compiled
def transform(images: Any, parameters: Any) -> Any:
    """Apply one row of parameters to each image: flip, zoom, shear, rotate, shift, brighten.

    `images` (batch, height, width, 3) float32, 0-255; `parameters` (batch, 7) float32: radians of
    rotation, radians of shear, zoom less 1, shift right and down as fractions of the side, flip
    where negative, and brightness to add, as a fraction of full scale. Returns the same shape.
    """
    height, width = images.shape[1:3]
    rotation, shear, zoom, right, down, flip, brightness = (parameters[:, i] for i in range(7))
    matrix = compose(
        flip_matrix(flip < 0),
        zoom_matrix(1 + zoom),
        shear_matrix(shear),
        rotation_matrix(rotation),
        shift_matrix(right * width, down * height),
    )
    warped = warp(images, about_centre(matrix, height, width))
    return ops.clip(warped + brightness[:, None, None, None] * FULL_SCALE, 0.0, FULL_SCALE)


@keras.saving.register_keras_serializable(package="framewise")
class FusedAugmentation(keras.layers.Layer):
    """Transform each image afresh each time it is fed, in training only.

    Each image gets its own draws, uniform up to the magnitudes: `rotation` and `shear` (along x)
    in degrees either way, `zoom` as a fraction in or out, the same in both directions, `shift` as a
    fraction of the side in each direction, `brightness` as a fraction of full scale to add or take
    away. `flip` mirrors half of the images. `seed` makes the sequence of draws repeatable.

    Images (batch, height, width, 3) of any type, 0-255; returns float32 of the same shape. All
    zero, or not training: the images as they are.

    Example:
        >>> layer = train.FusedAugmentation(rotation=10, flip=True, seed=0)
        >>> augmented = layer(images, training=True)

    Raises:
        ValueError: a magnitude is out of range.
    """

    def __init__(
        self,
        rotation: float = 0.0,
        shear: float = 0.0,
        zoom: float = 0.0,
        shift: float = 0.0,
        flip: bool = False,
        brightness: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        # Half precision would round pixel coordinates: float32 under any policy.
        super().__init__(**{"dtype": "float32", **options})
        self.settings = {
            "rotation": rotation,
            "shear": shear,
            "zoom": zoom,
            "shift": shift,
            "flip": flip,
            "brightness": brightness,
            "seed": seed,
        }
        self.magnitudes = (
            math.radians(rotation),
            math.radians(shear),
            zoom,
            shift,
            shift,
            float(flip),
            brightness,
        )
        if min(self.magnitudes) < 0 or shear >= 90 or zoom >= 1:
            raise ValueError(
                f"Augmentation magnitudes are at least 0, shear under 90, zoom under 1; "
                f"not {self.settings}"
            )
        self.draws = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = False) -> Any:
        """Transform the images if training."""
        images = ops.cast(images, "float32")
        if not training or not any(self.magnitudes):
            return images
        shape = (ops.shape(images)[0], len(self.magnitudes))
        drawn = keras.random.uniform(shape, -1.0, 1.0, seed=self.draws)
        return transform(images, drawn * ops.convert_to_tensor(self.magnitudes, "float32"))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build it again."""
        return {**super().get_config(), **self.settings}
