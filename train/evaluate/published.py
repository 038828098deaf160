"""The field's published F1 figures of DISFA and BP4D, and a table that sets a user's beside them.

Sources, both subject-exclusive in three folds (the ones in curate.split.published_folds):
JAA-Net: Shao et al., "Deep Adaptive Attention for Joint Facial Action Unit Detection and Face
Alignment", ECCV 2018. ME-GraphAU (ResNet-50): Luo et al., "Learning Multi-dimensional Edge
Feature-based AU Relation Graph for Facial Action Unit Recognition", IJCAI 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

from curate.base.text import plural
from curate.split.published_folds import PUBLISHED_FOLDS
from train.evaluate.scorecard import Row


@dataclass(frozen=True)
class Benchmark:
    """A data set's benchmark: its action units, and the F1 of each in percent by method."""

    action_units: tuple[str, ...]
    f1: Mapping[str, tuple[float, ...]]


PUBLISHED = {
    "disfa": Benchmark(
        tuple(f"AU{n}" for n in (1, 2, 4, 6, 9, 12, 25, 26)),
        {
            "JAA-Net": (43.7, 46.2, 56.0, 41.4, 44.7, 69.6, 88.3, 58.4),
            "ME-GraphAU": (54.6, 47.1, 72.9, 54.0, 55.7, 76.7, 91.1, 53.0),
        },
    ),
    "bp4d": Benchmark(
        tuple(f"AU{n}" for n in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)),
        {
            "JAA-Net": (47.2, 44.0, 54.9, 77.5, 74.6, 84.0, 86.9, 61.9, 43.6, 60.3, 42.7, 41.9),
            "ME-GraphAU": (53.7, 46.9, 59.0, 78.5, 80.0, 84.4, 87.8, 67.3, 52.5, 63.2, 50.6, 52.4),
        },
    ),
}


@dataclass(frozen=True)
class Comparison:
    """F1 beside the published figures: a title, what must be borne in mind, and the table."""

    title: str
    caution: str
    columns: list[str]
    rows: list[list[Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the same for JSON."""
        return asdict(self)


def compare_scores(
    units: Sequence[Row], subjects: Set[str], threshold: float, *, asked: bool
) -> tuple[Comparison | None, list[str]]:
    """Set F1 at `threshold` and at the chosen thresholds beside the published figures.

    `units` has a row an action unit, as `scorecard` scores them; `subjects` and `asked` are as
    `compare_f1` takes them. Returns notes too: where it is asked for, and no published figure fits.
    """
    f1 = {
        f"ours at {threshold:g}": {row["action_unit"]: row["f1"] for row in units},
        "ours, chosen": {row["action_unit"]: row["chosen_f1"] for row in units},
    }
    comparison = compare_f1(f1, subjects, asked=asked)
    if comparison or not asked:
        return comparison, []
    known = " or ".join(", ".join(benchmark.action_units) for benchmark in PUBLISHED.values())
    return None, [f"no published figures fit: they are of the action units {known}"]


def compare_f1(
    f1: Mapping[str, Mapping[str, float | None]], subjects: Set[str], *, asked: bool = False
) -> Comparison | None:
    """Set F1 (column to action unit to 0-1, None undefined) beside the published figures.

    The columns must name the same action units. Returns None where they lack one of the
    benchmark's, or, unless `asked` for, where `subjects` are not exactly those that one published
    fold, or all of them, tests: figures of other people are not to be taken for comparable.
    """
    names = set(next(iter(f1.values()), {}))
    fitting = [key for key, known in PUBLISHED.items() if names.issuperset(known.action_units)]
    tested = {key: _tested(key, subjects) for key in fitting}
    ordered = sorted(fitting, key=lambda key: tested[key] is None)
    if not ordered or (tested[ordered[0]] is None and not asked):
        return None
    key = ordered[0]
    title = PUBLISHED_FOLDS[key].title
    return Comparison(
        f"F1 beside figures published for {title}",
        _caution(title, tested[key], len(subjects)),
        ["", *f1, *PUBLISHED[key].f1],
        _rows(f1, PUBLISHED[key]),
    )


def _tested(key: str, subjects: Set[str]) -> str | None:
    """Find the published fold that tests exactly these subjects; None for no fold."""
    folds = PUBLISHED_FOLDS[key]
    own = {folds.subject(name) or name for name in subjects}
    if own == {subject for fold in folds.tested for subject in fold}:
        return "three folds"
    return next(
        (f"fold {i} of 3" for i, fold in enumerate(folds.tested, start=1) if own == set(fold)), None
    )


def _caution(title: str, tested: str | None, subjects: int) -> str:
    people = plural(subjects, "subject")
    ours = (
        f"the {people} of {title}'s {tested}"
        if tested
        else f"{people} of this footage, who are not those of a fold of {title}"
    )
    return (
        f"Ours: {ours}, on the frames kept and cropped as they are here. Published: {title}, three "
        "folds summed, faces aligned by landmarks. A guide, not the same measurement."
    )


def _rows(f1: Mapping[str, Mapping[str, float | None]], known: Benchmark) -> list[list[Any]]:
    """List the benchmark's action units and their mean, over those of ours that are defined."""
    published = [
        {
            name: round(value / 100, 3)
            for name, value in zip(known.action_units, values, strict=True)
        }
        for values in known.f1.values()
    ]
    columns = [*f1.values(), *published]
    rows = [[name, *(column[name] for column in columns)] for name in known.action_units]
    means = [_mean([column[name] for name in known.action_units]) for column in columns]
    return [*rows, ["mean", *means]]


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return round(sum(defined) / len(defined), 4) if defined else None
