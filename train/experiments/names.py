"""What experiments differ in, and what each is called in charts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curate.base.params import format_value
from train.experiments.read import Experiment

_MOST_CHANGES = 4  # changed parameters in a label; the table has all


def differing(experiments: Sequence[Experiment]) -> list[str]:
    """Name the parameters that differ among the experiments, in the order of params.yaml.

    An experiment whose parameters cannot be read differs from none.
    """
    known = [one.results.parameters for one in experiments if one.results.parameters]
    names = dict.fromkeys(name for parameters in known for name in parameters)
    return [
        name
        for name in names
        if any(parameters.get(name) != known[0].get(name) for parameters in known)
    ]


def labels(experiments: Sequence[Experiment]) -> list[str]:
    """Label each experiment: by its name, or by what differs where DVC made the name up.

    What differs is told against the baseline, or, without one, of all that differs. No two labels
    are the same.
    """
    differs = differing(experiments)
    base = next((one.results.parameters for one in experiments if one.baseline), None)
    found = [_label(one, differs, base) for one in experiments]
    return [
        f"{label} ({one.name})" if found.count(label) > 1 and label != one.name else label
        for one, label in zip(experiments, found, strict=True)
    ]


def _label(experiment: Experiment, differs: list[str], base: dict[str, Any] | None) -> str:
    if experiment.baseline and not experiment.generated:
        return f"{experiment.name} (baseline)"
    if not experiment.generated:
        return experiment.name
    own = experiment.results.parameters
    changed = [name for name in differs if base is None or own.get(name) != base.get(name)]
    told = [f"{name}={format_value(own.get(name))}" for name in changed[:_MOST_CHANGES]]
    more = len(changed) - len(told)
    return " ".join(told + [f"(+{more})"] * (more > 0)) or experiment.name
