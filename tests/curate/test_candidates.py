"""Candidates: read from options, decided by the rule of dedup itself."""

from __future__ import annotations

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.dedup.rule import decide, label_sets
from curate.suggest.candidates import OFF, Candidate, grid, read_numbers, try_all
from curate.suggest.events import Left


def test_numbers_are_read_in_any_order():
    assert read_numbers("5, 1,5", "--strides", ()) == [1, 5]
    assert read_numbers("4,off,0", "--distances", ()) == [OFF, 0, 4]
    assert read_numbers(None, "--strides", (2, 3)) == [2, 3]


@pytest.mark.parametrize(
    ("option", "text", "word"),
    [
        ("--strides", "0,2", "'0'"),
        ("--strides", "1,off", "'off'"),
        ("--strides", "", "''"),
        ("--distances", "2,33", "'33'"),
        ("--distances", "2,1.5", "'1.5'"),
    ],
)
def test_a_number_that_cannot_be_is_named(option, text, word):
    with pytest.raises(UserError, match=f"{option}: {word} is not allowed"):
        read_numbers(text, option, ())


def test_the_grid_starts_with_all_frames():
    assert grid([1, 2], [OFF, 0]) == [(1, OFF), (1, 0), (2, OFF), (2, 0)]
    assert grid([2], [0, 4]) == [(1, OFF), (2, 0), (2, 4)]


@pytest.mark.parametrize("scope", ["clip", "all"])
@pytest.mark.parametrize("same_labels", [True, False])
def test_candidates_are_what_dedup_leaves(scope, same_labels, frames_table, labels_of):
    frames = frames_table({"a": [0, 0, 3, 3, 0, 0], "b": [0, 0, 255, 255, 255, 0]})
    labels = labels_of(frames, AU1=[1, 1, 0, 1, 0, None] * 2, AU2=[None] * 11 + [1])
    parameters = Parameters(scope=scope, same_labels=same_labels)
    pairs = grid([1, 2], [OFF, 0, 2])
    told: list[int] = []
    tried = try_all(frames, labels, pairs, parameters, told.append)
    assert len(told) == len(pairs)
    for candidate in tried:
        decisions = decide(
            frames,
            label_sets(frames, labels),
            stride=candidate.stride,
            distance=candidate.distance,
            scope=scope,
            same_labels=same_labels,
        )
        kept = decisions.filter("keep").join(labels, on="id")
        assert candidate.frames == len(kept)
        assert candidate.units["AU1"].positives == int((kept["AU1"] == 1).sum())
    # The unlabelled frame of a is not used; b's last one is, for its AU2.
    assert tried[0].frames == 11
    assert tried[0].units == {"AU1": Left(6, 4, 1.0), "AU2": Left(1, 1, 1.0)}


def test_the_least_covered_unit_is_the_first_of_several():
    units = {"AU1": Left(0, 0, None), "AU2": Left(3, 1, 0.5), "AU4": Left(1, 1, 0.5)}
    assert Candidate(1, 0, 9, units).least == ("AU2", 0.5)
    assert Candidate(1, 0, 9, {"AU1": Left(0, 0, None)}).least is None
