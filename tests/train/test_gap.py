from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train import gap
from train.gap import Probe


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


def _probe(positives: int, negatives: int, present_loss: float, absent_loss: float) -> Probe:
    labels = np.array([1] * positives + [0] * negatives, np.int8)[:, None]
    return Probe(np.where(labels == 1, present_loss, absent_loss).astype(float), labels)


def test_a_rarer_class_alone_makes_no_gap():
    """The same network knowledge at other rates: plain losses differ, comparable ones do not."""
    often, seldom = _probe(50, 50, 2.0, 0.1), _probe(5, 95, 2.0, 0.1)
    assert gap.plain_loss(often) - gap.plain_loss(seldom) > 0.5
    losses = gap.comparable_losses({"seen": often, "people": seldom}, np.array([0.5]))
    assert losses["seen"] == pytest.approx(losses["people"])
    assert losses["seen"] == pytest.approx(1.05)


def test_at_its_own_rates_a_probe_has_its_plain_loss():
    probe = _probe(30, 70, 1.5, 0.2)
    losses = gap.comparable_losses({"seen": probe}, gap.rates(probe.labels))
    assert losses["seen"] == pytest.approx(gap.plain_loss(probe))


def test_a_unit_that_a_probe_lacks_counts_for_none():
    both = Probe(np.array([[1.0, 9.0], [1.0, 9.0]]), np.array([[1, 1], [0, 0]], np.int8))
    lacks = Probe(np.array([[2.0, 5.0], [2.0, 5.0]]), np.array([[1, 0], [0, 0]], np.int8))
    losses = gap.comparable_losses({"seen": both, "people": lacks}, np.array([0.5, 0.5]))
    assert losses == {"seen": 1.0, "people": 2.0}


def test_an_empty_probe_has_no_loss():
    empty = Probe(np.zeros((0, 1)), np.zeros((0, 1), np.int8))
    losses = gap.comparable_losses({"seen": _probe(1, 1, 1, 1), "unseen": empty}, np.array([0.5]))
    assert losses["unseen"] is None
    assert losses["seen"] == 1.0
    assert gap.plain_loss(empty) is None
