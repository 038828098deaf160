"""Folders of images: each folder is a clip, its images in natural order are the frames.

The subject is the first folder below the footage. labels.csv is optional.
"""

from __future__ import annotations

from pathlib import Path

from curate.base.stage_params import SourceParameters
from curate.media.clip import Clip
from curate.sources.labels_csv import read_labels_csv
from curate.sources.walk import image_clips

read_labels = read_labels_csv


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a folder that holds images, at or below `footage`."""
    return image_clips(footage)
