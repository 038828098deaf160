"""Published figures: as printed, and set beside a user's only where they may be."""

from __future__ import annotations

import pytest

from curate.split.published_folds import PUBLISHED_FOLDS
from train.evaluate.published import PUBLISHED, compare_f1

DISFA = PUBLISHED["disfa"].action_units
FOLD_2 = set(PUBLISHED_FOLDS["disfa"].tested[1])
EVERYONE = {subject for fold in PUBLISHED_FOLDS["disfa"].tested for subject in fold}


def ours(names=DISFA, value=0.5):
    return {"ours": dict.fromkeys(names, value)}


@pytest.mark.parametrize(
    ("key", "method", "mean"),
    [
        ("disfa", "JAA-Net", 56.0),
        ("disfa", "ME-GraphAU", 63.1),
        ("bp4d", "JAA-Net", 60.0),
        ("bp4d", "ME-GraphAU", 64.7),
    ],
)
def test_the_action_units_average_to_the_mean_that_was_printed(key, method, mean):
    known = PUBLISHED[key]
    values = known.f1[method]
    assert len(values) == len(known.action_units)
    assert sum(values) / len(values) == pytest.approx(mean, abs=0.06)


def test_it_compares_the_benchmarks_action_units_only():
    comparison = compare_f1(ours((*DISFA, "AU5", "AU15", "AU17", "AU20")), FOLD_2)
    assert comparison is not None
    assert comparison.title == "F1 beside figures published for DISFA"
    assert comparison.columns == ["", "ours", "JAA-Net", "ME-GraphAU"]
    assert [row[0] for row in comparison.rows] == [*DISFA, "mean"]
    assert comparison.rows[0] == ["AU1", 0.5, 0.437, 0.546]
    assert comparison.rows[-1][2:] == pytest.approx([0.560, 0.631], abs=0.0006)
    assert "9 subjects of DISFA's fold 2 of 3" in comparison.caution


def test_all_folds_together_are_known_in_any_writing():
    comparison = compare_f1(ours(), {name.lower() for name in EVERYONE})
    assert comparison is not None
    assert "27 subjects of DISFA's three folds" in comparison.caution


@pytest.mark.parametrize(
    "subjects",
    [{"SN001"}, FOLD_2 - {"SN013"}, FOLD_2 | {"SN001"}, {"Ann", "Bob"}],
    ids=["one", "one short", "one more", "others"],
)
def test_other_people_are_compared_only_when_asked(subjects):
    assert compare_f1(ours(), subjects) is None
    comparison = compare_f1(ours(), subjects, asked=True)
    assert comparison is not None
    assert "not those of a fold of DISFA" in comparison.caution


def test_other_action_units_are_never_compared():
    assert compare_f1(ours(DISFA[1:]), FOLD_2, asked=True) is None
    assert compare_f1({}, FOLD_2, asked=True) is None


def test_bp4d_is_known_by_its_own():
    subjects = set(PUBLISHED_FOLDS["bp4d"].tested[0])
    comparison = compare_f1(ours(PUBLISHED["bp4d"].action_units), subjects)
    assert comparison is not None
    assert "BP4D" in comparison.title


def test_the_mean_leaves_out_what_is_not_defined():
    column: dict[str, float | None] = dict.fromkeys(DISFA, 0.4)
    comparison = compare_f1({"ours": column | {"AU9": None}}, FOLD_2)
    assert comparison is not None
    assert comparison.rows[-1][1] == 0.4
