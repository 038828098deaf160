from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.gap import bootstrap as bands
from train.gap import losses as gap
from train.gap.losses import Probe


@given(st.integers(0, 500), st.integers(1, 100), st.data())
def test_a_sample_is_even_and_never_too_large(frames, most, data):
    first = data.draw(st.integers(0, frames))
    chosen = gap.sample(frames, most, first)
    assert len(chosen) == min(most, frames - first)
    assert len(set(chosen)) == len(chosen)
    if len(chosen):
        assert chosen.min() >= first
        assert chosen.max() < frames
    if len(chosen) > 1:
        steps = np.diff(chosen)
        assert steps.max() - steps.min() <= 1


@given(st.sets(st.integers(0, 500)), st.integers(1, 100), st.data())
def test_nested_samples_share_what_they_can(there, most, data):
    part = data.draw(st.sets(st.sampled_from(sorted(there)))) if there else set()
    wide, narrow = (gap.nested_sample(np.array(sorted(x), int), most) for x in (there, part))
    assert len(narrow) == min(most, len(part))
    assert (np.diff(narrow) > 0).all()
    assert set(narrow) <= part
    assert set(wide) & part <= set(narrow)


@given(st.integers(10, 5000), st.integers(10, 500))
def test_a_nested_sample_is_about_even(frames, most):
    steps = np.diff(gap.nested_sample(np.arange(frames), most))
    assert steps.max() <= 2 * max(1, 2 ** np.ceil(np.log2(frames / most)))


def test_unseen_are_those_next_to_a_fed_one_in_the_same_clip():
    clips = ["a", "b", "a", "a", "a", "b", "c"]
    indices = [10, 0, 15, 5, 20, 5, 25]
    # Fed: a/10 and b/0. Beside them lie a/5 and a/15, and b/5; not a/20, nor c/25 of another clip.
    assert gap.next_to_fed(clips, indices, 2).tolist() == [2, 3, 5]
    assert gap.next_to_fed(clips, indices, 0).tolist() == []
    assert gap.next_to_fed(clips, indices, 7).tolist() == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), unique=True), st.data())
def test_once_beside_a_fed_frame_always_until_it_is_fed(frames, data):
    fed = data.draw(st.integers(0, len(frames)))
    clips, indices = [f[0] for f in frames], [f[1] for f in frames]
    before, after = (
        set(gap.next_to_fed(clips, indices, n)) for n in (fed, min(fed + 1, len(frames)))
    )
    assert all(position >= fed for position in before)
    assert before - {fed} <= after


@given(st.integers(1, 3000), st.integers(1, 64), st.integers(1, 4))
def test_every_epoch_end_is_scored(frames, batch_size, epochs):
    steps = -(-frames // batch_size)
    points = gap.schedule(frames, batch_size, epochs)
    assert [points[steps * epoch] for epoch in range(1, epochs + 1)] == [
        float(epoch) for epoch in range(1, epochs + 1)
    ]
    assert min(points) >= 1
    assert list(points) == sorted(points)


def test_the_first_epoch_is_scored_at_its_fractions():
    assert gap.schedule(1600, 16, 2) == {
        6: 1 / 16, 12: 1 / 8, 25: 1 / 4, 50: 1 / 2, 75: 3 / 4, 100: 1.0, 200: 2.0,
    }  # fmt: skip


def test_rates_leave_unknown_labels_out():
    labels = np.array([[1, -1], [0, -1], [-1, -1]], np.int8)
    np.testing.assert_allclose(gap.rates(labels), [0.5, 0.0])


ONE_CLIP = bands.weights(1, 0)
ALL = np.array([True])


def _probe(positives: int, negatives: int, present_loss: float, absent_loss: float) -> Probe:
    labels = np.array([1] * positives + [0] * negatives, np.int8)[:, None]
    loss = np.where(labels == 1, present_loss, absent_loss).astype(float)
    return Probe(loss, labels, np.zeros(len(labels), np.int64))


def _loss(probe: Probe, reference: list[float], units: np.ndarray = ALL) -> float | None:
    loss = gap.comparable_loss(probe, np.array(reference), units, ONE_CLIP)
    return None if loss is None else loss.value


def test_a_rarer_class_alone_makes_no_gap():
    """The same network knowledge at other rates: plain losses differ, comparable ones do not."""
    often, seldom = _probe(50, 50, 2.0, 0.1), _probe(5, 95, 2.0, 0.1)
    assert gap.plain_loss(often) - gap.plain_loss(seldom) > 0.5
    assert _loss(often, [0.5]) == pytest.approx(1.05)
    assert _loss(seldom, [0.5]) == pytest.approx(1.05)


def test_at_its_own_rates_a_probe_has_its_plain_loss():
    probe = _probe(30, 70, 1.5, 0.2)
    assert _loss(probe, list(gap.rates(probe.labels))) == pytest.approx(gap.plain_loss(probe))


def test_a_unit_that_a_part_lacks_counts_for_none():
    both, lacks = np.array([[1, 1], [0, 0]], np.int8), np.array([[1, 0], [0, 0]], np.int8)
    clips = np.zeros(2, np.int64)
    assert gap.shared_units([(both, clips)], 2).tolist() == [True, True]
    units = gap.shared_units([(both, clips), (lacks, clips)], 2)
    assert units.tolist() == [True, False]
    loss = np.array([[1.0, 9.0], [1.0, 9.0]])
    assert _loss(Probe(loss, both, clips), [0.5, 0.5], units) == 1.0


def test_a_unit_of_a_single_clip_says_nothing_of_others():
    labels = np.array([[1, 1], [0, 0], [1, 0], [0, 0]], np.int8)
    assert gap.shared_units([(labels, np.array([0, 0, 1, 1]))], 2).tolist() == [True, False]
    assert gap.shared_units([(labels, np.zeros(4, np.int64))], 2).tolist() == [True, True]


def test_no_loss_without_frames_units_or_one_of_the_classes():
    empty = Probe(np.zeros((0, 1)), np.zeros((0, 1), np.int8), np.zeros(0, np.int64))
    assert _loss(empty, [0.5]) is None
    assert gap.plain_loss(empty) is None
    assert _loss(_probe(3, 0, 1.0, 1.0), [0.5]) is None
    assert _loss(_probe(1, 1, 1.0, 1.0), [0.5], np.array([False])) is None


def test_each_draw_is_the_loss_with_frames_weighted_by_their_clip():
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, (200, 3)).astype(np.int8)
    probe = Probe(rng.random((200, 3)), labels, rng.integers(0, 4, 200))
    weights, reference = bands.weights(4, 0), np.array([0.2, 0.5, 0.9])
    loss = gap.comparable_loss(probe, reference, np.ones(3, bool), weights)
    by_hand = []
    for row in weights:
        each = row[probe.clips][:, None]
        present, absent = (
            (each * probe.loss * (labels == v)).sum(0) / (each * (labels == v)).sum(0)
            for v in (1, 0)
        )
        by_hand.append((reference * present + (1 - reference) * absent).mean())
    wanted = bands.estimate(np.array(by_hand), 4)
    assert loss.value == pytest.approx(wanted.value)
    np.testing.assert_allclose(loss.drawn, wanted.drawn)
