"""A comparison in words: which experiment is best by which measure, and how sure that is.

A difference is taken for more than chance only where the 95 % intervals lie apart. They are of one
experiment each, so this is cautious: intervals that overlap a little may still differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curate.base.stage_params import DedupParameters, LabelsParameters, SplitParameters
from curate.base.text import format_interval
from train.experiments.names import differing
from train.experiments.read import Experiment

_MOST_NAMES = 5  # experiments that a sentence names
# Parameters that move which frames validate: with other ones scores are of other frames. Moments
# and their margin are cut out of training only.
_VALIDATION = {
    *LabelsParameters.model_fields,
    *DedupParameters.model_fields,
    *SplitParameters.model_fields,
} - {"moments_fraction", "margin"}


@dataclass(frozen=True)
class Measured:
    """One measure of one experiment, with the ends of its 95 % interval where they are known."""

    label: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Best:
    """Who leads by one measure: the winners (more than one where equal), and who is not beaten.

    `open` are the others whose interval overlaps a winner's, or that have none.
    """

    winners: list[Measured]
    others: list[Measured]
    open: list[Measured]

    @property
    def alone(self) -> bool:
        """Whether only one experiment has this measure, so that it leads nobody."""
        return len(self.winners) == 1 and not self.others

    @property
    def sure(self) -> bool:
        """Whether one stands clear of all others."""
        return len(self.winners) == 1 and bool(self.others) and not self.open


def macro_f1(experiment: Experiment, label: str) -> Measured | None:
    """Return the macro F1 on the natural validation set; None where there is none."""
    macro = experiment.results.scores.get("macro", {})
    f1 = macro.get("f1")
    return None if f1 is None else Measured(label, f1, macro.get("f1_low"), macro.get("f1_high"))


def final_gap(experiment: Experiment, label: str) -> Measured | None:
    """Return the gap of the weights kept, in nats; None where there is none."""
    gap = experiment.results.gap
    return Measured(label, gap.gap, *gap.bounds("gap")) if gap and gap.gap is not None else None


def best(figures: Sequence[Measured], *, highest: bool) -> Best:
    """Find who leads, and whom the leader's interval does not stand clear of."""
    sign = 1 if highest else -1
    top = max((sign * figure.value for figure in figures), default=0.0)
    winners = [figure for figure in figures if sign * figure.value == top]
    others = [figure for figure in figures if sign * figure.value != top]
    return Best(winners, others, [other for other in others if not _apart(winners[0], other)])


def _apart(one: Measured, other: Measured) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low > other.high or one.high < other.low


def headline(f1: Best, gap: Best) -> str:
    """Describe in one sentence who scores best, whose gap is smallest, and how sure both are."""
    leaders = {
        "the best macro F1": (f1, "{:.3f}"),
        "the smallest gap": (gap, "{:+.3f} nats"),
    }
    found = {what: pair for what, pair in leaders.items() if pair[0].winners}
    if not found:
        return "There is nothing to compare: no experiment has a macro F1 or a gap"
    known = {what: pair for what, pair in found.items() if not pair[0].alone} or found
    said = [
        (_names(lead), f"{what} ({form.format(lead.winners[0].value)})")
        for what, (lead, form) in known.items()
    ]
    if all(lead.alone for lead, _ in known.values()):
        names = dict.fromkeys(name for name, _ in said)
        return f"Only {' and '.join(names)} can be compared: there is nothing to set beside it"
    if len(said) == 2 and said[0][0] == said[1][0]:
        first = f"{said[0][0]} {_has(f1)} both {said[0][1]} and {said[1][1]}"
    else:
        verbs = [_has(lead) for lead, _ in known.values()]
        parts = [f"{name} {verb} {what}" for (name, what), verb in zip(said, verbs, strict=True)]
        first = ", ".join(parts)
    alone = [
        f"; only {_names(lead)} has a {what.split(' ', 2)[2]}"
        for what, (lead, _) in found.items()
        if what not in known
    ]
    return f"{first}; {_surely([lead for lead, _ in known.values()])}{''.join(alone)}"


def _names(lead: Best) -> str:
    return " and ".join(figure.label for figure in lead.winners)


def _has(lead: Best) -> str:
    return "have" if len(lead.winners) > 1 else "has"


def _surely(leads: list[Best]) -> str:
    """Return whether leaders stand clear of all others, by one measure or by both."""
    sure = [lead.sure for lead in leads]
    clear = "clear of all others by the 95 % intervals"
    unsure = "not enough data to say which is best"
    if all(sure):
        return f"both are {clear}" if len(sure) == 2 else f"it is {clear}"
    if not any(sure):
        return f"{'neither is' if len(sure) == 2 else 'it is not'} {clear}: {unsure}"
    first, second = ("F1", "gap") if sure[0] else ("gap", "F1")
    return f"in {first} it is {clear}, in {second} not: {unsure} there"


def explanation(lead: Best, what: str) -> str:
    """Describe by one measure what the leader has, and of whom its interval lies clear or not."""
    if not lead.winners:
        return f"{what}: no experiment has one."
    first = f"{what}: {' and '.join(map(_figure, lead.winners))}"
    if not lead.others:
        return f"{first}."
    unknown = [one for one in [*lead.winners, *lead.others] if one.low is None]
    crossed = [one for one in lead.open if one not in unknown and lead.winners[0] not in unknown]
    said = [
        f"{words} {_listed(figures, len(lead.others))}"
        for words, figures in (
            ("clear of", [one for one in lead.others if one not in lead.open]),
            ("its interval overlaps that of", crossed),
            ("no interval is known of", unknown),
        )
        if figures
    ]
    return f"{first}; {'; '.join(said)}."


def _figure(figure: Measured) -> str:
    interval = format_interval(figure.low, figure.high)
    return f"{figure.label} {figure.value:.3f}" + (f" ({interval})" if interval else "")


def _listed(figures: list[Measured], others: int) -> str:
    """Name a few; of more say how many, and whether that is all others."""
    if len(figures) <= _MOST_NAMES:
        return ", ".join(figure.label for figure in figures)
    return f"all {others} others" if len(figures) == others else f"{len(figures)} others"


def cautions(experiments: Sequence[Experiment]) -> list[str]:
    """Describe what makes figures of these experiments incomparable, where something does."""
    scored = [one for one in experiments if one.results.scores]
    sizes = {
        (one.results.scores.get("frames"), one.results.scores.get("subjects")) for one in scored
    }
    moved = [name for name in differing(scored) if name in _VALIDATION]
    if len(sizes) < 2 and not moved:
        return []
    verb = "differs" if len(moved) == 1 else "differ"
    why = f"{', '.join(moved)} {verb}" if moved else "they differ in size"
    return [
        f"The experiments may be scored on different validation frames ({why}), so part of a "
        "difference may be the frames."
    ]
