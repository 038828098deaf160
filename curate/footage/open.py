"""What a path given to a command is: a frames table, or clips of videos and of images."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curate.base.errors import DamagedInputError, MissingInputError, UserError
from curate.base.text import as_text, first_few, on_one_line
from curate.media.clip import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Clip
from curate.sources.walk import check_footage, image_clips, unique, video_clips, visible
from curate.tables import HASH_KIND, KEY, recorded

# A Parquet file with these columns is a part of a frames table.
_PART = [*KEY, "hash", "reason"]
_TABLES = (".parquet",)
_MEDIA = VIDEO_SUFFIXES + IMAGE_SUFFIXES


@dataclass(frozen=True)
class Footage:
    """Footage at `path`: either `parts` of a frames table, or `clips`; notes for the user."""

    path: Path
    clips: list[Clip] = field(default_factory=list)
    parts: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        """The videos and images of all clips."""
        return [file for clip in self.clips for file in (clip.video, *clip.images) if file]


def open_footage(path: Path) -> Footage:
    """Look at what lies at `path`: a video, a folder of videos or images, or a frames table.

    Hidden files and folders are not looked at.

    Raises:
        UserError: nothing there, no footage, one image alone, or two things that could be meant.
    """
    check_footage(path)
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        raise UserError(
            f"{path}: one picture has no duplicate; give the folder that it lies in", path=path
        )
    files = [path] if path.is_file() else visible(path)
    tables, media = _with_suffix(files, _TABLES), _with_suffix(files, _MEDIA)
    parts = list(filter(is_part, tables))
    if parts and media:
        raise UserError(
            f"{path}: holds both pictures or videos ({media[0]}) and a frames table "
            f"({parts[0]}); give the path of the one that is meant",
            path=path,
        )
    if path in tables and not parts:
        raise DamagedInputError(
            f"{path}: not a part of a frames table (columns {', '.join(_PART)})", path=path
        )
    notes = _passed_over(set(tables) - set(parts)) + _linked_folders(path)
    if parts:
        return Footage(path, parts=parts, notes=notes)
    return Footage(path, clips=_find_clips(path, media), notes=notes)


def _with_suffix(files: list[Path], suffixes: tuple[str, ...]) -> list[Path]:
    return [file for file in files if file.suffix.lower() in suffixes]


def is_part(path: Path) -> bool:
    """Return whether the Parquet file at `path` is a part of a frames table, by its columns."""
    try:
        return set(pq.read_schema(path).names) >= set(_PART)
    except (pa.ArrowInvalid, OSError):
        return False


def _passed_over(tables: Iterable[Path]) -> list[str]:
    names = sorted(map(on_one_line, tables))
    if not names:
        return []
    return [f"{first_few(names)}: no part of a frames table by its columns, passed over"]


def _linked_folders(path: Path) -> list[str]:
    """Point out links to folders, which are not followed: they may lead in circles."""
    links = sorted(
        on_one_line(Path(place, name))
        for place, folders, _ in os.walk(path)
        for name in folders
        if not name.startswith(".") and Path(place, name).is_symlink()
    )
    if not links:
        return []
    return [
        f"links to folders are not followed; give each as a PATH of its own: {first_few(links)}"
    ]


def _find_clips(path: Path, media: list[Path]) -> list[Clip]:
    suffixes = {file.suffix.lower() for file in media}
    clips: list[Clip] = []
    if suffixes & set(VIDEO_SUFFIXES):
        clips += video_clips(path)
    if suffixes & set(IMAGE_SUFFIXES):
        clips += image_clips(path)
    if not clips:
        raise MissingInputError(
            f"{path}: holds no footage: no video ({', '.join(VIDEO_SUFFIXES)}), no image "
            f"({', '.join(IMAGE_SUFFIXES)}) and no Parquet part",
            path=path,
        )
    return unique([replace(c, name=as_text(c.name), subject=as_text(c.subject)) for c in clips])


def file_id(file: Path, root: Path) -> str:
    """Name a file of the footage at `root`: its path below it."""
    return as_text(file.relative_to(root if root != file else root.parent).as_posix())


def check_hash_kind(parts: Iterable[Path], kind: str) -> None:
    """Refuse parts of a frames table whose hashes are known to be of another kind.

    Raises:
        UserError: a part, by name, and both kinds.
    """
    for part in parts:
        known = recorded(part, HASH_KIND)
        if known not in (None, kind):
            raise UserError(
                f"{part}: its hashes are of the kind '{known}', and '{kind}' is asked for; give "
                f"--hash {known}, or make the frames again with 'curate frames --hash {kind}'",
                path=part,
                key="hash",
            )
