"""What to change next: a few suggestions, each derived from figures by a rule.

A cause counts where its interval carries it (`train.gap.verdict`), a rise or a fall of a loss
where the last one's interval does. Nothing is suggested on what may be chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from curate.base.params import Parameters
from curate.base.text import format_interval, plural
from train.gap.verdict import Gap, Verdict

MOST = 3  # suggestions
_SAME = 0.03  # nats: dropped frames surely this close to fed ones taught nothing new
_RARE = 30  # positives
_STRONG_DROPOUT = 0.5


@dataclass(frozen=True)
class Suggestion:
    """A change, the figures that speak for it, and the command that tries it ("" for none)."""

    change: str
    because: str
    command: str = ""


@dataclass(frozen=True)
class Figures:
    """What the rules look at.

    The verdict on the gap, probes.csv, the number of subjects, training positives by action unit,
    and the action units that validation has but that are never predicted.
    """

    verdict: Verdict
    probes: pl.DataFrame
    subjects: int
    positives: dict[str, int]
    never_predicted: list[str]


def suggest(figures: Figures, parameters: Parameters) -> list[Suggestion]:
    """Return at most three suggestions, the most useful first."""
    return list(islice(_suggestions(figures, parameters), MOST))


def _suggestions(figures: Figures, p: Parameters) -> Iterator[Suggestion]:
    cause, held_out = figures.verdict.cause, _held_out(figures.probes)
    if figures.subjects < 2:
        yield Suggestion(
            "Add footage of more people",
            "with one subject nobody is left to validate on, so the people's part stays unknown",
        )
    if cause in ("near_duplicate_moments", "same_people"):
        yield from _thin(figures.verdict.final, p.stride, p.distance)
    if cause in ("memorised", "same_people"):
        yield from _memorise_less(p.dropout, p.lr, p.rotation)
    if cause == "people":
        yield from _more_people(figures.subjects, p.dropout)
    yield from _lower_threshold(figures.never_predicted, p.threshold)
    yield from _stop_earlier(held_out)
    if cause == "near_duplicate_moments" and p.dropout < _STRONG_DROPOUT:
        because = f"it is {p.dropout:g}, and shrinks what thinning leaves of the gap"
        yield _try("dropout", _STRONG_DROPOUT, "Raise dropout", because)
    if cause == "none":
        yield from _learn_more(held_out, p.epochs, p.dropout)
        yield from _thin_less(p.stride)
    yield from _rare_units(figures.positives)


def _try(key: str, value: object, change: str, because: str) -> Suggestion:
    # `report` is named, or footage of one's own would have the embedded footage rendered too.
    return Suggestion(change, because, f"dvc exp run report -S {key}={value}")


def _raise_dropout(dropout: float, because: str) -> Iterator[Suggestion]:
    if dropout < _STRONG_DROPOUT:
        change = f"Raise dropout from {dropout:g} to {_STRONG_DROPOUT:g}"
        yield _try("dropout", _STRONG_DROPOUT, change, because)


def _thin(final: Gap, stride: int, distance: int) -> Iterator[Suggestion]:
    wider = 5 if stride < 5 else 2 * stride
    yield _try(
        "stride",
        wider,
        f"Thin the footage: raise stride from {stride} to {wider}",
        "frames that were never fed are learnt from their neighbours, other moments are not"
        + _dropped_cost_nothing(final),
    )
    if distance < 8:
        more = max(distance, 0) + 4
        yield _try(
            "distance",
            more,
            f"Call more frames near-duplicates: raise distance from {distance} to {more} bits",
            "it thins still moments more than moving ones, which a wider stride does not",
        )


def _dropped_cost_nothing(final: Gap) -> str:
    """Describe what dropped frames cost, where all of the interval of it is near zero."""
    low, high = final.bounds("dropped")
    if low is None or high is None or max(-low, high) > _SAME:
        return ""
    interval = format_interval(low, high)
    return f"; dropped frames cost nothing ({final.dropped:+.3f} against those fed, {interval})"


def _memorise_less(dropout: float, lr: float, rotation: float) -> Iterator[Suggestion]:
    yield from _raise_dropout(dropout, "frames fed already score better than their neighbours")
    lower = float(f"{lr / 3:.1g}")
    yield _try(
        "lr",
        lower,
        f"Lower the learning rate from {lr:g} to {lower:g}",
        "the network learns single frames by heart",
    )
    yield _try(
        "rotation",
        2 * rotation or 10,
        "Augment more strongly",
        "a frame that looks new each time is harder to memorise",
    )


def _more_people(subjects: int, dropout: float) -> Iterator[Suggestion]:
    yield Suggestion(
        "Add footage of more people, rather than more of the same",
        f"other moments of the {subjects} subjects score better than new subjects",
    )
    yield from _raise_dropout(dropout, "it keeps the head from leaning on what marks a person")


def _lower_threshold(never_predicted: list[str], threshold: float) -> Iterator[Suggestion]:
    if never_predicted:
        lower = round(threshold * 0.6, 2)
        yield _try(
            "threshold",
            lower,
            f"Lower the threshold from {threshold:g} to {lower:g}",
            f"these are never predicted: {', '.join(never_predicted)}",
        )


def _held_out(probes: pl.DataFrame) -> pl.DataFrame:
    """Return epoch, loss, low and high of the people probe, or of moments where there is nobody.

    Only times at which the loss has an interval.
    """
    probe = "people" if probes["people"].null_count() < len(probes) else "moments"
    ends = {"loss": probe, "low": f"{probe}_low", "high": f"{probe}_high"}
    return probes.select("epoch", **{end: pl.col(name) for end, name in ends.items()}).drop_nulls()


def _stop_earlier(held_out: pl.DataFrame) -> Iterator[Suggestion]:
    """Suggest fewer epochs where the held-out loss has surely risen, after at least one."""
    ends = held_out.filter(pl.col("epoch") >= 1).sort("epoch")
    if ends.is_empty():
        return
    best, last = ends.sort("loss", "epoch").row(0, named=True), ends.row(-1, named=True)
    if last["low"] > best["loss"]:
        epochs = round(best["epoch"])
        yield _try(
            "epochs",
            epochs,
            f"Stop after {plural(epochs, 'epoch')}",
            f"the loss on frames held out was {best['loss']:.3f} then and "
            f"{_loss_with_interval(last)} after {last['epoch']:g}",
        )


def _learn_more(held_out: pl.DataFrame, epochs: int, dropout: float) -> Iterator[Suggestion]:
    """Suggest more epochs while the held-out loss surely falls, less dropout where it does not."""
    if held_out.is_empty():
        return
    line = held_out.sort("epoch")
    first, last = line.row(0, named=True), line.row(-1, named=True)
    falls = last["loss"] == line["loss"].min()
    if falls and last["high"] < first["loss"]:
        yield _try(
            "epochs",
            2 * epochs,
            "Train longer",
            "there is no gap, and the loss on frames held out still falls: from "
            f"{first['loss']:.3f} to {_loss_with_interval(last)}",
        )
    elif not falls and dropout > 0:
        less = round(dropout / 2, 2)
        yield _try(
            "dropout",
            less,
            f"Lower dropout from {dropout:g} to {less:g}",
            "there is no gap, yet the loss on frames held out has stopped falling: the network "
            "is held back",
        )


def _loss_with_interval(row: dict[str, Any]) -> str:
    return f"{row['loss']:.3f} ({format_interval(row['low'], row['high'])})"


def _thin_less(stride: int) -> Iterator[Suggestion]:
    if stride > 1:
        fewer = stride // 2
        yield _try(
            "stride",
            fewer,
            f"Keep more frames: lower stride from {stride} to {fewer}",
            "without a gap, more of the footage may help",
        )


def _rare_units(positives: dict[str, int]) -> Iterator[Suggestion]:
    rare = [f"{name} {count}" for name, count in positives.items() if count < _RARE]
    if rare:
        yield Suggestion(
            "Add footage with the rare action units, or leave them out",
            f"fewer than {_RARE} positives to learn from: {', '.join(rare)}",
        )
