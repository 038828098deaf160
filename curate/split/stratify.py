"""Sets and folds of subjects that resemble everyone: in action unit rates, and in size.

One cost rates a set of subjects as the one to validate on. The set that validates once is the
cheapest of many; folds are an assignment of subjects whose folds are cheap, each in its turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CANDIDATES = 20_000  # sets of validation subjects that are compared, all of them where fewer
_EXCHANGES = 5_000_000  # of two subjects between folds that are tried at most
_STARTS = 8  # assignments to improve, of which the cheapest is taken
_SIZE = 4.0  # weight of a fold's size: with 1, a dozen action units push sizes far apart
_RARE = 1e-3  # keeps the relative difference of an action unit that nearly never occurs finite
_LACKING = 100.0  # cost of an action unit without a positive here, or anywhere else
_SHORT = 10.0  # cost of an action unit with fewer positives here than wanted


@dataclass(frozen=True)
class Aim:
    """What a set of subjects should come close to when it validates.

    `positives` and `wanted` (action units,): positives of everyone, and those that the set should
    have at least; `frames` of everyone, of which the set should have `share`; a
    relative difference of sizes counts `size_weight` times one of a rate.
    """

    frames: float
    positives: Floats
    share: float
    wanted: Floats
    size_weight: float = 1.0

    def cost(self, frames: Floats, positives: Floats) -> Floats:
        """Price sets with so many frames (...) and positives (..., action units); returns (...).

        The relative difference of each action unit's rate, and of the size. A set that leaves
        validation or training without any positive of an action unit that somebody has costs
        more than any difference of rates; one with fewer positives than wanted, nearly as much.
        """
        overall = self.positives / self.frames
        difference = np.abs(positives / frames[..., None] - overall) / (overall + _RARE)
        occurs = self.positives > 0
        lacking = ((positives == 0) | (positives == self.positives)) & occurs
        size = np.abs(frames / self.frames - self.share) / self.share * self.size_weight
        missing = np.maximum(self.wanted - positives, 0) / np.maximum(self.wanted, 1)
        short = _SHORT * (missing > 0) + missing
        return difference.sum(axis=-1) + size + _LACKING * lacking.sum(axis=-1) + short.sum(axis=-1)


def choose_set(
    frames: Floats, positives: Floats, share: float, least: int, seed: int
) -> NDArray[np.bool_]:
    """Choose about `share` of two or more subjects to validate on: a mask (subjects,).

    `frames` (subjects,), `positives` (subjects, action units). At least `least` positives of each
    action unit are wanted, or half of those there are.
    """
    total = positives.sum(axis=0)
    aim = Aim(float(frames.sum()), total, share, np.minimum(least, total // 2))
    candidates = _candidate_sets(len(frames), share, seed)
    return candidates[int(aim.cost(candidates @ frames, candidates @ positives).argmin())]


def _candidate_sets(subjects: int, share: float, seed: int) -> NDArray[np.bool_]:
    """List sets of subjects (sets, subjects): all of the right size, or a seeded sample."""
    size = min(max(1, round(share * subjects)), subjects - 1)
    if comb(subjects, size) <= _CANDIDATES:
        chosen = np.array(list(combinations(range(subjects), size)))
    else:
        generator = np.random.default_rng(seed)
        shuffled = generator.random((_CANDIDATES, subjects)).argsort(axis=1)
        chosen = np.sort(shuffled[:, :size], axis=1)
    sets = np.zeros((len(chosen), subjects), bool)
    np.put_along_axis(sets, chosen, True, axis=1)
    return sets


def stratify(frames: Floats, positives: Floats, folds: int, least: int) -> NDArray[np.int64]:
    """Assign each subject to a fold (from 0), folds being of like size and action unit rates.

    `frames` (subjects,) > 0, `positives` (subjects, action units). At least `least` positives of
    each action unit are wanted in a fold, or a fold's share of those there are. From several
    starts, subjects are moved and exchanged while that lowers the sum of the folds' costs
    squared, which lets no fold be much worse than the others. The starts are always the same.
    """
    total = positives.sum(axis=0)
    wanted = np.minimum(least, total // folds)
    aim = Aim(float(frames.sum()), total, 1 / folds, wanted, _SIZE)
    improved = [_improve(start, frames, positives, folds, aim) for start in _starts(frames, folds)]
    costs = [
        (aim.cost(*_loads(assigned, frames, positives, folds)) ** 2).sum() for assigned in improved
    ]
    return improved[int(np.round(costs, 9).argmin())]


def _starts(frames: Floats, folds: int) -> list[NDArray[np.int64]]:
    """Make assignments to start from: the largest first into the smallest fold, and dealt ones."""
    first = np.zeros(len(frames), np.int64)
    load = np.zeros(folds)
    for subject in np.argsort(-frames, kind="stable"):
        first[subject] = load.argmin()
        load[first[subject]] += frames[subject]
    dealt = np.arange(len(frames)) % folds
    generator = np.random.default_rng(0)
    return [first, *(generator.permutation(dealt) for _ in range(_STARTS - 1))]


def _loads(
    assigned: NDArray[np.int64], frames: Floats, positives: Floats, folds: int
) -> tuple[Floats, Floats]:
    """Sum frames (folds,) and positives (folds, action units) of each fold."""
    member = assigned == np.arange(folds)[:, None]
    return member @ frames, member @ positives


def _improve(
    assigned: NDArray[np.int64], frames: Floats, positives: Floats, folds: int, aim: Aim
) -> NDArray[np.int64]:
    """Go round the subjects until no move or exchange of one lowers the cost."""
    left, idle, subject = _EXCHANGES // _STARTS, 0, 0
    while idle < len(frames) and left > 0:
        changed = _relocate(subject, assigned, frames, positives, folds, aim)
        idle = 0 if changed else idle + 1
        subject = (subject + 1) % len(frames)
        left -= len(frames)
    return assigned


def _relocate(
    subject: int,
    assigned: NDArray[np.int64],
    frames: Floats,
    positives: Floats,
    folds: int,
    aim: Aim,
) -> bool:
    """Move a subject to another fold, or exchange it with one there, if that lowers the cost.

    Changes `assigned`. Every fold keeps a subject.
    """
    fold_frames, fold_positives = _loads(assigned, frames, positives, folds)
    own = assigned[subject]
    partners = np.flatnonzero(assigned != own)
    alone = (assigned == own).sum() == 1
    others = np.zeros(0, np.int64) if alone else np.flatnonzero(np.arange(folds) != own)
    into = np.concatenate([others, assigned[partners]])
    # What the subject's fold loses and the other gains: the subject, less its partner if any.
    out_frames = frames[subject] - np.concatenate([np.zeros(len(others)), frames[partners]])
    none = np.zeros((len(others), positives.shape[1]))
    out_positives = positives[subject] - np.concatenate([none, positives[partners]])
    before = aim.cost(fold_frames, fold_positives) ** 2
    after = (
        aim.cost(fold_frames[own] - out_frames, fold_positives[own] - out_positives) ** 2
        + aim.cost(fold_frames[into] + out_frames, fold_positives[into] + out_positives) ** 2
    )
    # Rounded, so that equal exchanges tie on every processor and the first one is taken.
    gain = np.round(before[own] + before[into] - after, 9)
    if not len(gain) or gain.max() <= 0:
        return False
    best = int(gain.argmax())
    if best >= len(others):
        assigned[partners[best - len(others)]] = own
    assigned[subject] = into[best]
    return True
