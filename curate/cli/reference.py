"""The reference of all parameters: written from the model that checks them and from dvc.yaml."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from curate.base.console import Summary
from curate.base.errors import DamagedInputError, MissingInputError
from curate.base.params import Parameters, format_value

_COLUMNS = ["parameter", "default", "allowed", "what it is", "stages"]
_KINDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
}
_LIMITS = {
    "minimum": " from",
    "exclusiveMinimum": " above",
    "maximum": ", at most",
    "exclusiveMaximum": ", below",
    "multipleOf": ", a multiple of",
}
_PREFACE = """\
# Parameters
Printed by `curate parameters --markdown`, from the model that checks them (`curate/base/params.py`)
and from `dvc.yaml`. They stand in `params.yaml`; an option of a command wins over the file, and
`dvc exp run -S stride=1` changes one for one experiment. A value that is not allowed, or a name
that is none, is refused in one sentence by the first stage that runs.

A parameter is listed at the first stage that uses it. A change runs the stages named beside it
again, and those that depend on them."""


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline: its name, what it does, and the parameters that it names.

    `prints_all` where it names the file of parameters as a whole: it only shows them.
    """

    name: str
    what: str
    parameters: tuple[str, ...]
    prints_all: bool = False


@dataclass(frozen=True)
class Entry:
    """A parameter: its default and what is allowed as they are typed, and who names it."""

    name: str
    default: str
    allowed: str
    what: str
    stages: tuple[str, ...]


def read_stages(path: Path) -> list[Stage]:
    """Read the stages of a dvc.yaml, in its order.

    Raises:
        UserError: no such file, or not a pipeline of DVC.
    """
    try:
        stages = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
        return [_stage(name, stage) for name, stage in stages.items()]
    except FileNotFoundError:
        raise MissingInputError(
            f"{path}: no such pipeline; run this in the project's folder, or give --pipeline",
            path=path,
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        raise DamagedInputError(
            f"{path}: not a pipeline of DVC, with 'stages' at its top", path=path
        ) from None


def _stage(name: str, stage: dict[str, Any]) -> Stage:
    named = stage.get("params", [])
    keys = tuple(key for key in named if isinstance(key, str))
    return Stage(name, stage.get("desc", ""), keys, len(keys) < len(named))


def describe(stages: list[Stage]) -> list[Entry]:
    """Describe every parameter, in the order of the model."""
    return [
        Entry(
            name,
            format_value(schema["default"]),
            allowed(schema),
            schema["description"],
            tuple(stage.name for stage in stages if name in stage.parameters),
        )
        for name, schema in Parameters.model_json_schema()["properties"].items()
    ]


def allowed(schema: dict[str, Any]) -> str:
    """Write what the JSON schema of a value admits: "whole number from 1 to 999", "auto or 0"."""
    if "anyOf" in schema:
        return " or ".join(map(allowed, schema["anyOf"]))
    if "items" in schema:
        return f"list, each a {allowed(schema['items'])}"
    words = [format_value(value) for value in schema.get("enum", [])]
    if words:
        return f"{', '.join(words[:-1])} or {words[-1]}"
    if "const" in schema:
        return format_value(schema["const"])
    return _KINDS[schema["type"]] + _between(schema)


def _between(schema: dict[str, Any]) -> str:
    """Write the limits of a number, and what it is a multiple of."""
    limits = {key: words for key, words in _LIMITS.items() if key in schema}
    if "minimum" in limits and "maximum" in limits:
        limits["maximum"] = " to"
    text = "".join(f"{words} {format_value(schema[key])}" for key, words in limits.items())
    return f"{text} up" if list(limits) == ["minimum"] else text


def summarize(entries: list[Entry]) -> Summary:
    """Lay the entries out, a row each; as data by name, defaults as values."""
    defaults = Parameters().model_dump()
    rows = [_row(entry) for entry in entries]
    data = {entry.name: asdict(entry) | {"default": defaults[entry.name]} for entry in entries}
    return Summary(f"{len(entries)} parameters", _COLUMNS, rows, data)


def _row(entry: Entry) -> tuple[str, ...]:
    return (entry.name, entry.default, entry.allowed, entry.what, ", ".join(entry.stages))


def as_markdown(entries: list[Entry], stages: list[Stage]) -> str:
    """Write the page docs/parameters.md: a table for each stage, of what it is the first to use."""
    parts = [_PREFACE]
    for stage in stages:
        mine = [entry for entry in entries if entry.stages[:1] == (stage.name,)]
        if mine:
            parts.append(f"## {stage.name}\n{stage.what}.\n\n" + _table(mine))
    everything = [f"`{stage.name}`" for stage in stages if stage.prints_all]
    if everything:
        parts.append(f"Every change also runs {', '.join(everything)}, which prints them all.")
    return "\n\n".join(parts)


def _table(entries: list[Entry]) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---|---|---|---|---|"]
    for name, default, limits, what, stages in map(_row, entries):
        lines.append(f"| `{name}` | `{default}` | {limits} | {what} | {stages} |")
    return "\n".join(lines)
