"""All parameters as one flat, validated, frozen model, read once by each command."""

from __future__ import annotations

import difflib
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from curate.base.errors import BadParameterError, DamagedInputError, MissingInputError
from curate.base.stage_params import (
    CapParameters,
    DedupParameters,
    DemoParameters,
    EvaluateParameters,
    FitParameters,
    FramesParameters,
    LabelsParameters,
    ShardsParameters,
    SplitParameters,
    SuggestParameters,
)

# The stages in order, each with the parameters that it reads (report shows them all).
STAGES: dict[str, type[BaseModel]] = {
    "demo": DemoParameters,
    "labels": LabelsParameters,
    "frames": FramesParameters,
    "dedup": DedupParameters,
    "split": SplitParameters,
    "cap": CapParameters,
    "shards": ShardsParameters,
    "fit": FitParameters,
    "evaluate": EvaluateParameters,
}

# What must be, where pydantic's own words are a programmer's; by the beginning of an error's type.
_IN_WORDS = {
    "int_": "a whole number",
    "float_": "a number",
    "bool_": "true or false",
    "list_type": "a list, such as [1, 2]",
}

_PLAIN = re.compile(r"[A-Za-z][\w./-]*")  # a word that Hydra reads without quotes


class Parameters(
    EvaluateParameters,
    FitParameters,
    ShardsParameters,
    CapParameters,
    SplitParameters,
    SuggestParameters,
    LabelsParameters,
    DemoParameters,
):
    """Every parameter of the pipeline; the defaults are those of a command without params.yaml.

    The bases stand in reverse, so that the fields stand in the order of the stages.
    """


def load_parameters(path: Path | None, **given: Any) -> Parameters:
    """Read `path` (params.yaml) and lay the options that were `given` (not None) over it.

    A path of None, or the default params.yaml where there is none, means the model's defaults.

    Raises:
        MissingInputError: no such file.
        DamagedInputError: not a YAML file of keys and values.
        BadParameterError: an unknown key, or a value out of range; `key` is the first of several.
    """
    written = _read(path) if path is not None else {}
    merged = written | {key: value for key, value in given.items() if value is not None}
    try:
        return Parameters(**merged)
    except ValidationError as error:
        where = {key: "option" if given.get(key) is not None else str(path) for key in merged}
        by_key: dict[str, list[Any]] = {}
        for details in error.errors():
            by_key.setdefault(str(details["loc"][0]), []).append(details)
        messages = [_sentence(key, errors, where[key]) for key, errors in by_key.items()]
        keys = list(by_key)
        raise BadParameterError("; ".join(messages), path=path, key=keys[0]) from None


def format_value(value: object) -> str:
    """Write a parameter's value as it is typed into params.yaml: true, 0.00002, [1, 2], a word.

    None, an empty value in YAML, is empty.
    """
    if value is None:
        return ""
    if isinstance(value, float):  # without an exponent: PyYAML takes 2e-05 for a word
        return f"{Decimal(repr(value)):f}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def format_setting(key: str, value: object) -> str:
    """Write a parameter as `dvc exp run -S` takes it: "lr=0.001", quoted where Hydra needs that.

    https://hydra.cc/docs/advanced/override_grammar/basic/
    """
    quoted = isinstance(value, str) and not _PLAIN.fullmatch(value)
    text = json.dumps(value, ensure_ascii=False) if quoted else format_value(value)
    return f"{key}={text}"


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        if path == Path("params.yaml"):
            return {}
        raise MissingInputError(f"{path}: no such parameter file", path=path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DamagedInputError(f"{path}: not a YAML file: {reason}", path=path) from None
    if not isinstance(content, dict):
        raise DamagedInputError(f"{path}: must hold one 'key: value' a line", path=path)
    return {str(key): value for key, value in content.items()}


def _sentence(key: str, errors: list[Any], where: str) -> str:
    """Format pydantic's errors of one key, one for each type it may have: place, key, value."""
    if errors[0]["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Parameters.model_fields, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "see params.yaml for the keys"
        return f"{where}: unknown parameter '{key}': {hint}"
    must = " or ".join(dict.fromkeys(map(_wanted, errors)))
    meaning = Parameters.model_fields[key].description
    return f"{where}: {key}: {errors[0]['input']!r} is not allowed, must be {must} ({meaning})"


def _wanted(error: Any) -> str:
    """Describe what one of pydantic's errors wants."""
    for kind, words in _IN_WORDS.items():
        if error["type"].startswith(kind):
            return words
    message: str = error["msg"]
    return message.removeprefix("Value error, ").removeprefix("Input should be ")
