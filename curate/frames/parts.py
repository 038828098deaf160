"""The parts of the frames table, one a clip: what each was made from, and which are to go."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import cv2
import polars as pl
import pyarrow as pa

from curate.base.files import digest, remove_leftovers
from curate.base.stage_params import FramesParameters
from curate.frames.faces import cascade_file
from curate.media.clip import Clip
from curate.tables import CROP, FRAMES, HASH_KIND, recorded

_MADE_FROM = b"framewise.made_from"
_SCHEMA = pl.DataFrame(schema=FRAMES).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
# A file that `atomic_write` has begun; its name holds the process that writes it.
_PARTIAL = re.compile(r"\..+\.parquet\.\d{1,9}\.partial")


def part_schema(clip: Clip, parameters: FramesParameters) -> pa.Schema:
    """Give the columns of a clip's part, with what it is made from, its kind of hash, its crop."""
    return _SCHEMA.with_metadata(
        {
            _MADE_FROM: fingerprint(clip, parameters),
            HASH_KIND: parameters.hash.encode(),
            CROP: parameters.crop.encode(),
        }
    )


def is_made_from(path: Path, schema: pa.Schema) -> bool:
    """Return whether the part at `path` was made from the input that `schema` names."""
    return recorded(path, _MADE_FROM) == schema.metadata[_MADE_FROM].decode()


def fingerprint(clip: Clip, parameters: FramesParameters) -> bytes:
    """Digest all that decides a part's content: footage, landmarks, parameters, code."""
    sums = hashlib.blake2b(_code(), digest_size=16)
    crop = (parameters.image_size, parameters.crop, parameters.jpeg_quality)
    hashing = (parameters.hash, parameters.decode)
    sums.update(repr((cv2.__version__, clip.name, clip.subject, crop, hashing)).encode())
    landmarks = clip.landmarks if parameters.crop == "landmarks" else None
    cascade = cascade_file() if parameters.crop == "haar" else None
    for path in filter(None, (clip.video, landmarks, cascade, *clip.images)):
        sums.update(path.name.encode())
        with path.open("rb") as file:
            sums.update(hashlib.file_digest(file, "blake2b").digest())
    return sums.hexdigest().encode()


@cache
def _code() -> bytes:
    """Sum up the code that decides a part's content: a part of older code is made again."""
    here = Path(__file__).parent
    return digest(here, here.with_name("media")).encode()


def remove_stale(folder: Path, wanted: set[Path]) -> int:
    """Remove parts of clips that are gone, only files that this stage made; return how many."""
    existing = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    stale = [
        path for path in existing if path not in wanted and recorded(path, _MADE_FROM) is not None
    ]
    for path in stale:
        path.unlink()
    return len(stale)


def remove_partials(folder: Path) -> int:
    """Remove files that a killed run has begun and left below `folder`; return how many."""
    existing = sorted(folder.rglob(".*.partial")) if folder.is_dir() else []
    return remove_leftovers(path for path in existing if _PARTIAL.fullmatch(path.name))
