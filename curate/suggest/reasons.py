"""Why a stride and a distance are suggested, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from curate.suggest.candidates import OFF, Candidate
from curate.suggest.pace import Pace

RULE = (
    "The rule: the largest stride that is no longer than pictures take to change and leaves every "
    "action unit a frame of events (runs of positives) that hold 95% of its positives; then the "
    "largest distance, up to what neighbouring frames differ by anyway, of which the same holds."
)


@dataclass(frozen=True)
class Choice:
    """The candidate chosen, and what stopped the search.

    `skips` has the stride, `merges` the distance that would cover too little of an action unit
    (None where none does); `beyond` says that all strides, or all distances, asked for are larger
    than the pictures allow.
    """

    chosen: Candidate
    skips: Candidate | None
    merges: Candidate | None
    beyond: bool


def reasons(choice: Choice, total: Candidate, pace: Pace) -> list[str]:
    """Describe in sentences what decided; `total` is the candidate that keeps all usable frames."""
    chosen = choice.chosen
    sentences = [_of_pace(pace)]
    if choice.beyond:
        sentences.append(
            "The strides or distances asked for are larger than that allows: the least is shown."
        )
    if choice.skips is not None:
        already = "Already stride" if choice.skips.stride == chosen.stride else "Stride"
        sentences.append(
            f"{already} {choice.skips.stride} would leave {_least(choice.skips, total)}."
        )
    if not choice.beyond:
        sentences.append(_of_distance(chosen, pace))
    if choice.merges is not None:
        sentences.append(
            f"Distance {choice.merges.distance} would leave {_least(choice.merges, total)}."
        )
    if choice.skips is None or choice.skips.stride != chosen.stride:
        sentences.append(_of_labels(chosen, total))
    return sentences


def _of_pace(pace: Pace) -> str:
    bits = f"{pace.limit} bits"
    if pace.longest is None:
        return "Too few frames lie near one another in a clip to measure how fast pictures change."
    if pace.level == 0:
        return "The footage is frozen: all pictures of a clip are alike."
    if pace.independent:
        return f"Neighbouring frames are as unlike as any two of a clip ({pace.level:.0f} bits)."
    if pace.changes is None:
        return f"Most frames stay within {bits} of one another as far as {pace.time(pace.longest)}."
    if pace.changes == pace.first:
        return f"Most neighbouring frames already differ by more than {bits}."
    return (
        f"Most frames of a clip that are {pace.time(pace.changes)} apart differ by more than "
        f"{bits}: a longer stride would skip pictures that have changed."
    )


def _of_distance(chosen: Candidate, pace: Pace) -> str:
    if chosen.distance == OFF:
        return "No distance: near-duplicates stay."
    if chosen.distance == 0:
        return "Distance 0 drops exact repeats only."
    return (
        f"Neighbouring frames differ by up to {pace.limit} bits anyway: "
        f"distance {chosen.distance} drops what is no more unlike than they are."
    )


def _of_labels(chosen: Candidate, total: Candidate) -> str:
    if not total.units:
        return "There are no labels to count: the pictures alone decide."
    if chosen.least is None:
        return "No frame has an action unit that is present: the pictures alone decide."
    if all(left.events == total.units[name].events for name, left in chosen.units.items()):
        return "Every event of every action unit keeps a frame."
    return f"{_least(chosen, total, ' loses most: it keeps ')}."


def _least(candidate: Candidate, total: Candidate, verb: str = " ") -> str:
    """Describe what is left of the action unit that is covered least."""
    name, covered = candidate.least or ("", 0.0)
    left, events = candidate.units[name].events, total.units[name].events
    kept = f"a frame of {left:,} of its {events:,} events"
    return f"{name}{verb}{kept}, which hold {covered:.1%} of its positives"
