"""Footage of one video with a CSV beside it, as OpenFace and LibreFace write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.sources import read_labels
from curate.sources.label_table import Labels

Read = Callable[..., Labels]


def write_footage(folder: Path, *rows: str, header: str) -> Path:
    """Write ann/talk.mp4, which holds nothing, and ann/talk.csv below `folder`."""
    (folder / "ann").mkdir(parents=True)
    (folder / "ann" / "talk.mp4").touch()
    (folder / "ann" / "talk.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def reader_of(source: str) -> Read:
    """Make a function that reads the labels of a folder, with the parameters it is given."""

    def read(folder: Path, **given: object) -> Labels:
        return read_labels(folder, Parameters.model_validate({"source": source, **given}))

    return read


def assert_csv_is_refused(read: Read, folder: Path, sentence: str) -> None:
    """Check that reading `folder` fails with a sentence about its CSV."""
    with pytest.raises(UserError) as raised:
        read(folder)
    assert str(raised.value).startswith(f"{folder}/ann/talk.csv")
    assert sentence in str(raised.value)
