"""The 95 % intervals of probe losses and of their differences: a bootstrap over clips.

Frames of a clip are alike, so the clip is what is drawn again. Probes of the same clips share the
draws: what one clip adds to two of them cancels in their difference.

The weights of a draw are Dirichlet (the Bayesian bootstrap; Rubin 1981, Annals of Statistics 9:1):
no clip's weight is ever zero, so an action unit that few clips show does not vanish from a draw, as
it would where whole clips are drawn with replacement. From few clips any bootstrap is too narrow
(Hesterberg 2015, The American Statistician 69:4): draws are widened so that the interval of a
mean of n clips has the width of Student's at n - 1 degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

RESAMPLES = 1000
CONFIDENCE = 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure from all clips, and the same figure from each draw (draws,); NaN: no interval."""

    value: float
    drawn: Floats

    def __sub__(self, other: Estimate) -> Estimate:
        return Estimate(self.value - other.value, self.drawn - other.drawn)

    def bounds(self) -> tuple[float, float] | tuple[None, None]:
        """Return the ends of the 95 % interval; None where there were too few clips for one."""
        if np.isnan(self.drawn).any():
            return None, None
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(self.drawn, [tail, 1 - tail])
        return float(low), float(high)


def bootstrap_weights(clips: int, seed: int) -> Floats:
    """Draw the clips' weights (1 + draws, clips); those of the first row are all one."""
    drawn = np.random.default_rng(seed).exponential(size=(RESAMPLES, clips))
    return np.vstack([np.ones(clips), drawn])


def estimate(figures: Floats, clips: int) -> Estimate:
    """Make an estimate of a figure (1 + draws,), worked out with each row of weights.

    The variance of a Dirichlet-weighted mean of n clips is (n - 1) / (n + 1) of that of the mean.
    """
    value, drawn = float(figures[0]), figures[1:]
    if clips < 2:
        return Estimate(value, np.full_like(drawn, np.nan))
    level = (1 + CONFIDENCE) / 2
    student = t.ppf(level, clips - 1) / norm.ppf(level)
    wider = student * np.sqrt((clips + 1) / (clips - 1))
    return Estimate(value, value + wider * (drawn - value))
