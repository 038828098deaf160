from __future__ import annotations

import pytest

from train.verdict import FEW_FRAMES, dissect, sentence, table

ENOUGH = dict.fromkeys(("seen", "unseen", "dropped", "moments", "people"), 500)


def _losses(seen, unseen, moments, people, dropped=None):
    return {
        "seen": seen, "unseen": unseen, "dropped": dropped, "moments": moments, "people": people,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("losses", "cause"),
    [
        (_losses(0.2, 0.22, 0.39, 0.4), "near_duplicate_moments"),
        (_losses(0.2, 0.38, 0.4, 0.4), "memorised"),
        (_losses(0.2, 0.21, 0.22, 0.5), "people"),
        (_losses(0.2, 0.2, 0.205, 0.209), "none"),
        (_losses(0.2, None, 0.5, 0.6), "same_people"),
        (_losses(0.2, 0.25, 0.5, None), "near_duplicate_moments"),
        (_losses(None, None, None, None), "unknown"),
    ],
)
def test_the_cause_is_the_largest_part(losses, cause):
    assert dissect(0.25, losses, ENOUGH).cause == cause


def test_parts_add_up_to_the_gap():
    gap = dissect(0.25, _losses(0.2, 0.25, 0.45, 0.6), ENOUGH)
    assert gap.gap == pytest.approx(0.4)
    assert gap.memorised + gap.near_duplicate_moments == pytest.approx(gap.same_people)
    assert gap.same_people + gap.people == pytest.approx(gap.gap)


def test_easy_validation_subjects_do_not_hide_what_other_moments_cost():
    gap = dissect(0.25, _losses(0.3, 0.31, 0.4, 0.3), ENOUGH)
    assert gap.gap == pytest.approx(0.1)
    assert gap.people == pytest.approx(-0.1)
    assert gap.cause == "near_duplicate_moments"


def test_a_probe_of_few_frames_is_not_believed():
    few = ENOUGH | {"people": FEW_FRAMES - 1}
    gap = dissect(0.25, _losses(0.2, 0.25, 0.45, 9.0), few)
    assert gap.people is None
    assert gap.gap == pytest.approx(0.25)


def test_dropped_frames_stand_in_for_unseen_ones_after_the_first_epoch():
    gap = dissect(3.0, _losses(0.2, None, 0.5, 0.6, dropped=0.25), ENOUGH, "dropped")
    assert gap.memorised == pytest.approx(0.05)
    assert gap.near_duplicate_moments == pytest.approx(0.25)
    assert gap.cause == "near_duplicate_moments"


def test_the_sentence_carries_its_figures():
    words = sentence(dissect(0.25, _losses(0.2, 0.22, 0.39, 0.4), ENOUGH))
    assert words.startswith("After 1/4 of the first epoch: the gap is near-duplicate moments: +0.2")
    assert "near-duplicate moments +0.170" in words
    assert "memorised frames +0.020" in words


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        (_losses(0.2, 0.2, 0.205, 0.209), "no gap to speak of"),
        (_losses(None, None, None, None), "not enough data to say"),
    ],
)
def test_it_says_when_there_is_nothing_to_say(losses, words):
    assert words in sentence(dissect(1.0, losses, ENOUGH))


def test_the_table_has_a_column_a_time():
    gaps = [dissect(e, _losses(0.2, 0.22, 0.39, 0.4), ENOUGH) for e in (0.25, 8.0)]
    columns, rows = table(gaps)
    assert columns == ["part", "epoch 0.25", "epoch 8"]
    assert rows[0][0] == "gap: held out - seen"
    assert rows[0][1] == pytest.approx(0.2)
