"""EfficientNet-Lite0 in Keras, with the pretrained weights loaded layer by layer.

Architecture: Tan and Le, "EfficientNet" (2019), in the Lite variant of TensorFlow's TPU models: no
squeeze-and-excitation, ReLU6 instead of swish, a stem and a head of fixed width. Convolutions pad
as TensorFlow's 'same'. Pixels are scaled as (x - 127) / 128, inside the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from curate.base.errors import BadParameterError
from train.model.lite0_weights import WeightsError

STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
CLASSES = 1000
EPSILON = 1e-3
SMALLEST_IMAGE = 32

Weights = dict[str, NDArray[np.float32]]


class Stage(NamedTuple):
    """A run of inverted-bottleneck blocks; the stride is that of the first one."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


class Block(NamedTuple):
    """One inverted-bottleneck block: expand (1x1), depthwise, project (1x1)."""

    name: str
    kernel: int
    stride: int
    expanded: int
    channels: int
    expands: bool
    residual: bool


class Unit(NamedTuple):
    """A convolution with its batch norm: the Keras layer's name, and PyTorch's two prefixes."""

    layer: str
    convolution: str
    norm: str


def lite0_features(image_size: int, *, fold: bool = True) -> keras.Model:
    """Build the feature extractor: images (batch, size, size, 3), 0-255, to (batch, 1280).

    `fold` builds it without batch norms, for weights folded into the convolutions: the same
    function, for inference only. Its weights are random until `load_weights`.

    Raises:
        BadParameterError: `image_size` is under 32 pixels.
    """
    if image_size < SMALLEST_IMAGE:
        raise BadParameterError(
            f"image_size is {image_size}: at least {SMALLEST_IMAGE} pixels", key="image_size"
        )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(images)
    x = _convolve(x, keras.layers.Conv2D(STEM_CHANNELS, 3, 2, **_options("stem", fold)))
    for block in blocks():
        x = _bottleneck(x, block, fold)
    x = _convolve(x, keras.layers.Conv2D(HEAD_CHANNELS, 1, **_options("head", fold)))
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(images, features, name="efficientnet-lite0")


def lite0_classifier(image_size: int, *, fold: bool = True) -> keras.Model:
    """Build the feature extractor with ImageNet's 1,000 class logits on top of it."""
    features = lite0_features(image_size, fold=fold)
    logits = keras.layers.Dense(CLASSES, name="classifier")(features.output)
    return keras.Model(features.input, logits, name="efficientnet-lite0-classifier")


def blocks() -> Iterator[Block]:
    """List the blocks from the stem to the head, with their widths worked out."""
    channels, number = STEM_CHANNELS, 0
    for stage in STAGES:
        for position in range(stage.blocks):
            stride = stage.stride if position == 0 else 1
            yield Block(
                name=f"block{number}",
                kernel=stage.kernel,
                stride=stride,
                expanded=channels * stage.expansion,
                channels=stage.channels,
                expands=stage.expansion > 1,
                residual=stride == 1 and channels == stage.channels,
            )
            channels, number = stage.channels, number + 1


def _bottleneck(x: keras.KerasTensor, block: Block, fold: bool) -> keras.KerasTensor:
    layers, name, shortcut = keras.layers, block.name, x
    if block.expands:
        x = _convolve(x, layers.Conv2D(block.expanded, 1, **_options(f"{name}_expand", fold)))
    x = _convolve(
        x,
        layers.DepthwiseConv2D(block.kernel, block.stride, **_options(f"{name}_depthwise", fold)),
    )
    x = _convolve(
        x, layers.Conv2D(block.channels, 1, **_options(f"{name}_project", fold)), activate=False
    )
    return layers.Add(name=f"{name}_add")([x, shortcut]) if block.residual else x


def _options(name: str, fold: bool) -> dict[str, object]:
    return {"name": name, "padding": "same", "use_bias": fold}


def _convolve(
    x: keras.KerasTensor, convolution: keras.layers.Layer, activate: bool = True
) -> keras.KerasTensor:
    x = convolution(x)
    if not convolution.use_bias:
        x = keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{convolution.name}_norm")(x)
    return keras.layers.ReLU(6.0, name=f"{convolution.name}_relu6")(x) if activate else x


def units() -> Iterator[Unit]:
    """List every convolution with the names of its tensors in the PyTorch file."""
    yield Unit("stem", "_conv_stem", "_bn0")
    for number, block in enumerate(blocks()):
        if block.expands:
            yield _block_unit(number, block, "expand", "_bn0")
        yield _block_unit(number, block, "depthwise", "_bn1")
        yield _block_unit(number, block, "project", "_bn2")
    yield Unit("head", "_conv_head", "_bn1")


def _block_unit(number: int, block: Block, role: str, norm: str) -> Unit:
    prefix = f"_blocks.{number}"
    return Unit(f"{block.name}_{role}", f"{prefix}._{role}_conv", f"{prefix}.{norm}")


def load_weights(model: keras.Model, weights: Weights) -> None:
    """Set every layer from PyTorch's tensors, folding the batch norms where the model has none.

    Those of the classifier are left over where the model has none.

    Raises:
        WeightsError: a tensor is missing, or another is left over.
    """
    remaining = {k: v for k, v in weights.items() if not k.endswith(".num_batches_tracked")}
    try:
        for unit in units():
            _load_unit(model, unit, remaining)
        kernel, bias = remaining.pop("_fc.weight"), remaining.pop("_fc.bias")
    except KeyError as error:
        raise WeightsError(f"The pretrained weights lack the tensor {error}") from None
    if remaining:
        raise WeightsError(f"The pretrained weights hold unknown tensors: {', '.join(remaining)}")
    if any(layer.name == "classifier" for layer in model.layers):
        model.get_layer("classifier").set_weights([kernel.T, bias])


def _load_unit(model: keras.Model, unit: Unit, weights: Weights) -> None:
    """Load one convolution, and its batch norm, taking their tensors out of `weights`."""
    layer = model.get_layer(unit.layer)
    kernel = weights.pop(f"{unit.convolution}.weight")
    norm = [
        weights.pop(f"{unit.norm}.{part}")
        for part in ("weight", "bias", "running_mean", "running_var")
    ]
    # PyTorch stores (out, in, height, width); Keras wants (height, width, in, out), and
    # (height, width, channels, 1) of a depthwise convolution, which PyTorch stores as (c, 1, h, w).
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    axes = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    if layer.use_bias:
        kernel, bias = fold_batch_norm(kernel, *norm)
        layer.set_weights([kernel.transpose(axes), bias])
    else:
        layer.set_weights([kernel.transpose(axes)])
        model.get_layer(f"{unit.layer}_norm").set_weights(norm)


def fold_batch_norm(
    kernel: NDArray[np.float32],
    gamma: NDArray[np.float32],
    beta: NDArray[np.float32],
    mean: NDArray[np.float32],
    variance: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold a frozen batch norm into the convolution before it: returns (kernel, bias).

    `kernel` has its output channels first; the others are (channels,). Worked out in float64.
    """
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + EPSILON)
    bias = beta - mean * scale
    return (kernel * scale[:, None, None, None]).astype(np.float32), bias.astype(np.float32)
