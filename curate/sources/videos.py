"""A folder of videos: `SUBJECT/CLIP.mp4`, or `SUBJECT.mp4` at its top; labels.csv is optional."""

from __future__ import annotations

from pathlib import Path

from curate.base.stage_params import SourceParameters
from curate.media.clip import Clip
from curate.sources.labels_csv import read_labels_csv
from curate.sources.walk import video_clips

read_labels = read_labels_csv


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a video at or below `footage`."""
    return video_clips(footage)
