"""What both programs share: how they are set up, and how they end.

A user's mistake is one sentence and exit code 2, never a traceback.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from curate.base import console
from curate.base.errors import UserError


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
