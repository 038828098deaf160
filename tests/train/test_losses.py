"""The losses of the probes, comparable whatever their action units' rates are."""

from __future__ import annotations

import numpy as np
import pytest

from train.gap.intervals import bootstrap_weights, estimate
from train.gap.losses import Probe, comparable_loss, plain_loss, rates, shared_units


def test_rates_leave_unknown_labels_out():
    labels = np.array([[1, -1], [0, -1], [-1, -1]], np.int8)
    np.testing.assert_allclose(rates(labels), [0.5, 0.0])


ONE_CLIP = bootstrap_weights(1, 0)
ALL = np.array([True])


def _probe(positives: int, negatives: int, present_loss: float, absent_loss: float) -> Probe:
    labels = np.array([1] * positives + [0] * negatives, np.int8)[:, None]
    loss = np.where(labels == 1, present_loss, absent_loss).astype(float)
    return Probe(loss, labels, np.zeros(len(labels), np.int64))


def _loss(probe: Probe, reference: list[float], units: np.ndarray = ALL) -> float | None:
    loss = comparable_loss(probe, np.array(reference), units, ONE_CLIP)
    return None if loss is None else loss.value


def test_a_rarer_class_alone_makes_no_gap():
    """The same network knowledge at other rates: plain losses differ, comparable ones do not."""
    often, seldom = _probe(50, 50, 2.0, 0.1), _probe(5, 95, 2.0, 0.1)
    assert plain_loss(often) - plain_loss(seldom) > 0.5
    assert _loss(often, [0.5]) == pytest.approx(1.05)
    assert _loss(seldom, [0.5]) == pytest.approx(1.05)


def test_at_its_own_rates_a_probe_has_its_plain_loss():
    probe = _probe(30, 70, 1.5, 0.2)
    assert _loss(probe, list(rates(probe.labels))) == pytest.approx(plain_loss(probe))


def test_a_unit_that_a_part_lacks_counts_for_none():
    both, lacks = np.array([[1, 1], [0, 0]], np.int8), np.array([[1, 0], [0, 0]], np.int8)
    clips = np.zeros(2, np.int64)
    assert shared_units([(both, clips)], 2).tolist() == [True, True]
    units = shared_units([(both, clips), (lacks, clips)], 2)
    assert units.tolist() == [True, False]
    loss = np.array([[1.0, 9.0], [1.0, 9.0]])
    assert _loss(Probe(loss, both, clips), [0.5, 0.5], units) == 1.0


def test_a_unit_of_a_single_clip_says_nothing_of_others():
    labels = np.array([[1, 1], [0, 0], [1, 0], [0, 0]], np.int8)
    assert shared_units([(labels, np.array([0, 0, 1, 1]))], 2).tolist() == [True, False]
    assert shared_units([(labels, np.zeros(4, np.int64))], 2).tolist() == [True, True]


def test_no_loss_without_frames_units_or_one_of_the_classes():
    empty = Probe(np.zeros((0, 1)), np.zeros((0, 1), np.int8), np.zeros(0, np.int64))
    assert _loss(empty, [0.5]) is None
    assert plain_loss(empty) is None
    assert _loss(_probe(3, 0, 1.0, 1.0), [0.5]) is None
    assert _loss(_probe(1, 1, 1.0, 1.0), [0.5], np.array([False])) is None


def test_each_draw_is_the_loss_with_frames_weighted_by_their_clip():
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, (200, 3)).astype(np.int8)
    probe = Probe(rng.random((200, 3)), labels, rng.integers(0, 4, 200))
    weights, reference = bootstrap_weights(4, 0), np.array([0.2, 0.5, 0.9])
    loss = comparable_loss(probe, reference, np.ones(3, bool), weights)
    by_hand = []
    for row in weights:
        each = row[probe.clips][:, None]
        present, absent = (
            (each * probe.loss * (labels == v)).sum(0) / (each * (labels == v)).sum(0)
            for v in (1, 0)
        )
        by_hand.append((reference * present + (1 - reference) * absent).mean())
    wanted = estimate(np.array(by_hand), 4)
    assert loss.value == pytest.approx(wanted.value)
    np.testing.assert_allclose(loss.drawn, wanted.drawn)
