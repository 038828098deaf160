"""Events of action units: what starts one, what ends one, and what is left of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.suggest.events import Left, count_left, find_events

ON, OFF, UNKNOWN = 1, 0, None


@pytest.mark.parametrize(
    ("values", "usable", "events"),
    [
        ([ON, ON, OFF, ON], [True] * 4, [0, 0, -1, 1]),
        ([ON, UNKNOWN, ON, OFF], [True] * 4, [0, -1, 0, -1]),
        ([ON, OFF, ON, ON], [True, False, True, True], [0, -1, 0, 0]),
        ([OFF, UNKNOWN, OFF, OFF], [True] * 4, [-1, -1, -1, -1]),
    ],
    ids=["absent ends it", "unknown does not", "unusable does not", "none"],
)
def test_runs_of_positives(values, usable, events, frames_table, labels_of):
    frames = frames_table({"a": [0] * 4})
    found = find_events(frames, labels_of(frames, AU1=values), np.array(usable))
    assert found["AU1"].tolist() == events


def test_a_new_clip_is_a_new_event(frames_table, labels_of):
    frames = frames_table({"a": [0, 0], "b": [0, 0]})
    labels = labels_of(frames, AU1=[ON] * 4, AU12=[OFF, ON, OFF, ON])
    found = find_events(frames, labels.reverse(), np.ones(4, bool))
    assert found["AU1"].tolist() == [0, 0, 1, 1]
    assert found["AU12"].tolist() == [-1, 0, -1, 1]


def test_a_flicker_that_is_lost_costs_its_one_frame():
    events = np.array([0] * 9 + [-1, 1])
    keep = np.arange(11) == 4
    assert count_left(events, keep) == Left(positives=1, events=1, covered=0.9)


def test_nothing_to_cover():
    assert count_left(np.full(3, -1), np.ones(3, bool)) == Left(0, 0, None)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_more_frames_never_leave_less(rows):
    values = np.array([on for on, _ in rows], bool)
    keep = np.array([kept for _, kept in rows], bool)
    starts = values & ~np.r_[False, values[:-1]][: len(values)]
    events = np.where(values, np.cumsum(starts) - 1, -1)
    some, whole = count_left(events, keep), count_left(events, np.ones(len(rows), bool))
    assert some.positives == int((values & keep).sum())
    assert (some.positives > 0) == (some.events > 0)
    assert some.events <= whole.events == int(starts.sum())
    assert whole.covered in (1.0, None)
    assert (some.covered or 0) <= (whole.covered or 0)
