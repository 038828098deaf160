"""Which frames the probes hold: even, nested samples, and the unseen next to fed ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.tables import clip_of, frame_id
from train.gap.choice import (
    affordable_frames,
    choose_frames,
    even_sample,
    nested_sample,
    next_to_fed,
    scoring_steps,
)

IDS = [frame_id(clip, index) for index in (3, 0, 4, 1, 2) for clip in ("b", "a", "c")]


@given(st.integers(0, 500), st.integers(1, 100))
def test_a_sample_is_even_and_never_too_large(frames, most):
    chosen = even_sample(frames, most)
    assert len(chosen) == min(most, frames)
    assert len(set(chosen)) == len(chosen)
    if len(chosen):
        assert chosen.min() >= 0
        assert chosen.max() < frames
    if len(chosen) > 1:
        steps = np.diff(chosen)
        assert steps.max() - steps.min() <= 1


@given(st.sets(st.integers(0, 500)), st.integers(1, 100), st.data())
def test_nested_samples_share_what_they_can(positions, most, data):
    part = data.draw(st.sets(st.sampled_from(sorted(positions)))) if positions else set()
    wide, narrow = (nested_sample(np.array(sorted(x), int), most) for x in (positions, part))
    assert len(narrow) == min(most, len(part))
    assert (np.diff(narrow) > 0).all()
    assert set(narrow) <= part
    assert set(wide) & part <= set(narrow)


@given(st.integers(10, 5000), st.integers(10, 500))
def test_a_nested_sample_is_about_even(frames, most):
    steps = np.diff(nested_sample(np.arange(frames), most))
    assert steps.max() <= 2 * max(1, 2 ** np.ceil(np.log2(frames / most)))


def test_unseen_are_those_next_to_a_fed_one_in_the_same_clip():
    clips = ["a", "b", "a", "a", "a", "b", "c"]
    indices = [10, 0, 15, 5, 20, 5, 25]
    # Fed: a/10 and b/0. Beside them lie a/5 and a/15, and b/5; not a/20, nor c/25 of another clip.
    assert next_to_fed(clips, indices, 2).tolist() == [2, 3, 5]
    assert next_to_fed(clips, indices, 0).tolist() == []
    assert next_to_fed(clips, indices, 7).tolist() == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), unique=True), st.data())
def test_once_beside_a_fed_frame_always_until_it_is_fed(frames, data):
    fed = data.draw(st.integers(0, len(frames)))
    clips, indices = [f[0] for f in frames], [f[1] for f in frames]
    before, after = (set(next_to_fed(clips, indices, n)) for n in (fed, min(fed + 1, len(frames))))
    assert all(position >= fed for position in before)
    assert before - {fed} <= after


@given(st.integers(1, 3000), st.integers(1, 64), st.integers(1, 4))
def test_every_epoch_end_is_scored(frames, batch_size, epochs):
    steps = -(-frames // batch_size)
    points = scoring_steps(frames, batch_size, epochs)
    assert [points[steps * epoch] for epoch in range(1, epochs + 1)] == [
        float(epoch) for epoch in range(1, epochs + 1)
    ]
    assert min(points) >= 1
    assert list(points) == sorted(points)


def test_the_first_epoch_is_scored_at_its_fractions():
    assert scoring_steps(1600, 16, 2) == {
        6: 1 / 16, 12: 1 / 8, 25: 1 / 4, 50: 1 / 2, 75: 3 / 4, 100: 1.0, 200: 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fed", "most"), [(0, 200), (13_632, 200), (144_000, 1234), (640_000, 5485)]
)
def test_probes_are_kept_to_a_share_of_what_is_fed(fed, most):
    assert affordable_frames(fed) == most


def choose(most=50):
    """Choose of 15 training frames in batches of four, twice."""
    held_out = {"dropped": 40, "moments": 12, "people": 0}
    return choose_frames(IDS, held_out, batch_size=4, epochs=2, most=most)


def test_seen_are_the_fed_and_unseen_lie_beside_one_in_time():
    choice = choose()
    assert list(choice.points.items()) == [(1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0), (8, 2.0)]
    for step, probes in choice.trained.items():
        fed = set(IDS[: 4 * step])
        beside = set()
        for before, after in itertools.pairwise(sorted(IDS)):
            if clip_of(before) == clip_of(after):
                beside |= {before} if after in fed else set()
                beside |= {after} if before in fed else set()
        assert {IDS[position] for position in probes["seen"]} == fed
        assert {IDS[position] for position in probes["unseen"]} == beside - fed
    assert len(choice.trained[1]["unseen"]) == 7


def test_the_held_out_are_chosen_evenly_and_of_dropped_no_more_than_are_seen():
    held_out = choose().held_out
    assert {probe: len(positions) for probe, positions in held_out.items()} == {
        "dropped": 15, "moments": 12, "people": 0,
    }  # fmt: skip
    assert held_out["dropped"].tolist() == [40 * number // 15 for number in range(15)]


def test_rows_lead_back_to_the_chosen_frames():
    """Training's frames come first, then those of each probe held out."""
    choice = choose(most=6)
    table = [("train", p) for p in choice.training]
    table += [(probe, p) for probe, positions in choice.held_out.items() for p in positions]
    assert len(table) == len(set(table))
    for step, rows in choice.rows().items():
        for probe, positions in (choice.trained[step] | choice.held_out).items():
            split = probe if probe in choice.held_out else "train"
            assert [table[row] for row in rows[probe]] == [(split, p) for p in positions]
            assert len(positions) <= 6
