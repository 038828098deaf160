"""What experiments differ in, and what each is called in charts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curate.base.params import format_value
from train.experiments.read import Experiment

_MOST_CHANGES = 3  # parameters in a label; where more differ, the table has them


def differing(experiments: Sequence[Experiment]) -> list[str]:
    """Name the parameters that differ among the experiments, in the order of params.yaml.

    An experiment whose parameters cannot be read differs from none.
    """
    known = [each.results.parameters for each in experiments if each.results.parameters]
    names = dict.fromkeys(name for parameters in known for name in parameters)
    return [
        name
        for name in names
        if any(parameters.get(name) != known[0].get(name) for parameters in known)
    ]


def labels(experiments: Sequence[Experiment]) -> list[str]:
    """Label each experiment: its name, and what it sets otherwise than the baseline.

    Without a baseline, what differs among all. Left out is what the name tells already, as
    `stride-8` does, and everything where it is more than a label holds. No two are the same.
    """
    differs = differing(experiments)
    base = next((each.results.parameters for each in experiments if each.baseline), None)
    return [_label(experiment, differs, base) for experiment in experiments]


def _label(experiment: Experiment, differs: list[str], base: dict[str, Any] | None) -> str:
    if experiment.baseline:
        return f"{experiment.name} (baseline)"
    own = experiment.results.parameters
    changes = [
        (key, format_value(own[key]))
        for key in differs
        if key in own and (base is None or own[key] != base.get(key))
    ]
    words = [f"{key}={value}" for key, value in changes if f"{key}-{value}" not in experiment.name]
    if not words or len(words) > _MOST_CHANGES:
        return experiment.name
    return f"{experiment.name} ({' '.join(words)})"
