"""What both programs share: how they are set up, and how they end.

A user's mistake is one sentence and exit code 2, never a traceback.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from curate.base import console
from curate.base.errors import UserError
from curate.base.params import Parameters, format_value, load_parameters
from curate.base.paths import PARAMS

Command = Callable[..., None]

Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="processes [all cores]", show_default=False)
]
ParametersFile = Annotated[
    Path, typer.Option("--params", help="file of parameters; options given here win over it")
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
    if not color:
        os.environ["NO_COLOR"] = "1"  # which Rich honours, here and in processes that are started


def run_program(name: str, app: typer.Typer) -> None:
    """Run a typer app as the program `name`."""
    console.begin_program()
    try:
        with console.log_as_notes("curate", "train"):
            app()
    except UserError as error:
        console.fail(name, str(error))
        sys.exit(2)
    except SystemExit as ended:  # typer says nothing: 130 on Ctrl-C, 143 on SIGTERM
        if ended.code in (130, 143):
            console.fail(name, "interrupted; run it again to resume")
        raise
    except OSError as error:  # a folder where a file is meant, no permission, a full disk
        place = error.filename2 or error.filename
        console.fail(name, f"{place}: {error.strerror}" if place else str(error))
        sys.exit(2)


def with_parameters(*keys: str, **names: str) -> Callable[[Command], Command]:
    """Give a command the options of parameters, and hand it all parameters, validated, as `p`.

    The options of `keys`, then those of `names` (what is typed: "--subjects", or a switch with the
    value that it sets: "--full-decode=full"), stand in the place of the command's argument `p`;
    `--params` stands last, before `--json`. What the command also takes by name is handed to it.
    """
    typed = {key: f"--{key.replace('_', '-')}" for key in keys} | names
    options = [_option(key, name) for key, name in typed.items()]
    options.append(_keyword("params", PARAMS, ParametersFile))
    last = {"params": 1, "as_json": 2}

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [o for o in signature.parameters.values() if o.name not in {"params", *typed}]
        place = [option.name for option in own].index("p")
        shown = [*own[:place], *options, *own[place + 1 :]]
        shown.sort(key=lambda option: last.get(option.name, 0))

        @functools.wraps(command)
        def read_parameters(**given: Any) -> None:
            p = load_parameters(given["params"], **{key: given[key] for key in typed})
            command(p=p, **{name: given[name] for name in given.keys() & signature.parameters})

        read_parameters.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        return read_parameters

    return decorate


def _option(key: str, typed: str) -> inspect.Parameter:
    """Describe a parameter's option; left out, params.yaml or the default decides."""
    field = Parameters.model_fields[key]
    name, _, value = typed.partition("=")
    words = [value] if value else _choices(field.annotation)
    allowed = f": {', '.join(words)}" if words else ""
    otherwise = f"[params.yaml, else {format_value(field.get_default())}]"
    kind = field.annotation if field.annotation in (int, float, bool) else bool if value else str
    option = typer.Option(
        name,
        help=f"{field.description}{allowed} {otherwise}",
        show_default=False,
        callback=(lambda given: value if given else None) if value else None,
    )
    return _keyword(key, None, Annotated[kind | None, option])


def _keyword(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def _choices(annotation: Any) -> list[str]:
    """List the words that a type admits: those of its Literal, or of a Literal in its union."""
    parts = get_args(annotation)
    return [word for p in parts for word in ([p] if isinstance(p, str) else _choices(p))]
