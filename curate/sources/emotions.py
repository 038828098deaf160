"""Basic emotions as combinations of action units, and which of them a data set can tell.

Two tables, as data: the prototypes in the style of EMFACS (Ekman and Friesen), and the rules by
which CK+ checks its emotion labels (Lucey et al. 2010, "The Extended Cohn-Kanade Dataset (CK+)",
CVPR workshops, table 1, shortened to what makes an emotion possible).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

# In the order of the numbers 0 to 7 of CK+'s emotion files.
EMOTIONS = (
    "neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"
)  # fmt: skip

Verdict = Literal["present", "absent", "undecidable"]


@dataclass(frozen=True)
class Rule:
    """The combinations of action units of which one makes an emotion.

    A combination that is `one_sided` shows on one half of the face only. Labels do not tell
    sides, so they can rule it out, never confirm it.
    """

    combinations: tuple[frozenset[int], ...]
    one_sided: bool = False


def _rule(*combinations: set[int], one_sided: bool = False) -> Rule:
    return Rule(tuple(frozenset(units) for units in combinations), one_sided)


EMFACS: Mapping[str, Rule] = {
    "happiness": _rule({6, 12}),
    "sadness": _rule({1, 4, 15}),
    "surprise": _rule({1, 2, 5, 26}),
    "fear": _rule({1, 2, 4, 5, 20, 26}),
    "anger": _rule({4, 5, 7, 23}),
    "disgust": _rule({9, 15, 16}),
    "contempt": _rule({12, 14}, one_sided=True),
}
CKPLUS: Mapping[str, Rule] = {
    "happiness": _rule({12}),
    "sadness": _rule({1, 4, 15}, {11}),
    "surprise": _rule({1, 2}, {5}),
    "fear": _rule({1, 2, 4}),
    "anger": _rule({23, 24}),
    "disgust": _rule({9}, {10}),
    "contempt": _rule({14}),
}


def judge_emotions(
    labels: Mapping[int, int | None], coded: Collection[int], rules: Mapping[str, Rule] = EMFACS
) -> dict[str, Verdict]:
    """Decide for each emotion whether a frame's labels make it present, absent or undecidable.

    `labels` maps action units to 1 (present), 0 (absent) or None (unknown in this frame); `coded`
    lists the action units that the data set codes at all. A combination with an action unit that
    is not coded stays undecidable whatever the others are: DISFA's twelve cannot tell anger.
    """
    return {emotion: _judge(rule, labels, coded) for emotion, rule in rules.items()}


def _judge(rule: Rule, labels: Mapping[int, int | None], coded: Collection[int]) -> Verdict:
    verdicts = {_combination(units, labels, coded) for units in rule.combinations}
    if "present" in verdicts:
        return "undecidable" if rule.one_sided else "present"
    return "absent" if verdicts == {"absent"} else "undecidable"


def _combination(
    units: frozenset[int], labels: Mapping[int, int | None], coded: Collection[int]
) -> Verdict:
    if not units <= set(coded):
        return "undecidable"
    values = [labels.get(unit) for unit in units]
    if 0 in values:
        return "absent"
    return "undecidable" if None in values else "present"
