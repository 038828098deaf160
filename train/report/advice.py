"""What to change next: a few suggestions, each derived from figures by a rule.

A cause counts where its interval carries it (`train.gap.verdict`), a rise or a fall of a loss
where the last one's interval does. Nothing is suggested on what may be chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import polars as pl

from curate.base.params import Parameters
from curate.base.text import format_interval
from train.gap.verdict import Gap, Verdict

MOST = 3
# Dropped frames surely this close to fed ones in loss (nats) taught nothing new.
_SAME = 0.03
_RARE = 30
_STRONG_DROPOUT = 0.5
_HEADLINES = {
    "near_duplicate_moments": "Yes: it learns neighbours in time that it was never fed, and not "
    "other moments",
    "memorised": "Yes: it memorises the very frames that it was fed",
    "same_people": "Yes: it knows the moments it was fed, and not other moments of the same people",
    "people": "Yes: it knows the people it was fed, and not new ones",
    "none": "No: there is no gap to speak of",
    "unknown": "That cannot be said yet: frames to compare with are missing or too few",
}


@dataclass(frozen=True)
class Suggestion:
    """A change, the figures that speak for it, and the command that tries it ("" for none)."""

    change: str
    because: str
    command: str


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


def headline(cause: str) -> str:
    """Return "does it overfit, and why?" in a sentence without figures."""
    return _HEADLINES[cause]


def _suggestions(figures: Figures, parameters: Parameters) -> Iterator[Suggestion]:
    cause = figures.verdict.cause
    if figures.subjects < 2:
        yield Suggestion(
            "Add footage of more people",
            "with one subject nobody is left to validate on, so the people's part stays unknown",
            "",
        )
    if cause in ("near_duplicate_moments", "same_people"):
        yield from _thin(figures, parameters)
    if cause in ("memorised", "same_people"):
        yield from _memorise_less(parameters)
    if cause == "people":
        yield from _more_people(figures, parameters)
    yield from _never_predicted(figures, parameters)
    yield from _stop_earlier(figures)
    if cause == "near_duplicate_moments" and parameters.dropout < _STRONG_DROPOUT:
        yield _try(
            "dropout",
            _STRONG_DROPOUT,
            "Raise dropout",
            f"it is {parameters.dropout:g}, and shrinks what thinning leaves of the gap",
        )
    if cause == "none":
        yield from _no_gap(figures, parameters)
    yield from _rare(figures)


def _try(key: str, value: object, change: str, because: str) -> Suggestion:
    # `report` is named, or footage of one's own would have the embedded footage rendered too.
    return Suggestion(change, because, f"dvc exp run report -S {key}={value}")


def _thin(figures: Figures, parameters: Parameters) -> Iterator[Suggestion]:
    because = "frames that were never fed are learnt from their neighbours, other moments are not"
    because += _dropped_cost_nothing(figures.verdict.final)
    wider = 5 if parameters.stride < 5 else 2 * parameters.stride
    yield _try(
        "stride",
        wider,
        f"Thin the footage: raise stride from {parameters.stride} to {wider}",
        because,
    )
    if parameters.distance < 8:
        more = max(parameters.distance, 0) + 4
        yield _try(
            "distance",
            more,
            f"Call more frames near-duplicates: raise distance from "
            f"{parameters.distance} to {more} bits",
            "it thins still moments more than moving ones, which a wider stride does not",
        )


def _dropped_cost_nothing(final: Gap) -> str:
    """Describe what dropped frames cost, where all of the interval of it is near zero."""
    low, high = final.bounds("dropped")
    if low is None or high is None or max(-low, high) > _SAME:
        return ""
    interval = format_interval(low, high)
    return f"; dropped frames cost nothing ({final.dropped:+.3f} against those fed, {interval})"


def _memorise_less(parameters: Parameters) -> Iterator[Suggestion]:
    if parameters.dropout < _STRONG_DROPOUT:
        yield _try(
            "dropout",
            _STRONG_DROPOUT,
            f"Raise dropout from {parameters.dropout:g} to {_STRONG_DROPOUT:g}",
            "frames fed already score better than their neighbours",
        )
    lower = float(f"{parameters.lr / 3:.1g}")
    yield _try(
        "lr",
        lower,
        f"Lower the learning rate from {parameters.lr:g} to {lower:g}",
        "the network learns single frames by heart",
    )
    yield _try(
        "rotation",
        2 * parameters.rotation or 10,
        "Augment more strongly",
        "a frame that looks new each time is harder to memorise",
    )


def _more_people(figures: Figures, parameters: Parameters) -> Iterator[Suggestion]:
    yield Suggestion(
        "Add footage of more people, rather than more of the same",
        f"other moments of the {figures.subjects} subjects score better than new subjects",
        "",
    )
    if parameters.dropout < _STRONG_DROPOUT:
        yield _try(
            "dropout",
            _STRONG_DROPOUT,
            f"Raise dropout from {parameters.dropout:g} to {_STRONG_DROPOUT:g}",
            "it keeps the head from leaning on what marks a person",
        )


def _stop_earlier(figures: Figures) -> Iterator[Suggestion]:
    """Ask for fewer epochs where the held-out loss has surely risen, after at least one."""
    whole = _held_out(figures.probes).filter(pl.col("epoch") >= 1)
    if whole.is_empty():
        return
    best, last = whole.sort("loss", "epoch").row(0, named=True), whole.row(-1, named=True)
    if last["low"] > best["loss"]:
        epochs = round(best["epoch"])
        yield _try(
            "epochs",
            epochs,
            f"Stop after {epochs} epoch{'s' if epochs > 1 else ''}",
            f"the loss on frames held out was {best['loss']:.3f} then and {last['loss']:.3f} "
            f"({last['low']:.3f} to {last['high']:.3f}) after {last['epoch']:g}",
        )


def _held_out(probes: pl.DataFrame) -> pl.DataFrame:
    """Return epoch, loss, low and high of the people probe, or of moments where there is nobody.

    Only times at which the loss has an interval.
    """
    probe = "people" if probes["people"].null_count() < len(probes) else "moments"
    ends = [
        (pl.col(name) if name in probes.columns else pl.lit(None, pl.Float64)).alias(end)
        for end, name in (("loss", probe), ("low", f"{probe}_low"), ("high", f"{probe}_high"))
    ]
    return probes.select("epoch", *ends).drop_nulls().sort("epoch")


def _no_gap(figures: Figures, parameters: Parameters) -> Iterator[Suggestion]:
    """Ask for more learning: more epochs while the held-out loss falls, else less restraint."""
    line = _held_out(figures.probes)
    falls = len(line) > 0 and line["loss"][-1] == line["loss"].min()
    if falls and line["high"][-1] < line["loss"][0]:
        first, last = line.row(0, named=True), line.row(-1, named=True)
        yield _try(
            "epochs",
            2 * parameters.epochs,
            "Train longer",
            f"there is no gap, and the loss on frames held out still falls: from "
            f"{first['loss']:.3f} to {last['loss']:.3f} ({last['low']:.3f} to {last['high']:.3f})",
        )
    elif len(line) and not falls and parameters.dropout > 0:
        less = round(parameters.dropout / 2, 2)
        yield _try(
            "dropout",
            less,
            f"Lower dropout from {parameters.dropout:g} to {less:g}",
            "there is no gap, yet the loss on frames held out has stopped falling: the network "
            "is held back",
        )
    if parameters.stride > 1:
        fewer = max(1, parameters.stride // 2)
        yield _try(
            "stride",
            fewer,
            f"Keep more frames: lower stride from {parameters.stride} to {fewer}",
            "without a gap, more of the footage may help",
        )


def _never_predicted(figures: Figures, parameters: Parameters) -> Iterator[Suggestion]:
    if figures.never_predicted:
        lower = round(parameters.threshold * 0.6, 2)
        yield _try(
            "threshold",
            lower,
            f"Lower the threshold from {parameters.threshold:g} to {lower:g}",
            f"these are never predicted: {', '.join(figures.never_predicted)}",
        )


def _rare(figures: Figures) -> Iterator[Suggestion]:
    rare = {name: count for name, count in figures.positives.items() if count < _RARE}
    if rare:
        listed = ", ".join(f"{name} {count}" for name, count in rare.items())
        yield Suggestion(
            "Add footage with the rare action units, or leave them out",
            f"fewer than {_RARE} positives to learn from: {listed}",
            "",
        )
