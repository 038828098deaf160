"""A comparison in words: which experiment is best by which measure, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from curate.base.stage_params import DedupParameters, LabelsParameters, SplitParameters
from curate.base.text import format_interval
from train.compare.best import Best, Measured
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
_CLEAR = "clear of all others by the 95 % intervals"
_UNSURE = "not enough data to say which is best"


def headline(f1: Best, gap: Best) -> str:
    """Describe in one sentence who scores best, whose gap is smallest, and how sure both are."""
    known = [lead for lead in (f1, gap) if lead.winners]
    if not known:
        return "There is nothing to compare: no experiment has a macro F1 or a gap"
    compared = [lead for lead in known if not lead.alone]
    if not compared:
        names = " and ".join(dict.fromkeys(_names(lead) for lead in known))
        return f"Only {names} can be compared: there is nothing to set beside it"
    alone = [f"; only {_names(lead)} has a {lead.measure.name}" for lead in known if lead.alone]
    return f"{_leaders(compared)}; {_certainty(compared)}{''.join(alone)}"


def _leaders(leads: list[Best]) -> str:
    """Name who leads by each measure, once where it is the same by both."""
    names = [f"{_names(lead)} {'have' if len(lead.winners) > 1 else 'has'}" for lead in leads]
    bests = [
        f"{lead.measure.best} ({lead.measure.value.format(lead.winners[0].value)})"
        for lead in leads
    ]
    if len(leads) == 2 and names[0] == names[1]:
        return f"{names[0]} both {bests[0]} and {bests[1]}"
    return ", ".join(f"{name} {best}" for name, best in zip(names, bests, strict=True))


def _names(lead: Best) -> str:
    return " and ".join(winner.label for winner in lead.winners)


def _certainty(leads: list[Best]) -> str:
    """Describe whether leaders stand clear of all others, by one measure or by both."""
    sure = [lead.measure.short for lead in leads if lead.sure]
    unsure = [lead.measure.short for lead in leads if not lead.sure]
    if sure and unsure:
        return f"in {sure[0]} it is {_CLEAR}, in {unsure[0]} not: {_UNSURE} there"
    if sure:
        return f"{'both are' if len(leads) == 2 else 'it is'} {_CLEAR}"
    return f"{'neither is' if len(leads) == 2 else 'it is not'} {_CLEAR}: {_UNSURE}"


def explanation(lead: Best) -> str:
    """Describe by one measure what the leader has, and of whom its interval lies clear or not."""
    title = lead.measure.title
    if not lead.winners:
        return f"{title}: no experiment has one."
    winners = f"{title}: {' and '.join(map(_with_interval, lead.winners))}"
    if not lead.others:
        return f"{winners}."
    kinds = {
        "clear of": lead.clear,
        "its interval overlaps that of": lead.overlapping,
        "no interval is known of": lead.unknown,
    }
    others = [f"; {words} {_listed(m, len(lead.others))}" for words, m in kinds.items() if m]
    return f"{winners}{''.join(others)}."


def _with_interval(measured: Measured) -> str:
    interval = format_interval(measured.low, measured.high)
    return f"{measured.label} {measured.value:.3f}" + (f" ({interval})" if interval else "")


def _listed(measured: list[Measured], others: int) -> str:
    """Name a few; of more write how many, and whether those are all others."""
    if len(measured) <= _MOST_NAMES:
        return ", ".join(each.label for each in measured)
    return f"all {others} others" if len(measured) == others else f"{len(measured)} others"


def cautions(experiments: Sequence[Experiment]) -> list[str]:
    """Describe what makes figures of these experiments incomparable, where something does."""
    scored = [experiment for experiment in experiments if experiment.results.scores]
    sizes = {
        (experiment.results.scores.get("frames"), experiment.results.scores.get("subjects"))
        for experiment in scored
    }
    moved = [name for name in differing(scored) if name in _VALIDATION]
    if moved:
        why = f"{', '.join(moved)} {'differs' if len(moved) == 1 else 'differ'}"
    elif len(sizes) > 1:
        why = "they differ in size"
    else:
        return []
    return [
        f"The experiments may be scored on different validation frames ({why}), so part of a "
        "difference may be the frames."
    ]
