"""The command `train compare`: which experiment is best, and how they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.base import console
from curate.base.cli import AsJson


def compare_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EXPERIMENTS",
            help="experiments, branches, tags, commits, or workspace [all experiments that start "
            "from the last commit, that commit, and the workspace where it differs from all]",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="folder to write")] = Path("comparison"),
    as_json: AsJson = False,
) -> None:
    """Compare experiments of DVC: their gap, what it is made of, and their scores.

    Names the best and whether it is clear of all others by the 95 % intervals; draws three charts
    and writes one self-contained page, index.html. What failed, is queued or lacks a file is listed
    with the reason.

    Examples:

    - `train compare`: all experiments that start from the last commit, and that commit

    - `train compare no-dropout main --output comparison`: an experiment beside a branch
    """
    from train.compare.stage import run

    console.show(run(names or [], output).summary(), as_json=as_json)
