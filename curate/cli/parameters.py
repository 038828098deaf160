"""The command of `curate` that tells what may be set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.base import console
from curate.base.cli import AsJson
from curate.base.errors import UserError
from curate.base.paths import PIPELINE


def parameters(
    pipeline: Annotated[Path, typer.Option(help="stages that use the parameters")] = PIPELINE,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="print the page docs/parameters.md")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List every parameter: its default, what is allowed, what it is, the stages that use it.

    Examples: `curate parameters`, `curate parameters --markdown > docs/parameters.md`
    """
    from curate.cli import reference

    console.configure(as_json=as_json)
    if markdown and as_json:
        raise UserError("--markdown and --json: are two forms of one answer; choose one of them")
    stages = reference.read_stages(pipeline)
    entries = reference.describe(stages)
    if markdown:
        print(reference.as_markdown(entries, stages))
        return
    console.report(
        f"{len(entries)} parameters",
        reference.COLUMNS,
        reference.as_rows(entries),
        reference.as_data(entries),
    )
