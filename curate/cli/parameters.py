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
    from curate.cli.reference import as_markdown, describe, read_stages, summarize

    if markdown and as_json:
        raise UserError("--markdown and --json: are two forms of one answer; choose one of them")
    stages = read_stages(pipeline)
    entries = describe(stages)
    if markdown:
        print(as_markdown(entries, stages))
    else:
        console.show(summarize(entries), as_json=as_json)
