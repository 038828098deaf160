"""Command-line options that stand for a parameter: their help is the parameter's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from curate.base.params import Parameters, load_parameters


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


ParametersFile = Annotated[
    Path, typer.Option("--params", help="file of parameters; options given here win over it")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="processes [all cores]", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object instead of tables")]


def cores(workers: int | None) -> int:
    """Answer how many workers to use: those given, or one a core that this process may use."""
    return workers or len(os.sched_getaffinity(0))


def read(path: Path, **given: Any) -> Parameters:
    """Read the parameters: the options that were `given` over those of the file at `path`."""
    return load_parameters(path, **given)
