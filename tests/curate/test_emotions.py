"""Emotions from action units: present, absent, or what a data set cannot tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.sources.emotions import CKPLUS, EMFACS, EMOTIONS, judge_emotions

DISFA = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
BP4D = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)


def frame(*present: int, coded: tuple[int, ...]) -> dict[int, int | None]:
    return {unit: int(unit in present) for unit in coded}


@pytest.mark.parametrize("present", [(), DISFA, (4, 5), (1, 2)], ids=str)
def test_disfa_tells_neither_anger_nor_contempt(present: tuple[int, ...]) -> None:
    for rules in (EMFACS, CKPLUS):
        verdicts = judge_emotions(frame(*present, coded=DISFA), DISFA, rules)
        assert verdicts["anger"] == verdicts["contempt"] == "undecidable"


@pytest.mark.parametrize(
    ("present", "emotion", "verdict"),
    [
        ((6, 12), "happiness", "present"),
        ((12,), "happiness", "absent"),
        ((1, 4, 15), "sadness", "present"),
        ((1, 2, 5, 26), "surprise", "present"),
        ((1, 2, 4, 5, 20), "fear", "absent"),
        ((9, 15), "disgust", "undecidable"),
        ((), "disgust", "undecidable"),
    ],
)
def test_emfacs_on_disfa(present: tuple[int, ...], emotion: str, verdict: str) -> None:
    assert judge_emotions(frame(*present, coded=DISFA), DISFA)[emotion] == verdict


@pytest.mark.parametrize(
    ("present", "emotion", "verdict"),
    [
        ((12,), "happiness", "present"),
        ((23, 24), "anger", "present"),
        ((23,), "anger", "absent"),
        ((14,), "contempt", "present"),
        ((10,), "disgust", "present"),  # 10 or 9, and 9 is not coded
        ((), "disgust", "undecidable"),
        ((1, 4, 15), "sadness", "present"),
    ],
)
def test_ckplus_rules_on_bp4d(present: tuple[int, ...], emotion: str, verdict: str) -> None:
    assert judge_emotions(frame(*present, coded=BP4D), BP4D, CKPLUS)[emotion] == verdict


def test_labels_never_confirm_what_shows_on_one_side() -> None:
    assert judge_emotions(frame(12, 14, coded=BP4D), BP4D)["contempt"] == "undecidable"
    assert judge_emotions(frame(12, coded=BP4D), BP4D)["contempt"] == "absent"


@pytest.mark.parametrize(
    ("six", "twelve", "verdict"),
    [(None, 1, "undecidable"), (None, 0, "absent"), (None, None, "undecidable")],
)
def test_an_action_unit_unknown_in_the_frame(
    six: int | None, twelve: int | None, verdict: str
) -> None:
    assert judge_emotions({6: six, 12: twelve}, DISFA)["happiness"] == verdict


def test_both_tables_name_the_same_emotions() -> None:
    assert EMFACS.keys() == CKPLUS.keys() == set(EMOTIONS) - {"neutral"}


@given(st.dictionaries(st.sampled_from(BP4D), st.sampled_from([0, 1, None])), st.sampled_from(BP4D))
def test_learning_a_label_never_turns_a_verdict_around(
    labels: dict[int, int | None], unit: int
) -> None:
    for rules in (EMFACS, CKPLUS):
        before = judge_emotions(labels | {unit: None}, BP4D, rules)
        for value in (0, 1):
            after = judge_emotions(labels | {unit: value}, BP4D, rules)
            assert all(before[e] in ("undecidable", after[e]) for e in before)
