"""A trained model, loaded from its file: what it predicts, and its predictions of pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curate.base.console import quiet_tensorflow
from curate.base.errors import DamagedInputError, UserError
from train.model.file import (
    MEMBER,
    MODEL,
    Description,
    first_sentence,
    read_description,
    write_model,
)

if TYPE_CHECKING:
    import keras

_BATCH = 64  # pictures computed at once: some 300 MB of activations at 128 pixels


class ImagesError(UserError, ValueError):
    """Pictures that a model does not take: of another shape, number type or range."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Model(Description):
    """A trained model: its network, and the description that its file holds.

    Example:
        >>> model = train.load("data/fit")
        >>> model.action_units[:2], model.image_size, model.crop
        (('AU1', 'AU2'), 128, 'none')
        >>> model.predict(pictures).shape  # of pictures (frames, 128, 128, 3), RGB, 0-255
        (32, 12)
    """

    path: Path
    network: keras.Model = field(repr=False)  # pictures, 0-255, to probabilities (frames, units)

    def predict(self, images: ArrayLike) -> NDArray[np.float32]:
        """Return the probability of each action unit, (frames, units) float32.

        `images` (frames, image_size, image_size, 3) are RGB, 0-255, integers or floats, cut as
        `crop` says. They are computed in batches, so that memory does not grow with their number.

        Raises:
            ImagesError: pictures of another shape, number type or range.
        """
        pictures = _checked(images, self.image_size)
        batches = [
            self.network.predict_on_batch(pictures[start : start + _BATCH])
            for start in range(0, len(pictures), _BATCH)
        ]
        nothing = np.zeros((0, len(self.action_units)), np.float32)
        return np.concatenate([nothing, *batches])

    def decide(self, images: ArrayLike) -> NDArray[np.bool_]:
        """Return which action units are present, (frames, units): probable from `thresholds` on.

        `images` are as `predict` takes them.

        Raises:
            ImagesError: pictures of another shape, number type or range.
        """
        return self.predict(images) >= np.array(self.thresholds)

    def save(self, path: str | Path) -> None:
        """Write the network as it now is, with its description, as a model file.

        `network.save` would write a file that Keras opens, but without the description.

        Raises:
            BadParameterError: `path` does not end in `.keras`.
        """
        write_model(self.network, self.description, Path(path).expanduser())

    @property
    def description(self) -> Description:
        """The description alone, without the network."""
        return Description(**{part.name: getattr(self, part.name) for part in fields(Description)})


def _checked(images: ArrayLike, side: int) -> NDArray[Any]:
    """Return the pictures as an array, their values as they are, if a model takes them.

    Raises:
        ImagesError: another shape, number type or range.
    """
    allowed = f"a model takes pictures (frames, {side}, {side}, 3), RGB, 0-255"
    try:
        pictures = np.asarray(images)
    except ValueError:  # a list of arrays of different shapes
        raise ImagesError(f"images are not all of one shape: {allowed}") from None
    if pictures.dtype.kind not in "uif":
        raise ImagesError(f"images are of type {pictures.dtype}: {allowed}, integers or floats")
    if pictures.ndim != 4 or pictures.shape[1:] != (side, side, 3):
        single = "; give one picture as images[None]" if pictures.ndim == 3 else ""
        raise ImagesError(f"images are of shape {pictures.shape}: {allowed}{single}")
    if pictures.dtype != np.uint8 and pictures.size:
        _check_range(pictures, allowed)
    return pictures


def _check_range(pictures: NDArray[Any], allowed: str) -> None:
    least, most = pictures.min(), pictures.max()
    if not (least >= 0 and most <= 255):  # so written, it refuses NaN too
        raise ImagesError(f"images go from {least:g} to {most:g}: {allowed}; do not normalise them")
    if pictures.dtype.kind == "f" and 0 < most <= 1:
        raise ImagesError(f"images go from {least:g} to {most:g}: {allowed}; multiply them by 255")


def load(path: str | Path) -> Model:
    """Load a model that `train fit` wrote: the file, or the folder that holds it.

    Example:
        >>> train.load("data/fit").predict(pictures)  # probabilities (frames, units)

    Raises:
        MissingInputError: no such file.
        DamagedInputError: not a complete `.keras` file.
        UserError: not a model of `train fit`, or of another version.
    """
    path = Path(path).expanduser()
    path = path / MODEL if path.is_dir() else path
    description = read_description(path)
    with quiet_tensorflow():
        import keras  # takes seconds, and is not needed to refuse a path

    try:
        network = keras.saving.load_model(path, compile=False)
    except Exception as error:  # a damaged archive fails in whichever part of Keras meets it first
        raise DamagedInputError(
            f"{path}: not a complete .keras file ({first_sentence(error)}); make it again with "
            f"'train fit'",
            path=path,
        ) from None
    side, units = description.image_size, len(description.action_units)
    if network.input_shape != (None, side, side, 3) or network.output_shape != (None, units):
        raise DamagedInputError(
            f"{path}: its network maps {network.input_shape} to {network.output_shape}, but its "
            f"{MEMBER} names {side} pixels and {units} units; make it again with 'train fit'",
            path=path,
        )
    return Model(**vars(description), path=path, network=network)
