"""Files and folders: written completely or not at all, read, checked and hashed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from curate.base.errors import DamagedInputError, MissingInputError, UserError
from curate.base.text import first_few


def _partial(path: Path) -> Path:
    """Name what is begun for `path`: hidden beside it, with the process that writes it."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
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
def atomic_folder(folder: Path, holds: str, *others: str) -> Iterator[Path]:
    """Give a temporary folder beside `folder`, and put it in its place when the block ends well.

    Raises:
        UserError: `folder` is not as `check_folder` wants it (`holds` and `others` are the same).
    """
    check_folder(folder, holds, *others)
    folder = folder.resolve()  # "." has no name to put a temporary one beside
    partial = _partial(folder)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_folder(folder: Path, holds: str, *others: str) -> None:
    """Accept a folder that is new, empty, or an earlier output, all of which will be replaced.

    An earlier output has the file `holds`, and beside it nothing but what `others` name: files and
    folders, with `*` as a shell has it.

    Raises:
        UserError: `folder` holds something else, or is a file.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(
            f"{folder}: is a file, and a folder is to be written; choose another name", path=folder
        )
    names = sorted(path.name for path in folder.iterdir())
    if names and holds not in names:
        raise UserError(
            f"{folder}: holds something else than {holds}; choose another folder", path=folder
        )
    foreign = [name for name in names if not any(fnmatch(name, own) for own in (holds, *others))]
    if foreign:
        raise UserError(
            f"{folder}: holds {first_few(foreign, 1)}, which would be lost; choose another folder",
            path=folder,
        )


def remove_leftovers(partials: Iterable[Path]) -> int:
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


def lies_in(place: Path, footage: Path) -> bool:
    """Return whether a place is the footage, or lies inside it."""
    return footage.resolve() in (place.resolve(), *place.resolve().parents)


def check_outside(path: Path, *places: Path | None) -> None:
    """Refuse places to write to that lie in the footage at `path`.

    Raises:
        UserError: a place is the footage, or lies inside it.
    """
    for place in filter(None, places):
        if lies_in(place, path):
            raise UserError(
                f"{place}: lies inside {path}, which is never changed; choose another place",
                path=place,
            )


def check_suffix(path: Path, what: str, *suffixes: str) -> None:
    """Refuse a name for an output that does not say what it is, such as "the picture" as a .pdf.

    Raises:
        UserError: the name ends in none of the `suffixes`.
    """
    if path.suffix.lower() not in suffixes:
        allowed = " or ".join(suffixes)
        raise UserError(f"{path}: {what} is written as {allowed}; choose such a name", path=path)


def check_writable(place: Path) -> None:
    """Refuse a place in a folder that cannot be written to, before hours of hashing.

    Raises:
        UserError: what is there above `place` is no folder, or one without permission.
    """
    above = next(folder for folder in place.absolute().parents if folder.exists())
    if not above.is_dir():
        raise UserError(
            f"{place}: {above} is a file, not a folder; choose another place", path=place
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise UserError(
            f"{place}: no permission to write in {above}; choose another place", path=place
        )


def digest(*paths: Path) -> str:
    """Sum up the content of files, and of all code below folders, as 64 hexadecimal digits.

    Folders are gone through in the order of their paths and only for `*.py`, so that what a tool
    leaves among them (caches, say) is of no account. Where a file lies is of no account either: the
    sum of a checkout is the same wherever it lies.
    """
    total = hashlib.sha256()
    for path in paths:
        files = [path] if path.is_file() else sorted(path.rglob("*.py"))
        for file in files:
            name = file.name if file == path else file.relative_to(path).as_posix()
            with file.open("rb") as content:
                total.update(
                    f"{name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode()
                )
    return total.hexdigest()


def write_json(content: Any, path: Path) -> None:
    """Write a stage's JSON file, indented by two spaces."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path, command: str, *keys: str) -> dict[str, Any]:
    """Read the JSON object that `command` ("train fit", say) wrote, with all of `keys` in it.

    Raises:
        MissingInputError: no such file.
        DamagedInputError: not JSON, or an object without one of the keys.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingInputError(
            f"{path}: no such file; make it with '{command}' or 'dvc repro'", path=path
        ) from None
    except ValueError as error:
        raise DamagedInputError(
            f"{path}: not JSON ({error}); make it again with '{command}'", path=path
        ) from None
    if not isinstance(content, dict):
        wrong = "not a JSON object"
    elif missing := [key for key in keys if key not in content]:
        wrong = f"lacks '{missing[0]}'"
    else:
        return content
    raise DamagedInputError(f"{path}: {wrong}; make it again with '{command}'", path=path)
