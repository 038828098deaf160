"""Sources of footage: each finds clips in a layout and reads their labels.

A source is a module with two functions:

    find_clips(footage: Path, parameters: LabelsParameters) -> list[Clip]
    read_labels(clips: list[Clip], footage: Path, parameters: LabelsParameters) -> Labels

`read_labels` reads past a damaged file and puts it down in `Labels.damage`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from curate.base.errors import DamagedInputError, UserError
from curate.base.stage_params import LabelsParameters, SourceParameters
from curate.base.text import plural
from curate.media.clip import Clip
from curate.sources.label_table import Labels


def find_clips(footage: Path, parameters: SourceParameters) -> list[Clip]:
    """List the clips of the footage, sorted by name, as the source named in `parameters` sees it.

    Raises:
        UserError: no such footage, or nothing in it that the source knows.
    """
    return _module(parameters.source).find_clips(footage, parameters)


def read_labels(footage: Path, parameters: LabelsParameters, *, check: bool = False) -> Labels:
    """Read the labels of the footage's clips: one row a labelled frame.

    With `check`, damaged files are left out and named in the result's `damage`.

    Raises:
        DamagedInputError: a damaged label file, by file and row, and how many more there are.
        UserError: no such footage, or nothing in it that the source knows.
    """
    clips = find_clips(footage, parameters)
    labels = _module(parameters.source).read_labels(clips, footage, parameters)
    if labels.damage and not check:
        first = labels.damage[0]
        raise DamagedInputError(_summarize(labels.damage), path=first.path)
    return labels


def _summarize(damage: list[UserError]) -> str:
    """Describe the first file's damage, how many more files there are and how to see them all."""
    sentence = str(damage[0])
    files = len(damage) - 1
    if files:
        sentence += f"; and {plural(files, 'more damaged file')}"
    if files or len(damage[0].sentences) > 1:
        sentence += "; 'curate labels --check' names them all"
    return sentence


def _module(source: str) -> ModuleType:
    return importlib.import_module(f"curate.sources.{source}")
