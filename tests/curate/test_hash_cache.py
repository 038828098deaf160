"""The cache saves reading and changes nothing: what changed, or may have, is read again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from curate.footage.cache import default_folder
from curate.footage.hash import Hashed, hash_all
from curate.footage.measure import Wanted
from curate.footage.open import open_footage

Write = Callable[..., Path]
OLD = time.time_ns() - 3600 * 10**9


def age(folder: Path) -> None:
    """Set all files to an hour ago: old enough to be remembered."""
    for path in folder.rglob("*.*"):
        os.utime(path, ns=(OLD, OLD))


@pytest.fixture
def footage(tmp_path: Path, write_video: Write, write_image: Write) -> Path:
    """Write eleven images of which one is broken, a complete video and one that breaks off."""
    folder = tmp_path / "in"
    for index in range(11):
        write_image(folder / "ann" / f"{index}.jpg", seed=index // 2)
    (folder / "ann" / "10.jpg").write_text("no picture")
    write_video(folder / "talk.avi", 12)
    cut = write_video(folder / "cut.avi", 12)
    data = cut.read_bytes()
    cut.write_bytes(data[: data.index(b"idx1") - len(data) // 3])
    age(folder)
    return folder


@pytest.fixture
def run(footage: Path, tmp_path: Path) -> Callable[..., Hashed]:
    """Hash the footage at a stride, with the cache; `no_cache` without."""

    def hash_it(stride: int = 1, side: int | None = None, no_cache: bool = False) -> Hashed:
        cache = None if no_cache else tmp_path / "cache"
        return hash_all(open_footage(footage), Wanted("phash", stride, side=side), 2, cache)

    return hash_it


@pytest.mark.parametrize("first", [1, 2, 3])
@pytest.mark.parametrize("then", [1, 2, 4])
@pytest.mark.parametrize("sides", [(None, None), (32, None), (None, 32), (32, 64), (32, 32)])
def test_hashes_are_the_same_with_and_without_cache(
    run: Callable[..., Hashed], first: int, then: int, sides: tuple[int | None, int | None]
) -> None:
    run(first, sides[0])
    wanted = run(then, sides[1], no_cache=True)
    for _ in range(2):
        assert run(then, sides[1]).frames.equals(wanted.frames)


def test_a_second_run_reads_only_what_could_not_be_read(run: Callable[..., Hashed]) -> None:
    assert (run().read, run().read) == (13, 1)
    assert run().cached == 12


def test_a_stride_serves_its_multiples_but_for_videos_with_broken_frames(
    run: Callable[..., Hashed],
) -> None:
    broken = run().frames.filter(clip="cut")["reason"].drop_nulls()
    assert len(broken) > 0
    hashed = run(stride=2)  # six images, of them one broken, and the video that breaks off
    assert (hashed.read, hashed.cached) == (2, 6)


@pytest.mark.parametrize(("longer", "later"), [(1, 0), (0, 1), (1, 1)])
def test_a_file_of_other_size_or_time_is_read_again(
    run: Callable[..., Hashed], footage: Path, longer: int, later: int
) -> None:
    path, other = footage / "ann" / "4.jpg", footage / "ann" / "8.jpg"
    size = max(path.stat().st_size, other.stat().st_size)
    path.write_bytes(path.read_bytes().ljust(size))  # bytes after a JPEG's end do no harm
    age(footage)
    before = run().frames
    path.write_bytes(other.read_bytes().ljust(size + longer))
    os.utime(path, ns=(OLD + later, OLD + later))
    after = run()
    assert after.read == 2
    assert after.frames.equals(run(no_cache=True).frames)
    assert not after.frames["hash"].equals(before["hash"])


def test_files_that_are_gone_are_forgotten_and_new_ones_read(
    run: Callable[..., Hashed], footage: Path, tmp_path: Path, write_image: Write
) -> None:
    run()
    (footage / "ann" / "0.jpg").rename(footage / "ann" / "0b.jpg")
    hashed = run()
    assert (hashed.read, hashed.cached) == (2, 11)
    (table,) = (tmp_path / "cache").iterdir()
    files = set(pl.read_parquet(table)["file"])
    assert "ann/0b.jpg" in files
    assert "ann/0.jpg" not in files
    assert "ann/10.jpg" not in files  # what could not be read is not remembered


def test_a_file_that_was_written_just_now_is_not_remembered(
    run: Callable[..., Hashed], footage: Path
) -> None:
    """Written again within a tick of the clock, it would keep its size and time."""
    (footage / "ann" / "3.jpg").touch()
    os.utime(footage / "ann" / "5.jpg", (time.time() + 9999, time.time() + 9999))
    assert (run().read, run().read) == (13, 3)


def test_brackets_in_the_path_of_a_cache_are_no_pattern(footage: Path, tmp_path: Path) -> None:
    for _ in range(2):
        hashed = hash_all(open_footage(footage), Wanted("phash"), 1, tmp_path / "cache[1]")
    assert (hashed.read, hashed.cached) == (1, 12)


def version_of(table: Path) -> dict[str, str]:
    """Read what a cache notes about the code that wrote it."""
    noted = pl.read_parquet_metadata(table)
    return {key: value for key, value in noted.items() if key.startswith("framewise.")}


@pytest.mark.parametrize("damage", [b"", b"no table", "cut", "other"])
def test_a_damaged_cache_is_made_anew(
    run: Callable[..., Hashed], tmp_path: Path, damage: bytes | str
) -> None:
    expected = run().frames
    (table,) = (tmp_path / "cache").iterdir()
    if damage == "other":  # a table of the right version with columns of other types
        pl.DataFrame({"file": [1]}).write_parquet(table, metadata=version_of(table))
    else:
        data = table.read_bytes()
        table.write_bytes(data[:-40] if isinstance(damage, str) else damage)
    hashed = run()
    assert (hashed.read, hashed.cached) == (13, 0)
    assert hashed.frames.equals(expected)
    assert run().read == 1


def test_hashes_of_other_code_are_not_believed(run: Callable[..., Hashed], tmp_path: Path) -> None:
    run()
    (table,) = (tmp_path / "cache").iterdir()
    pl.read_parquet(table).with_columns(hash=pl.lit(0, pl.UInt64)).write_parquet(
        table, metadata=dict.fromkeys(version_of(table), "older")
    )
    assert run().frames.equals(run(no_cache=True).frames)


def test_kinds_and_roots_have_caches_of_their_own(footage: Path, tmp_path: Path) -> None:
    for path, kind in ((footage, "phash"), (footage, "dhash"), (footage / "ann", "phash")):
        hash_all(open_footage(path), Wanted(kind), 1, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_a_cache_that_cannot_be_written_is_a_note(footage: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    hashed = hash_all(open_footage(footage), Wanted("phash"), 1, tmp_path / "file")
    assert len(hashed.frames) == 35
    assert "hashes could not be cached there" in hashed.notes[0]


def test_the_default_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "framewise"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "framewise"
