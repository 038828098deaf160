"""What both programs share: how they are set up, and how they end.

A user's mistake is one sentence and exit code 2, never a traceback.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from curate.base import console
from curate.base.errors import UserError
from curate.base.params import Parameters, load_parameters

ParametersFile = Annotated[
    Path, typer.Option("--params", help="file of parameters; options given here win over it")
]
FullDecode = Annotated[
    bool,
    typer.Option(
        "--full-decode",
        help="decode in full and hash with imagehash itself, bit for bit (parameter decode: full)",
    ),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="processes [all cores]", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object instead of tables")]


def new_app(text: str) -> typer.Typer:
    """Set up a typer app whose help opens with `text`, with the options that every command has."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=text,
    )
    app.callback()(_settings)
    return app


def _settings(
    color: Annotated[bool, typer.Option("--color/--no-color", help="colour the output")] = True,
) -> None:
    console.configure(color=color)


def run_program(name: str, app: typer.Typer) -> None:
    """Run a typer app as the program `name`."""
    try:
        app()
    except UserError as error:
        console.fail(name, str(error))
        sys.exit(2)
    except SystemExit as ended:  # typer says nothing: 130 on Ctrl-C, 143 on SIGTERM
        if ended.code in (130, 143):
            console.fail(name, "interrupted; run it again to go on")
        raise
    except OSError as error:  # a folder where a file is meant, no permission, a full disk
        place = error.filename2 or error.filename
        console.fail(name, f"{place}: {error.strerror}" if place else str(error))
        sys.exit(2)


def of(key: str, *names: str) -> Any:
    """Make the option of a parameter; left out, params.yaml or the default decides."""
    field = Parameters.model_fields[key]
    choices = _choices(field.annotation)
    allowed = f": {', '.join(choices)}" if choices else ""
    text = f"{field.description}{allowed} [params.yaml, else {field.get_default()}]"
    return typer.Option(*(names or (f"--{key.replace('_', '-')}",)), help=text, show_default=False)


def _choices(annotation: Any) -> list[str]:
    """List the words that a type admits: those of its Literal, or of a Literal in its union."""
    parts = get_args(annotation)
    return [word for p in parts for word in ([p] if isinstance(p, str) else _choices(p))]


def cores(workers: int | None) -> int:
    """Return how many workers to use: those given, or one a core that this process may use."""
    return workers or len(os.sched_getaffinity(0))


def read(path: Path, **given: Any) -> Parameters:
    """Read the parameters: the options that were `given` over those of the file at `path`."""
    return load_parameters(path, **given)
