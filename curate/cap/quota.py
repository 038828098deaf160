"""How many frames of each label set to keep: an integer program, on SciPy's HiGHS.

Most positives, none of the action units over the cap. Branching is bounded by a count of work,
never by the clock, so that the result is the same on every machine; where that ends the search
early, the result says by how many positives it may fall short of the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

Sets = NDArray[np.bool_]
Frames = NDArray[np.int64]

WORK = 250_000  # label sets times branchings: some seconds
EXACT = 4096  # label sets in one integer program: all that 12 action units can form


@dataclass(frozen=True)
class Quota:
    """`frames` (label sets,) to keep, and by how many positives the optimum may have more."""

    frames: Frames
    short: int = 0


def frames_per_label_set(
    sets: Sets, available: Frames, cap: int, work: int = WORK, exact: int = EXACT
) -> Quota:
    """Return how many frames of each label set to keep.

    `sets` (label sets, action units), `available` (label sets,). The set without any action unit
    present keeps at most `cap`. The cap is never exceeded, and no frame could be added. At most
    `exact` label sets are decided by one integer program.
    """
    frames = np.minimum(available, cap)
    active = sets.any(axis=1)
    present, most = sets[active], frames[active]
    room = np.full(sets.shape[1], cap)
    if len(present) <= exact:
        chosen, bound = _solve(present, most, room, work)
    else:
        chosen, bound = _solve_in_doubt(present, most, room, work, exact)
    chosen = fill(present, most, chosen, cap)
    frames[active] = chosen
    kept = int((chosen @ present).sum())
    # With no bound from the solver: each action unit alone.
    bound = min(bound, float(np.minimum(most @ present, cap).sum()))
    return Quota(frames, max(0, int(bound + 1e-6) - kept))


def fill(sets: Sets, available: Frames, frames: Frames, cap: int) -> Frames:
    """Add frames until none can be added, those with most action units first."""
    frames = frames.copy()
    room = cap - frames @ sets
    for number in np.argsort(-sets.sum(axis=1), kind="stable"):
        more = min(int(available[number] - frames[number]), int(room[sets[number]].min()))
        if more > 0:
            frames[number] += more
            room[sets[number]] -= more
    return frames


def _solve(sets: Sets, most: Frames, room: Frames, work: int) -> tuple[Frames, float]:
    """Solve the integer program: frames of each label set, and a bound on the positives.

    `most` (label sets,) frames at most of each, `room` (action units,) positives at most of each.
    """
    if not len(sets):
        return np.zeros(0, np.int64), 0.0
    members = sets.astype(float)
    result = milp(
        -members.sum(axis=1),
        integrality=np.ones(len(members)),
        bounds=Bounds(0, most),
        constraints=LinearConstraint(members.T, ub=room),
        options={"mip_rel_gap": 0.0, "node_limit": work // len(sets)},
    )
    bound = np.inf if result.mip_dual_bound is None else -result.mip_dual_bound
    if result.x is None:  # the work was over before HiGHS had any solution
        return np.zeros(len(sets), np.int64), bound
    return np.round(result.x).astype(np.int64), bound


def _solve_in_doubt(
    sets: Sets, most: Frames, room: Frames, work: int, exact: int
) -> tuple[Frames, float]:
    """Solve for very many label sets: those that the relaxation leaves in doubt, exactly.

    Without integrality the program is quick to solve, and nearly all label sets are kept completely
    or not at all. Those whose change would cost least are decided anew by the integer program.
    """
    members = sets.astype(float)
    relaxed = linprog(
        -members.sum(axis=1),
        A_ub=members.T,
        b_ub=room,
        bounds=np.stack([np.zeros(len(sets)), most], axis=1),
        method="highs-ds",
    )
    frames = np.floor(relaxed.x + 1e-6).astype(np.int64)
    integral = np.abs(relaxed.x - np.round(relaxed.x)) < 1e-6
    price = np.abs(relaxed.lower.marginals + relaxed.upper.marginals)
    doubtful = np.sort(np.lexsort((np.round(price, 9), integral))[:exact])
    fixed = np.delete(frames, doubtful) @ np.delete(sets, doubtful, axis=0)
    frames[doubtful] = _solve(sets[doubtful], most[doubtful], room - fixed, work)[0]
    return frames, -float(relaxed.fun)
