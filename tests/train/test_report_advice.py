"""What to change next: each rule, the figures that it needs, and the command that it gives."""

from __future__ import annotations

import pytest

from curate.base.params import Parameters
from tests.train.made_gaps import make_gap, make_probes, make_verdict
from train.report.advice import Figures, suggest
from train.report.words import headline


def advice(
    cause: str, people=(0.4, 0.4), subjects=9, positives=None, never=(), **parameters
) -> list[str]:
    """Return the commands, or else the words, of what is suggested."""
    gap = make_gap(1.0, cause)
    figures = Figures(
        make_verdict(gap, gap),
        make_probes([1.0, 2.0], list(people)),
        subjects,
        positives or {},
        list(never),
    )
    return [s.command or s.change for s in suggest(figures, Parameters(**parameters))]


def test_near_duplicates_ask_for_a_stride():
    assert advice("near_duplicate_moments", stride=1)[0] == "dvc exp run report -S stride=5"
    assert advice("near_duplicate_moments", stride=5)[0] == "dvc exp run report -S stride=10"


def test_memorising_asks_for_dropout_then_for_a_lower_rate():
    commands = advice("memorised", dropout=0.2, lr=0.001)
    assert commands[:2] == ["dvc exp run report -S dropout=0.5", "dvc exp run report -S lr=0.0003"]


def test_people_ask_for_people():
    commands = advice("people", dropout=0.0)
    assert commands[0].startswith("Add footage of more people")
    assert commands[1] == "dvc exp run report -S dropout=0.5"


def test_no_gap_asks_for_more_while_the_loss_falls():
    assert advice("none", (0.4, 0.3), epochs=4)[0] == "dvc exp run report -S epochs=8"
    assert advice("none", (0.4, 0.405), dropout=0.5)[0] == "dvc exp run report -S dropout=0.25"


def test_a_loss_that_has_turned_asks_to_stop():
    assert "dvc exp run report -S epochs=1" in advice("people", (0.4, 0.5))
    assert "dvc exp run report -S epochs=1" not in advice("people", (0.4, 0.401))


def test_a_rise_within_the_interval_is_not_taken_for_one():
    assert "dvc exp run report -S epochs=1" not in advice("people", (0.4, 0.419))
    assert "dvc exp run report -S epochs=1" in advice("people", (0.4, 0.421))


def test_a_fall_within_the_interval_does_not_ask_for_more_epochs():
    assert not [c for c in advice("none", (0.4, 0.39), stride=1) if "epochs" in c]


@pytest.mark.parametrize(
    ("ends", "noted"),
    [((-0.01, 0.02), True), ((-0.01, 0.04), False), ((-0.04, 0.01), False), ((None, None), False)],
)
def test_dropped_frames_cost_nothing_only_where_the_interval_says_so(ends, noted):
    low, high = ({"dropped": end} for end in ends)
    final = make_gap(2.0, "near_duplicate_moments", dropped=0.004, low=low, high=high)
    figures = Figures(make_verdict(final, final), make_probes([1.0, 2.0], [0.4, 0.4]), 9, {}, [])
    assert (
        "dropped frames cost nothing (+0.004" in suggest(figures, Parameters())[0].because
    ) == noted


def test_one_subject_asks_for_people_first():
    assert advice("unknown", subjects=1) == ["Add footage of more people"]


def test_rare_action_units_are_told():
    assert advice("unknown", positives={"AU9": 3, "AU25": 300})[0].startswith("Add footage with")


def test_what_is_never_predicted_asks_for_a_lower_threshold():
    commands = advice("unknown", never=["AU2"], threshold=0.5)
    assert commands[0] == "dvc exp run report -S threshold=0.3"


def test_three_suggestions_at_most():
    assert len(advice("same_people", (0.4, 0.9), dropout=0.0, positives={"AU9": 1})) == 3


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("people", "Yes: it knows the people"),
        ("memorised", "Yes: it memorises"),
        ("none", "No:"),
        ("unknown", "cannot be said"),
    ],
)
def test_the_headline_names_the_cause(cause, words):
    assert words in headline(cause)
