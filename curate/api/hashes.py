"""`curate.hash_images` and `curate.near_duplicates`: hashes of any pictures, and their pairs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeVar

from curate.base.arguments import PathLike, as_path, checked

if TYPE_CHECKING:
    import numpy as np
    from imagehash import ImageHash
    from numpy.typing import NDArray
    from PIL.Image import Image

    Picture = PathLike | Image | NDArray[np.uint8]

T = TypeVar("T")
Kind = Literal["phash", "dhash", "whash", "average"]
_SIDE = 8  # a hash is 8 x 8 bits
_BATCH = 64  # pictures in memory at a time


def hash_images(
    images: Iterable[Picture],
    kind: Kind = "phash",
    *,
    decode: Literal["reduced", "full"] = "reduced",
) -> NDArray[np.uint64]:
    """Hash pictures: image files, Pillow images, or arrays.

    Args:
        images: paths; Pillow images; or arrays (height, width) grey or (height, width, 3) RGB,
            uint8.
        kind: the perceptual hash, as imagehash defines it.
        decode: reduced reads JPEG files at reduced scale, several times faster and half a bit away
            on average; full is imagehash itself, bit for bit, whatever the picture comes as.

    Returns:
        (n,) uint64, in the order of `images`; the first bit is the most significant.

    Raises:
        BadParameterError: another `kind` or `decode`.
        MissingInputError: no such file.
        DamagedInputError: a file that is no complete picture (its `path` says which), or an array
            of another shape or type. `curate.dedup` gives such a file a reason instead.

    Example:
        >>> hashes = curate.hash_images(["faces/0.jpg", "faces/1.jpg"])
        >>> hashes.shape, str(hashes.dtype)
        ((2,), 'uint64')
    """
    import numpy as np

    checked(None, hash=kind, decode=decode)
    remaining = iter(images)
    hash_batch = _hash_in_full if decode == "full" else _hash_reduced
    hashes = [np.zeros(0, np.uint64)]
    while batch := list(islice(remaining, _BATCH)):
        hashes.append(np.fromiter(hash_batch(batch, kind), np.uint64, len(batch)))
    return np.concatenate(hashes)


def _hash_in_full(pictures: Sequence[Picture], kind: Kind) -> Iterator[int]:
    from curate.media.full_hash import hash_file, hash_image

    for picture in pictures:
        if isinstance(picture, str | os.PathLike):
            value = hash_file(as_path(picture), kind)
            yield _complete(value, picture)
        else:
            yield hash_image(_as_image(picture), kind)


def _hash_reduced(pictures: Sequence[Picture], kind: Kind) -> Iterator[int]:
    from curate.media.hashing import perceptual_hashes, read_gray, thumbnails

    grays = [
        _complete(read_gray(as_path(picture)), picture)
        if isinstance(picture, str | os.PathLike)
        else _as_gray(picture)
        for picture in pictures
    ]
    yield from perceptual_hashes(thumbnails(grays, kind), kind).tolist()


def _complete(value: T | None, path: PathLike) -> T:
    """Return what was read of a file, or say why nothing was."""
    from curate.base.errors import DamagedInputError, MissingInputError

    if value is not None:
        return value
    if not as_path(path).is_file():
        raise MissingInputError(f"{path}: no such image file", path=as_path(path))
    raise DamagedInputError(
        f"{path}: not a complete picture; leave it out, or copy it again",
        path=as_path(path),
    )


def _as_image(picture: Image | NDArray[np.uint8]) -> Image:
    """Return a picture as a Pillow image.

    Raises:
        DamagedInputError: an array of another shape or type.
    """
    from PIL import Image

    from curate.base.errors import DamagedInputError

    if isinstance(picture, Image.Image):
        return picture
    shape, dtype = getattr(picture, "shape", None), getattr(picture, "dtype", None)
    grey_or_rgb = shape is not None and (len(shape) == 2 or shape[2:] == (3,)) and 0 not in shape
    if not grey_or_rgb or str(dtype) != "uint8":
        raise DamagedInputError(
            f"a picture of type {dtype or type(picture).__name__} and shape {shape} cannot be "
            "hashed; give a path, a Pillow image, or an array (height, width) or (height, width, "
            "3) uint8"
        )
    return Image.fromarray(picture)


def _as_gray(picture: Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
    import numpy as np

    return np.asarray(_as_image(picture).convert("L"))


def near_duplicates(
    hashes: NDArray[np.uint64] | Sequence[ImageHash], distance: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find every pair of hashes within `distance` bits, exactly.

    Args:
        hashes: (n,) uint64, or imagehash's own of 8 x 8 bits.
        distance: bits, 0 to 32.

    Returns:
        i, j and bits, (pairs,) int64 each: i < j, by bits, then i, then j.

    Raises:
        BadParameterError: another `distance`.

    Example:
        >>> i, j, bits = curate.near_duplicates(np.array([5, 4, 255], np.uint64), distance=1)
        >>> i.tolist(), j.tolist(), bits.tolist()
        ([0], [1], [1])
    """
    import numpy as np

    from curate.base.errors import BadParameterError
    from curate.search.neighbors import pairs_among

    radius = checked(None, distance=distance).distance
    if radius < 0:
        raise BadParameterError(
            f"distance: {distance} is not allowed, must be from 0 to 32 bits", key="distance"
        )
    array = hashes if isinstance(hashes, np.ndarray) else from_imagehash(hashes)
    i, j, bits = pairs_among(_as_hashes(array), radius)
    order = np.lexsort((j, i, bits))
    return i[order], j[order], bits[order]


def _as_hashes(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return hashes as they are.

    Raises:
        DamagedInputError: an array of another shape or type.
    """
    import numpy as np

    from curate.base.errors import DamagedInputError

    array = np.asarray(hashes)
    if array.ndim != 1 or array.dtype != np.uint64:
        raise DamagedInputError(
            f"hashes of type {array.dtype} and shape {array.shape}; give (n,) uint64, as "
            "hash_images and from_imagehash return them"
        )
    return np.ascontiguousarray(array)


def from_imagehash(hashes: Iterable[ImageHash]) -> NDArray[np.uint64]:
    """Turn imagehash's hashes of 8 x 8 bits into (n,) uint64.

    Raises:
        DamagedInputError: a hash of another size (imagehash's `hash_size` must be 8).

    Example:
        >>> curate.from_imagehash([imagehash.hex_to_hash("000000000000ffff")]).tolist()
        [65535]
    """
    import numpy as np

    from curate.base.errors import DamagedInputError

    values = []
    for hash_ in hashes:
        bits = getattr(hash_, "hash", None)
        if bits is None or bits.shape != (_SIDE, _SIDE):
            what = type(hash_).__name__ if bits is None else f"a hash of {bits.shape} bits"
            raise DamagedInputError(f"{what}: only 8 x 8 bits of imagehash are read (hash_size=8)")
        values.append(int(str(hash_), 16))
    return np.array(values, np.uint64)


def to_imagehash(hashes: NDArray[np.uint64]) -> list[ImageHash]:
    """Turn (n,) uint64 into imagehash's hashes, which subtract to distances in bits.

    Example:
        >>> one, other = curate.to_imagehash(np.array([65535, 65534], np.uint64))
        >>> str(one), int(one - other)
        ('000000000000ffff', 1)
    """
    import numpy as np
    from imagehash import ImageHash

    array = _as_hashes(hashes)
    bits = np.unpackbits(array.astype(">u8").view(np.uint8)).astype(bool)
    return [ImageHash(one) for one in bits.reshape(-1, _SIDE, _SIDE)]
