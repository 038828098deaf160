"""Which subjects validate: a set chosen once, stratified folds, or a data set's published folds."""

from __future__ import annotations

from itertools import compress

import polars as pl

from curate.base.errors import BadParameterError
from curate.base.text import first_few
from curate.split.published_folds import PUBLISHED_FOLDS, check_fold
from curate.split.stratify import Floats, choose_set, stratify
from curate.tables import action_units


def choose_validation(
    dedup: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    folds: int | str,
    fold: int,
    fraction: float,
    least: int,
    seed: int,
) -> list[str]:
    """Choose the subjects to validate on: fold `fold` of `folds`, or a set of about `fraction`.

    `least` positives of each action unit are wished for (or half of those there are, or, with
    folds, each fold's share). Folds depend on the kept frames alone, so that they are the same
    whichever is asked for. One subject and no folds: the list is empty.

    Raises:
        BadParameterError: no such fold, more folds than subjects, a subject that no published fold
            has, or a published fold that leaves nobody to validate on, or to train on.
    """
    check_fold(folds, fold)
    if folds == 0:
        names, frames, positives = _by_subject(dedup.filter("keep"), labels)
        if len(names) < 2:
            return []
        return [*compress(names, choose_set(frames, positives, fraction, least, seed))]
    if isinstance(folds, str):
        by_subject = published_folds(dedup, folds)
    else:
        by_subject = stratified_folds(dedup, labels, folds, least)
    chosen = [subject for subject, number in by_subject.items() if number == fold]
    _check_sides(dedup, chosen, folds, fold)
    return chosen


def _check_sides(dedup: pl.DataFrame, chosen: list[str], folds: int | str, fold: int) -> None:
    kept = set(_subjects(dedup.filter("keep")))
    if kept and (not kept & set(chosen) or kept <= set(chosen)):
        held = "all" if kept <= set(chosen) else "none"
        raise BadParameterError(
            f"fold: {fold} of {folds} holds {held} of the footage's subjects; choose another "
            "fold, or set folds to a number such as 3",
            key="fold",
        )


def published_folds(dedup: pl.DataFrame, folds: str) -> dict[str, int]:
    """Look up the published fold (from 1) in which each subject is tested.

    Raises:
        BadParameterError: subjects with kept frames that are in none.
    """
    published = PUBLISHED_FOLDS[folds]
    fold_of = {name: published.fold(name) for name in _subjects(dedup)}
    unknown = [name for name in _subjects(dedup.filter("keep")) if fold_of[name] is None]
    if unknown:
        names = f"{first_few(unknown, 10)} {'is' if len(unknown) == 1 else 'are'}"
        raise BadParameterError(
            f"folds: {folds}: {names} in no published fold of {published.title} "
            f"(whose subjects are named like {min(map(min, published.tested))}); leave that "
            "footage out, or set folds to a number such as 3",
            key="folds",
        )
    return {name: number for name, number in fold_of.items() if number is not None}


def lacking_subjects(dedup: pl.DataFrame, folds: str) -> list[str]:
    """List the published subjects that the footage lacks, by name."""
    published = PUBLISHED_FOLDS[folds]
    present = {published.subject(name) for name in _subjects(dedup)}
    return sorted({subject for tested in published.tested for subject in tested} - present)


def stratified_folds(
    dedup: pl.DataFrame, labels: pl.DataFrame, folds: int, least: int
) -> dict[str, int]:
    """Put every subject into one of `folds` folds (from 1) of like size and action unit rates.

    Fold 1 is the one of the first subject by name, and so on. Subjects without a kept frame weigh
    nothing; they are dealt out one after the other.

    Raises:
        BadParameterError: fewer subjects with kept frames than folds.
    """
    names, frames, positives = _by_subject(dedup.filter("keep"), labels)
    everyone = _subjects(dedup)
    if 0 < len(names) < folds:
        most = f"at most {len(names)}, or to " if len(names) > 1 else ""
        raise BadParameterError(
            f"folds: {folds} is more than the subjects with kept frames, {len(names)}; set folds "
            f"to {most}0 (validation_fraction decides)",
            key="folds",
        )
    chosen = dict(zip(names, stratify(frames, positives, folds, least).tolist(), strict=True))
    numbers = {fold: number for number, fold in enumerate(dict.fromkeys(chosen.values()), start=1)}
    others = [subject for subject in everyone if subject not in chosen]
    dealt = {subject: position % folds + 1 for position, subject in enumerate(others)}
    return {subject: numbers[fold] for subject, fold in chosen.items()} | dealt


def _by_subject(kept: pl.DataFrame, labels: pl.DataFrame) -> tuple[list[str], Floats, Floats]:
    """Count by subject, in order of name: names, frames, positives (subjects, action units)."""
    units = action_units(labels)
    rows = kept.select("id", "subject").join(labels.select("id", *units), on="id", how="left")
    counts = rows.group_by("subject").agg(pl.len(), *(pl.col(n).sum() for n in units))
    counts = counts.sort("subject")
    positives = counts.select(units).to_numpy().astype(float).reshape(len(counts), len(units))
    return counts["subject"].to_list(), counts["len"].to_numpy().astype(float), positives


def _subjects(dedup: pl.DataFrame) -> list[str]:
    return dedup["subject"].unique().sort().to_list()
