"""Hashes of files seen before: what did not change since is not read again.

One Parquet file for each root of footage and kind of hash. It is always safe to delete; one that
is damaged, or that other code wrote, is made anew. A file is known by its path, size and time of
change; what could not be read is not remembered, for that may be a matter of permissions.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import polars as pl

from curate.base.errors import DamagedInputError
from curate.base.files import atomic_write, digest, lies_in
from curate.base.text import on_one_line
from curate.footage.measure import FRAMES, Wanted
from curate.tables import read_rows

_FILE = {"file": pl.String, "size": pl.Int64, "mtime_ns": pl.Int64}  # path below the root, bytes
_MEASURED = {
    "stride": pl.Int32,  # at which a video was hashed; 0 for an image
    "side": pl.Int32,  # pixels at which sharpness was measured; null: it was not
}
_RECORD = _FILE | _MEASURED | FRAMES
LOOKED_UP = _FILE | {
    "settled": pl.Boolean,  # old enough to be known by size and time
    "known": pl.Boolean,  # hash and sharpness are the cache's
    "hash": pl.UInt64,
    "sharpness": pl.Float32,
}
_VERSION = "framewise.version"
# A file that is written again within a tick of its file system's clock keeps its time, and perhaps
# its size: one so young when it is read is not remembered. FAT's tick is the longest: 2 seconds.
_TICK = 2 * 10**9  # nanoseconds


def default_folder() -> Path | None:
    """Find where caches lie: $XDG_CACHE_HOME/framewise, else ~/.cache/framewise; None: no home."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "framewise"
    except RuntimeError:  # a user without a home, as containers have them
        return None


def cache_folder(folder: Path | None, *footages: Path | None) -> tuple[Path | None, list[str]]:
    """Choose the folder of hashes for a run on `footages`: the one given, else the user's own.

    The user's own may lie in the footage (their home, say), which is never changed: then there is
    no cache, and a note.
    """
    folder = folder or default_folder()
    for footage in filter(None, footages):
        if folder is not None and lies_in(folder, footage):
            where = f"{folder} lies inside {on_one_line(footage)}, which is never changed"
            return None, [f"no cache: {where}; choose another folder with --cache"]
    return folder, []


@dataclass(frozen=True)
class State:
    """A file as it was before it was read; `size` is -1 where there is no file to be read."""

    file: str
    size: int = -1
    mtime_ns: int = 0
    settled: bool = False

    @classmethod
    def of(cls, path: Path, name: str) -> State:
        """Look at the file at `path`, which is called `name` below its root."""
        try:
            status = path.stat()
        except OSError:
            return cls(name)
        if not stat.S_ISREG(status.st_mode):  # a named pipe would be waited on for ever
            return cls(name)
        settled = time.time_ns() - status.st_mtime_ns >= _TICK
        return cls(name, status.st_size, status.st_mtime_ns, settled)

    def is_unchanged(self, size: int, mtime_ns: int) -> bool:
        """Return whether the file still has this size and time of change."""
        return (self.size, self.mtime_ns) == (size, mtime_ns)


class _Image(NamedTuple):
    """The columns of an image's row that looking it up takes."""

    size: int
    mtime_ns: int
    side: int | None
    hash: int
    sharpness: float | None


class HashCache:
    """What is known of the files of one root of footage, for one kind of hash.

    Looking up may be done on several threads at once; putting in, by one.
    """

    def __init__(self, path: Path | None, records: pl.DataFrame) -> None:
        self._path = path
        self._records = records
        self._new: list[pl.DataFrame] = []
        videos = records.filter(pl.col("stride") > 0)
        self._videos = {str(key[0]): t for key, t in videos.group_by("file", maintain_order=True)}
        images = records.filter(pl.col("stride") == 0)
        self._images = images.select(_Image._fields)
        self._row = {name: row for row, name in enumerate(images["file"])}

    @classmethod
    def load(cls, folder: Path | None, root: Path, kind: str, decode: str = "reduced") -> HashCache:
        """Read the cache in `folder` for the footage at `root`; without a folder there is none."""
        if folder is None:
            return cls(None, pl.DataFrame(schema=_RECORD))
        name = hashlib.blake2b(os.fsencode(root.resolve()), digest_size=16).hexdigest()
        of = kind if decode == "reduced" else f"{kind}-{decode}"
        path = folder / f"{name}-{of}.parquet"
        return cls(path, _read(path))

    def image(self, state: State, wanted: Wanted) -> tuple[int, float | None] | None:
        """Return an image's hash, and its sharpness if that is wanted; None where not known."""
        row = self._row.get(state.file)
        if row is None:
            return None
        known = _Image(*self._images.row(row))
        if not state.is_unchanged(known.size, known.mtime_ns) or wanted.side not in (
            None,
            known.side,
        ):
            return None
        return known.hash, None if wanted.side is None else known.sharpness

    def video(self, state: State, wanted: Wanted) -> pl.DataFrame | None:
        """Return a video's frames as hashing at the wanted stride would; None where not known.

        A stride serves its multiples, but for a video with broken frames: whether such a frame
        could have been passed over is not known.
        """
        records = self._videos.get(state.file)
        if records is None:
            return None
        first = records.row(0, named=True)
        if not state.is_unchanged(first["size"], first["mtime_ns"]):
            return None
        if wanted.side not in (None, first["side"]) or wanted.stride % first["stride"]:
            return None
        if wanted.stride != first["stride"] and records["reason"].null_count() < len(records):
            return None
        on = pl.col("index") % wanted.stride == 0
        sharpness = pl.when(on).then("sharpness") if wanted.side else pl.lit(None, pl.Float32)
        return records.select(
            "index",
            "time",
            pl.when(on).then("hash").alias("hash"),
            sharpness.alias("sharpness"),
            "reason",
        )

    def put_video(self, state: State, wanted: Wanted, frames: pl.DataFrame) -> None:
        """Remember a video's frames, unless it is too young or nothing of it could be read."""
        if self._path is None or not state.settled or frames["hash"].null_count() == len(frames):
            return
        self._put(
            frames.with_columns(
                pl.lit(state.file).alias("file"),
                pl.lit(state.size).alias("size"),
                pl.lit(state.mtime_ns).alias("mtime_ns"),
                pl.lit(wanted.stride).alias("stride"),
                pl.lit(wanted.side).alias("side"),
            )
        )

    def put_images(self, looked_up: pl.DataFrame, wanted: Wanted) -> None:
        """Remember images that were looked up (`LOOKED_UP`) and had to be read."""
        fresh = looked_up.filter("settled", ~pl.col("known"), pl.col("hash").is_not_null())
        if self._path is None or fresh.is_empty():
            return
        self._put(
            fresh.with_columns(
                pl.lit(0).alias("stride"),
                pl.lit(wanted.side).alias("side"),
                pl.lit(0).alias("index"),
                pl.lit(None).alias("time"),
                pl.lit(None).alias("reason"),
            )
        )

    def _put(self, records: pl.DataFrame) -> None:
        self._new.append(records.select(list(_RECORD)).cast(pl.Schema(_RECORD)))

    def save(self, files: Iterable[str]) -> None:
        """Write the cache, of `files` only: others are gone from the footage.

        Raises:
            OSError: the folder cannot be written to.
        """
        if self._path is None:
            return
        existing = pl.DataFrame({"file": list(files)}, schema={"file": pl.String})
        new = pl.concat([self._records.clear(), *self._new])
        old = self._records.join(new, on="file", how="anti").join(existing, on="file", how="semi")
        if new.is_empty() and len(old) == len(self._records):
            return
        table = pl.concat([old, new]).sort("file", "index")
        with atomic_write(self._path) as begun:
            table.write_parquet(begun, metadata={_VERSION: _version()})


def _read(path: Path) -> pl.DataFrame:
    try:
        if pl.read_parquet_metadata(path).get(_VERSION) == _version():
            return read_rows(path, columns=list(_RECORD)).cast(pl.Schema(_RECORD))
    except (OSError, pl.exceptions.PolarsError, DamagedInputError):  # not there, or damaged
        pass
    return pl.DataFrame(schema=_RECORD)


@cache
def _version() -> str:
    """Sum up all that decides a hash: what was hashed by other code is hashed again."""
    here = Path(__file__).parent
    return f"{cv2.__version__} {digest(here, here.with_name('media'))}"
