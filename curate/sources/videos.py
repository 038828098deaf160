"""A folder of videos: `SUBJECT/CLIP.mp4`, or `SUBJECT.mp4` at its top; labels.csv is optional."""

from __future__ import annotations

from pathlib import Path

from curate.base.stage_params import LabelsParameters, SourceParameters
from curate.media.clip import Clip
from curate.sources.label_table import Labels
from curate.sources.labels_csv import read_labels_csv
from curate.sources.walk import unique, videos_below


def clip_of(video: Path, root: Path) -> Clip:
    """Name a video's clip by its path below `root`, and its subject by the first folder there."""
    relative = video.relative_to(root if root.is_dir() else root.parent).with_suffix("")
    return Clip(relative.as_posix(), relative.parts[0], video)


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List one clip a video at or below `footage`."""
    return unique([clip_of(video, footage) for video in videos_below(footage)])


def read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels:
    """Read `labels.csv` in the footage's folder, if it is there."""
    return read_labels_csv(clips, footage, parameters)
