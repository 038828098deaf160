"""When a training is stopped, and what is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.base.errors import UserError
from train.fit.loss_guard import FACTOR, STEPS, LossGuard


def guard(lr=0.0008, tuned_lr=None, units=(1000, 1000), backbone="efficientnet-lite0"):
    return LossGuard(lr, tuned_lr, units, backbone)


def watch(losses, watching=None, **given):
    """Report the losses of an epoch's steps as Keras would: their mean so far."""
    watching = watching or guard(**given)
    for step, mean in enumerate(np.cumsum(losses) / np.arange(1, len(losses) + 1)):
        watching.on_train_batch_end(step, {"loss": float(mean)})
    watching.on_epoch_end(0, {})
    return watching


def test_a_loss_that_stays_high_names_the_rate_and_the_layers():
    losses = [0.7] + [10.0] * STEPS
    sentence = (
        rf"runs away, 9\.91 over the last {STEPS} steps from 0\.7 at the first, \(step {STEPS}\): "
        r"lr \(0\.1\) is too high for units \[1000, 1000\].* try lr 0\.01"
    )
    with pytest.raises(UserError, match=sentence):
        watch(losses, lr=0.1)


def test_fine_tuning_has_a_second_rate_to_name():
    with pytest.raises(UserError, match=r"lr \(0\.0008\) or unfreeze_lr \(2e-05\) is too high"):
        watch([0.7] + [10.0] * STEPS, tuned_lr=0.00002)


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_no_number_stops_at_once(loss):
    with pytest.raises(UserError, match=r"no longer a number \(step 3\)"):
        watch([0.7, 0.6, loss])


def test_before_anything_is_learned_no_rate_is_to_blame():
    with pytest.raises(UserError, match=r"very first .*: the backbone own\.keras gives features"):
        watch([np.nan], backbone="own.keras")


def test_a_first_batch_without_known_labels_is_nothing_to_compare_with():
    watch([0.0] + [0.7] * 2 * STEPS)
    with pytest.raises(UserError, match=r"from 0\.7 at the first"):
        watch([0.0, 0.7] + [10.0] * STEPS)


def test_a_spike_that_passes_does_not_stop_it():
    watch([0.7] * 50 + [100.0] + [0.5] * 200)


@given(st.lists(st.floats(0.01, 0.9 * FACTOR), min_size=1, max_size=3 * STEPS))
def test_losses_near_the_first_never_stop_it(losses):
    watch([1.0, *losses])


def test_epochs_shorter_than_the_window_count_together():
    watching = watch([0.7] + [10.0] * 59)
    with pytest.raises(UserError, match="runs away"):
        watch([10.0] * 41, watching)


def test_it_resumes_from_its_state():
    whole = watch([0.7] + [1.0] * 70)
    halved = guard()
    losses = np.array([0.7] + [1.0] * 70)
    means = np.cumsum(losses) / np.arange(1, 72)
    for step in range(30):
        halved.on_train_batch_end(step, {"loss": float(means[step])})
    resumed = guard()
    resumed.restore(halved.state())
    for step in range(30, 71):
        resumed.on_train_batch_end(step - 30, {"loss": float(means[step])})
    resumed.on_epoch_end(0, {})
    assert resumed.state() == whole.state()
