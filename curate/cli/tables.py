"""The options that name tables of the pipeline, and what they go with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.base.errors import UserError
from curate.base.paths import CAP, SPLIT

FramesTable = Annotated[Path, typer.Option(help="the pipeline's frames")]
LabelsTable = Annotated[Path, typer.Option(help="the pipeline's labels")]
DedupTable = Annotated[Path, typer.Option(help="decisions of curate dedup")]
Splits = Annotated[
    Path | None,
    typer.Option(
        help="who uses which frame, Parquet or CSV with id and split "
        "[data/cap.parquet, else data/split.parquet]",
        show_default=False,
    ),
]


def check_alone(path: Path | None, **tables: bool) -> None:
    """Refuse tables of the pipeline that are given, by option, beside the footage at `path`.

    Raises:
        UserError: one is given, and would be passed over.
    """
    for name, given in tables.items():
        if path is not None and given:
            raise UserError(
                f"--{name}: is a table of the pipeline, and {path} is what is looked at; leave out "
                "one of them"
            )


def latest_split(split: Path | None) -> Path | None:
    """Choose the table of who uses which frame: the one given, or the pipeline's latest."""
    return split or next((place for place in (CAP, SPLIT) if place.exists()), None)
