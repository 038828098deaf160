"""Which experiments an ablation is made of: the story's steps, or each combination of settings."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from curate.base.errors import BadParameterError, UserError
from curate.base.params import Parameters, format_setting, format_value, load_parameters
from curate.base.paths import PARAMS
from curate.split.published_folds import check_fold

# The story begins with every frame and none of the measures; these are their values when off.
# lr has no "off". The source's wide layers did not converge "until Adam's learning rate was
# lowered", so the earlier steps take one that is too high and yet learns. On the defaults' shards
# without augmentation, 0.005 leaves the loss of seen frames after four epochs at 0.18 without and
# 0.36 with dropout, where 0.002 comes to 0.14 and 0.30; moments held out are worse as well. Far
# above it the neurons of wide layers die, and there would be nothing to compare.
WITHOUT: dict[str, Any] = {
    "cap": 0,
    "stride": 1,
    "distance": -1,
    "dropout": 0,
    "rotation": 0,
    "shear": 0,
    "zoom": 0,
    "shift": 0,
    "flip": False,
    "brightness": 0,
    "lr": 0.005,
}

# Each step adds the values of params.yaml, the end of the story, to the step before.
STEPS: dict[str, tuple[str, ...]] = {
    "capped": ("cap",),
    "capped-stride-{stride}": ("stride",),
    "near-duplicates": ("distance",),
    "dropout": ("dropout",),
    "augmentation": ("rotation", "shear", "zoom", "shift", "flip", "brightness"),
    "lower-lr": ("lr",),
}


@dataclass(frozen=True)
class Experiment:
    """One experiment: its name and what it sets otherwise than params.yaml."""

    name: str
    settings: dict[str, Any]

    @property
    def overrides(self) -> list[str]:
        """The settings as `dvc exp run -S` takes them."""
        return [format_setting(key, value) for key, value in self.settings.items()]

    @property
    def command(self) -> str:
        """The command that runs this experiment on its own, for a shell."""
        words = ["dvc", "exp", "run", "--temp", "-n", self.name]
        for override in self.overrides:
            words += ["-S", override]
        return shlex.join(words)


@dataclass(frozen=True)
class Grid:
    """The experiments in the order in which they run, and what the user should know of them."""

    experiments: list[Experiment]
    notes: list[str]


def make_grid(texts: Sequence[str], params: Path = PARAMS) -> Grid:
    """Make the experiments of `KEY=VALUE[,VALUE...]`: the story, where no key has several values.

    A key with one value holds in every experiment, as if params.yaml said so.

    Raises:
        UserError: no `KEY=VALUE`, an unknown key, a value out of range, a key given twice, or
            values that do not go together.
    """
    by_key = _read(texts, params)
    fixed = {key: values[0] for key, values in by_key.items() if len(values) == 1}
    varied = {key: values for key, values in by_key.items() if len(values) > 1}
    if varied:
        grid = Grid(_combinations(varied, fixed), [])
    else:
        grid = _story(load_parameters(params, **fixed), load_parameters(params), fixed)
    for experiment in grid.experiments:
        parameters = load_parameters(params, **experiment.settings)
        check_fold(parameters.folds, parameters.fold)  # the stage split would, hours later
    return grid


def _story(end: Parameters, written: Parameters, fixed: dict[str, Any]) -> Grid:
    """Make the story that ends with the parameters `end`; settings are those unlike `written`."""
    now = WITHOUT | {"lr": max(WITHOUT["lr"], end.lr)}
    others = {key: value for key, value in fixed.items() if key not in now}
    experiments = [_step("all-frames", now, others, written)]
    notes = []
    for pattern, keys in STEPS.items():
        name = pattern.format(stride=end.stride)
        name = name if end.cap else name.removeprefix("capped-")
        added = {key: getattr(end, key) for key in keys}
        if added.items() <= now.items():
            values = ", ".join(f"{key} {format_value(value)}" for key, value in added.items())
            notes.append(f"step '{name}' is left out: it would add nothing ({values})")
            continue
        now = now | added
        experiments.append(_step(name, now, others, written))
    return Grid(experiments, notes)


def _step(
    name: str, now: dict[str, Any], others: dict[str, Any], written: Parameters
) -> Experiment:
    changed = {key: value for key, value in now.items() if value != getattr(written, key)}
    return Experiment(name, changed | others)


def _combinations(varied: dict[str, list[Any]], fixed: dict[str, Any]) -> list[Experiment]:
    by_name: dict[str, Experiment] = {}
    for values in itertools.product(*varied.values()):
        settings = dict(zip(varied, values, strict=True))
        name = _name(settings)
        if name in by_name:
            raise UserError(
                f"-S: {by_name[name].settings} and {settings} would both be named '{name}'; "
                "run one of them on its own"
            )
        by_name[name] = Experiment(name, settings | fixed)
    return list(by_name.values())


def _name(settings: dict[str, Any]) -> str:
    """Name an experiment by its settings, as git allows it in a ref: lr-0.001_dropout-0."""
    words = "_".join(f"{key}-{format_value(value)}" for key, value in settings.items())
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub(r"[\[\]\"]", "", words))
    safe = re.sub(r"\.{2,}", ".", safe).strip(".-")
    return f"{safe}-" if safe.endswith(".lock") else safe


def _read(texts: Sequence[str], params: Path) -> dict[str, list[Any]]:
    """Read `KEY=VALUE,VALUE` by key; each value is checked as that of an option would be."""
    by_key: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, right = text.partition("=")
        key = key.strip()
        if not (equals and key and right.strip()):
            raise UserError(f"-S {text}: must be KEY=VALUE or KEY=VALUE,VALUE, as in lr=0.001,0.01")
        if key in by_key:
            raise BadParameterError(
                f"-S {text}: {key} is given twice; write {key}=VALUE,VALUE", key=key
            )
        values = [_value(key, part, params) for part in _split(right)]
        # 0 and 0.0, or 1e-3 and 0.001, are one value
        by_key[key] = [v for place, v in enumerate(values) if v not in values[:place]]
    return by_key


def _split(text: str) -> list[str]:
    """Split at the commas outside brackets: `[64],[32,32]` are two values."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _value(key: str, text: str, params: Path) -> Any:
    """Read one value as YAML has it.

    Raises:
        UserError: the parameters' model refuses it.
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if value is None:
        raise BadParameterError(
            f"-S {key}: an empty value is not allowed; see params.yaml for what is", key=key
        )
    checked = getattr(load_parameters(params, **{key: value}), key)
    # YAML reads 1e-3 as a word; as written otherwise, since 0 and 0.0 are two in DVC's run cache
    return checked if isinstance(value, str) else value
