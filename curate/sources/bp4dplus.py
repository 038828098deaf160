"""BP4D+: as BP4D, but for the names of the images: frame f is the image f - 1."""

from __future__ import annotations

from pathlib import Path

from curate.base.stage_params import LabelsParameters
from curate.media.clip import Clip
from curate.sources import bp4d
from curate.sources.label_table import Labels

find_clips = bp4d.find_clips


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read the tables of all clips; an image is named by its frame's number less 1."""
    given = parameters.image_offset
    return bp4d.read_coding(clips, footage, -1 if given == "auto" else given)
