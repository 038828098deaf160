"""Folders of images: each folder is a clip, its images in natural order are the frames.

The subject is the first folder below the footage. labels.csv is optional.
"""

from __future__ import annotations

from pathlib import Path

from curate.base.stage_params import LabelsParameters, SourceParameters
from curate.media.clip import Clip
from curate.sources.label_table import Labels
from curate.sources.labels_csv import read_labels_csv
from curate.sources.walk import image_folders, unique


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a folder that holds images, at or below `footage`."""
    folders = image_folders(footage)
    return unique([_clip(folder, images, footage) for folder, images in folders.items()])


def _clip(folder: Path, images: tuple[Path, ...], footage: Path) -> Clip:
    relative = folder.relative_to(footage)
    name = relative.as_posix() if relative.parts else footage.resolve().name
    return Clip(name, (relative.parts or (name,))[0], images=images)


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read `labels.csv` in the footage's folder, if it is there."""
    return read_labels_csv(clips, footage, parameters)
