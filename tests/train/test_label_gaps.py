"""What labels cannot teach, in words: of training, and of the moments that choose thresholds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.base.errors import UserError
from train.fit.label_gaps import require_known, threshold_notes, training_notes

NAMES = ["AU1", "AU2", "AU4", "AU9"]


def labels(*columns):
    return np.array(columns, np.int8).T


BOTH, ABSENT, PRESENT, UNKNOWN = (1, 0, -1), (0, 0, -1), (1, 1, -1), (-1, -1, -1)


def test_of_action_units_with_both_classes_nothing_is_said():
    assert training_notes(NAMES, labels(BOTH, BOTH, BOTH, BOTH)) == []
    assert threshold_notes(NAMES, labels(BOTH, BOTH, BOTH, BOTH)) == []


def test_what_training_cannot_teach_is_told():
    assert training_notes(NAMES, labels(BOTH, ABSENT, PRESENT, UNKNOWN)) == [
        "AU9: unknown in every training frame; it is not learned, and its scores mean nothing",
        "AU2: no training frame has it present; the network can only learn its absence",
        "AU4: no training frame has it absent; the network can only learn its presence",
    ]


def test_several_action_units_stand_in_one_note():
    assert training_notes(NAMES, labels(UNKNOWN, ABSENT, UNKNOWN, ABSENT)) == [
        "AU1, AU4: unknown in every training frame; they are not learned, and their scores mean "
        "nothing",
        "AU2, AU9: no training frame has them present; the network can only learn their absence",
    ]


def test_thresholds_that_were_not_chosen_are_told():
    assert threshold_notes(NAMES, labels(BOTH, ABSENT, PRESENT, UNKNOWN)) == [
        "AU9: no known label on held-out moments, so its threshold is 0.5, not chosen",
        "AU2: no positive on held-out moments, so its threshold is 0.5, not chosen",
        "AU4: nothing but positives on held-out moments, so its threshold is 0.5, not chosen",
    ]
    assert threshold_notes(NAMES, labels(ABSENT, BOTH, ABSENT, ABSENT)) == [
        "AU1, AU4, AU9: no positive on held-out moments, so their thresholds are 0.5, not chosen"
    ]


def test_without_moments_no_threshold_is_chosen():
    assert threshold_notes(NAMES, np.zeros((0, 4), np.int8)) == [
        "no moments are held out, so all thresholds are 0.5, not chosen"
    ]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (np.full((3, 4), -1, np.int8), "no training frame has a known label"),
        (np.zeros((0, 4), np.int8), "no frame is left to train on"),
    ],
    ids=["unknown", "empty"],
)
def test_nothing_known_is_nothing_to_learn(known, said):
    with pytest.raises(UserError, match=f"tfrecords: {said}, so there is nothing to learn; "):
        require_known(Path("tfrecords"), known)
    require_known(Path("tfrecords"), labels(UNKNOWN, UNKNOWN, UNKNOWN, ABSENT))
