"""Sources of footage: each finds clips in a layout and reads their labels.

A source is a module with two functions:

    find_clips(footage: Path, parameters: Parameters) -> list[Clip]
    read_labels(clips: list[Clip], footage: Path, parameters: Parameters) -> Labels
"""

from __future__ import annotations

import importlib
from pathlib import Path

from curate.params import Parameters
from curate.sources.clip import Clip, Labels


def find_clips(footage: Path, parameters: Parameters) -> list[Clip]:
    """List the clips of the footage, sorted by name, as the source named in `parameters` sees it.

    Raises:
        UserError: no such footage, or nothing in it that the source knows.
    """
    return _source(parameters).find_clips(footage, parameters)


def read_labels(footage: Path, parameters: Parameters) -> Labels:
    """Read the labels of the footage's clips: one row a labelled frame.

    Raises:
        UserError: a damaged label file, by file and row.
    """
    clips = find_clips(footage, parameters)
    return _source(parameters).read_labels(clips, footage, parameters)


def _source(parameters: Parameters):  # type: ignore[no-untyped-def]
    return importlib.import_module(f"curate.sources.{parameters.source}")
