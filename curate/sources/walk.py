"""Find the videos, the images and the folders of footage, and name its clips."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

from natsort import natsorted

from curate.base.errors import MissingInputError, UserError
from curate.media.clip import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Clip


def existing_footage(path: Path) -> Path:
    """Return `path`, or say in one sentence that there is no such footage."""
    if not path.exists():
        raise MissingInputError(
            f"{path}: no such footage; give an existing folder or video (parameter 'footage')",
            path=path,
        )
    return path


def videos_below(path: Path) -> list[Path]:
    """List the videos at or below `path`, sorted by path.

    Raises:
        UserError: there is none.
    """
    existing_footage(path)
    candidates = [path] if path.is_file() else visible(path)
    videos = [p for p in candidates if p.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        raise UserError(f"{path}: holds no video ({', '.join(VIDEO_SUFFIXES)})")
    return videos


def visible(folder: Path) -> list[Path]:
    """List the files below a folder, by folder and name, without hidden files and folders.

    macOS leaves files such as `._clip.mp4` behind, which are no footage.

    Raises:
        UserError: `folder` is a file.
        OSError: a folder that may not be read.
    """
    if folder.is_file():
        raise UserError(f"{folder}: is one file; this source reads the data set's folder")
    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(place)
        found += [here / name for name in sorted(files) if not name.startswith(".")]
    return found


def _raise(error: OSError) -> None:
    raise error


def image_folders(footage: Path) -> dict[Path, tuple[Path, ...]]:
    """Map each folder at or below `footage` that holds images to them, in natural order.

    Raises:
        UserError: no such footage, or no image in it.
    """
    existing_footage(footage)
    folders: dict[Path, list[Path]] = {}
    for path in visible(footage):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            folders.setdefault(path.parent, []).append(path)
    if not folders:
        raise UserError(f"{footage}: holds no image ({', '.join(IMAGE_SUFFIXES)})")
    return {
        folder: tuple(natsorted(images, key=lambda path: path.name))
        for folder, images in folders.items()
    }


def clips_of_folders(
    footage: Path, subject: re.Pattern[str], clip: re.Pattern[str], like: str
) -> list[Clip]:
    """List one clip a folder of images laid out as SUBJECT/CLIP, named so in capitals.

    Raises:
        UserError: no image in a folder `like` those wanted.
    """
    clips = []
    for folder, images in image_folders(footage).items():
        who, name = folder.parent.name.upper(), folder.name.upper()
        if subject.fullmatch(who) and clip.fullmatch(name):
            clips.append(Clip(f"{who}/{name}", who, images=images))
    if not clips:
        raise UserError(
            f"{footage}: no image in folders named like {like}; see the parameters 'footage' and "
            "'source'"
        )
    return unique(clips)


def unique(clips: list[Clip]) -> list[Clip]:
    """Sort clips by name; two of one name cannot be told apart later, so they are refused."""
    clips = sorted(clips, key=lambda clip: clip.name)
    for one, other in pairwise(clips):
        if one.name == other.name:
            raise UserError(
                f"{_place(other)}: its clip name '{other.name}' is taken by {_place(one)}; "
                "rename one"
            )
    return clips


def _place(clip: Clip) -> Path:
    return clip.video or clip.images[0].parent
