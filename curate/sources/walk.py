"""Find the videos, the images and the folders of footage, and name its clips."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

from natsort import natsorted

from curate.base.errors import MissingInputError, UserError
from curate.media.clip import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Clip


def check_footage(path: Path) -> None:
    """Refuse a path where there is nothing.

    Raises:
        MissingInputError: no such footage.
    """
    if not path.exists():
        raise MissingInputError(
            f"{path}: no such footage; give an existing folder or video (parameter 'footage')",
            path=path,
        )


def videos_below(path: Path) -> list[Path]:
    """List the videos at or below `path`, sorted by path.

    Raises:
        MissingInputError: there is none.
    """
    check_footage(path)
    candidates = [path] if path.is_file() else visible(path)
    videos = [p for p in candidates if p.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        raise MissingInputError(f"{path}: holds no video ({', '.join(VIDEO_SUFFIXES)})", path=path)
    return videos


def visible(folder: Path) -> list[Path]:
    """List the files below a folder, by folder and name, without hidden files and folders.

    macOS leaves files such as `._clip.mp4` behind, which are no footage.

    Raises:
        UserError: `folder` is a file.
        OSError: a folder that may not be read.
    """
    if folder.is_file():
        raise UserError(
            f"{folder}: is one file; this source reads the data set's folder", path=folder
        )

    def stop(error: OSError) -> None:
        raise error

    paths: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [Path(place, name) for name in sorted(files) if not name.startswith(".")]
    return paths


def image_folders(footage: Path) -> dict[Path, tuple[Path, ...]]:
    """Map each folder at or below `footage` that holds images to them, in natural order.

    Raises:
        MissingInputError: no such footage, or no image in it.
    """
    check_footage(footage)
    folders: dict[Path, list[Path]] = {}
    for path in visible(footage):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            folders.setdefault(path.parent, []).append(path)
    if not folders:
        raise MissingInputError(
            f"{footage}: holds no image ({', '.join(IMAGE_SUFFIXES)})", path=footage
        )
    return {
        folder: tuple(natsorted(images, key=lambda path: path.name))
        for folder, images in folders.items()
    }


def video_clips(footage: Path) -> list[Clip]:
    """List one clip a video at or below `footage`: SUBJECT/CLIP.mp4, or SUBJECT.mp4 at its top.

    Raises:
        UserError: there is none, or two of one name.
    """
    root = footage if footage.is_dir() else footage.parent
    clips = []
    for video in videos_below(footage):
        name = video.relative_to(root).with_suffix("")
        clips.append(Clip(name.as_posix(), name.parts[0], video))
    return unique(clips)


def image_clips(footage: Path) -> list[Clip]:
    """List one clip a folder that holds images, at or below `footage`.

    The subject is the first folder below `footage`.

    Raises:
        UserError: there is none.
    """
    clips = []
    for folder, images in image_folders(footage).items():
        parts = folder.relative_to(footage).parts or (footage.resolve().name,)
        clips.append(Clip("/".join(parts), parts[0], images=images))
    return unique(clips)


def clips_of_folders(
    footage: Path, subject: re.Pattern[str], clip: re.Pattern[str], example: str
) -> list[Clip]:
    """List one clip a folder of images laid out as SUBJECT/CLIP, named so in capitals.

    Raises:
        MissingInputError: no image in such a folder, named like the `example`.
    """
    clips = []
    for folder, images in image_folders(footage).items():
        person, name = folder.parent.name.upper(), folder.name.upper()
        if subject.fullmatch(person) and clip.fullmatch(name):
            clips.append(Clip(f"{person}/{name}", person, images=images))
    if not clips:
        raise MissingInputError(
            f"{footage}: no image in folders named like {example}; see the parameters 'footage' "
            "and 'source'",
            path=footage,
        )
    return unique(clips)


def unique(clips: list[Clip]) -> list[Clip]:
    """Sort clips by name; two of one name cannot be told apart later.

    Raises:
        UserError: two clips of one name.
    """
    clips = sorted(clips, key=lambda clip: clip.name)
    for first, second in pairwise(clips):
        if first.name == second.name:
            raise UserError(
                f"{_place(second)}: its clip name '{second.name}' is taken by {_place(first)}; "
                "rename one",
                path=_place(second),
            )
    return clips


def _place(clip: Clip) -> Path:
    return clip.video or clip.images[0].parent
