"""Command `export`: a trained model as ONNX or SavedModel, checked against the one in Keras.

The exported model needs nothing of this project: it maps images (batch, side, side, 3) float32,
RGB, 0-255, to a probability an action unit. A JSON file beside it holds what the model file does:
which unit each output is, from which threshold it counts as present, how pictures are to be cut.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from curate.base.console import Summary
from curate.base.errors import BadParameterError, UserError
from curate.base.files import atomic_folder, atomic_write, write_json
from train.data import Shards
from train.model.load import Model, load

Format = Literal["onnx", "savedmodel"]
Images = NDArray[np.float32]
Run = Callable[[Images], NDArray[np.float32]]

# Both sides compute in float32, in other orders: about 1e-6 apart. More is another function.
TOLERANCE = 1e-4
COMPARED = 64
_SAVED_MODEL = ("saved_model.pb", "fingerprint.pb", "variables", "assets")
_ONNX_PACKAGES = ("tf2onnx", "onnxruntime")
_SPLITS = ("validation", "moments", "train")


def export_stage(
    fit: Path, shards: Path, file_format: Format, output: Path, tolerance: float = TOLERANCE
) -> Summary:
    """Export the model of `fit` to `output`, and compare the two on frames of `shards`.

    `output` is a file that ends in .onnx, or a folder for a SavedModel; the JSON file beside it is
    named like it, ending in .json. Where there are no shards, random pictures are compared.

    Raises:
        MissingInputError: no model.
        BadParameterError: a path that does not fit the format, or ONNX without its packages.
        UserError: shards of another image size, or probabilities that differ by more than
            `tolerance`.
    """
    _check(file_format, output)
    model = load(fit)
    images, source = _pictures(shards, model.image_size)
    expected = model.predict(images)
    with _atomic(file_format, output) as building:
        run = _WRITERS[file_format](model.network, building)
        difference = float(np.abs(run(images) - expected).max())
        if not difference <= tolerance:
            raise UserError(
                f"{output}: not written, its probabilities differ from those of {model.path} by "
                f"up to {difference:.2g} (at most {tolerance:.0e}); try the other format",
                path=output,
            )
    description = _describe(model, file_format)
    beside = output.with_name(output.name.removesuffix(".onnx") + ".json")
    with atomic_write(beside) as partial:
        write_json(description, partial)
    return Summary(
        f"{output}: probabilities differ by at most {difference:.1e} from Keras' on {source}",
        ["output", "threshold"],
        list(zip(model.action_units, model.thresholds, strict=True)),
        {
            "path": str(output),
            "description": str(beside),
            "compared_on": source,
            "largest_difference": difference,
            **description,
        },
    )


def _check(file_format: Format, output: Path) -> None:
    if (output.suffix == ".onnx") != (file_format == "onnx") or output.suffix == ".json":
        raise BadParameterError(
            f"{output}: does not fit --format {file_format}; name a file that ends in .onnx for "
            f"onnx, a folder for savedmodel",
            path=output,
            key="format",
        )
    missing = [name for name in _ONNX_PACKAGES if not importlib.util.find_spec(name)]
    if file_format == "onnx" and missing:
        raise BadParameterError(
            f"--format onnx needs {' and '.join(missing)}; install with pip install -c "
            f"constraints.txt -e '.[export]', or choose --format savedmodel",
            key="format",
        )


def _pictures(shards: Path, side: int) -> tuple[Images, str]:
    """Return (frames, side, side, 3) float32, 0-255, to compare on, and where they are from."""
    if not (shards / "dataset_info.json").is_file():
        drawn = np.random.default_rng(0).uniform(0, 255, (COMPARED, side, side, 3))
        return drawn.astype(np.float32), f"{COMPARED} random pictures"
    opened = Shards.open(shards)
    if opened.image_size != side:
        raise UserError(
            f"{shards}: holds pictures of {opened.image_size} pixels, but the model takes "
            f"{side}; name the shards that it was trained on",
            path=shards,
        )
    split = next(name for name in _SPLITS if opened.count(name))
    return _first_frames(opened, split)


def _first_frames(shards: Shards, split: str) -> tuple[Images, str]:
    chosen = np.arange(min(COMPARED, shards.count(split)))
    with shards.readable_errors():
        batches = [images.numpy() for images, _ in shards.measure(split, chosen)]
    return np.concatenate(batches).astype(np.float32), f"{len(chosen)} frames of {split}"


def _atomic(file_format: Format, output: Path) -> AbstractContextManager[Path]:
    return atomic_write(output) if file_format == "onnx" else atomic_folder(output, *_SAVED_MODEL)


def _write_onnx(model: keras.Model, path: Path) -> Run:
    """Write ONNX; return it as ONNX Runtime runs it."""
    with warnings.catch_warnings():
        # For tf2onnx, Keras asks NumPy for a name that it no longer has.
        warnings.filterwarnings("ignore", message=".*np.object", category=FutureWarning)
        model.export(path, format="onnx", verbose=False)
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {session.get_inputs()[0].name: images})[0]


def _write_savedmodel(model: keras.Model, path: Path) -> Run:
    """Write a SavedModel; return it as TensorFlow loads it, without Keras."""
    model.export(path, format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(path)
    return lambda images: loaded.serve(images).numpy()


_WRITERS: dict[Format, Callable[[keras.Model, Path], Run]] = {
    "onnx": _write_onnx,
    "savedmodel": _write_savedmodel,
}


def _describe(model: Model, file_format: Format) -> dict[str, Any]:
    """Describe the exported file's input, followed by the model's own description."""
    side = model.image_size
    return {
        "format": file_format,
        "images": {"shape": [None, side, side, 3], "dtype": "float32", "values": "RGB, 0-255"},
        **asdict(model.description),
    }
