"""Outputs that appear whole or not at all, and what killed runs left of theirs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curate.errors import UserError


def _partial(path: Path) -> Path:
    """Name what is begun for `path`: hidden beside it, with the process that writes it."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` and move it there when the block ends well.

    A reader, or a run that is killed, sees the old file or the new one, never half of one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path, holds: str) -> Iterator[Path]:
    """Give a temporary folder beside `folder`, and put it in its place when the block ends well.

    `holds` names a file by which an earlier output is known: only such a folder is replaced.

    Raises:
        UserError: `folder` is there and is something else.
    """
    if folder.exists() and not (folder / holds).is_file() and any(folder.iterdir()):
        raise UserError(f"{folder}: holds something else than {holds}; choose another folder")
    partial = _partial(folder)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_left(partials: Iterable[Path]) -> int:
    """Remove what was begun (.NAME.PROCESS.partial) by processes that are gone; count it."""
    left = [partial for partial in partials if not _is_running(partial.name.split(".")[-2])]
    for partial in left:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)
    return len(left)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True
