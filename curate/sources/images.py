"""Folders of images: each folder is a clip, its images in natural order are the frames.

The subject is the first folder below the footage. labels.csv is optional.
"""

from __future__ import annotations

from pathlib import Path

from natsort import natsorted

from curate.errors import UserError
from curate.params import Parameters
from curate.sources.clip import IMAGE_SUFFIXES, Clip, Labels, existing_footage, unique, visible
from curate.sources.labels_csv import read_labels_csv


def find_clips(footage: Path, parameters: Parameters) -> list[Clip]:
    """List one clip a folder that holds images, at or below `footage`."""
    existing_footage(footage)
    folders: dict[Path, list[Path]] = {}
    for path in visible(footage):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            folders.setdefault(path.parent, []).append(path)
    if not folders:
        raise UserError(f"{footage}: holds no image ({', '.join(IMAGE_SUFFIXES)})")
    return unique([_clip(folder, images, footage) for folder, images in folders.items()])


def _clip(folder: Path, images: list[Path], footage: Path) -> Clip:
    relative = folder.relative_to(footage)
    name = relative.as_posix() if relative.parts else footage.resolve().name
    ordered = natsorted(images, key=lambda path: path.name)
    return Clip(name, (relative.parts or (name,))[0], images=tuple(ordered))


def read_labels(clips: list[Clip], footage: Path, parameters: Parameters) -> Labels:
    """Read `labels.csv` in the footage's folder, if it is there."""
    return read_labels_csv(clips, footage, parameters)
