"""Which frames the probes hold, and after which steps they are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from curate.tables import split_frame_id

HELD_OUT = {"dropped": "dropped", "moments": "moments", "people": "validation"}  # probe: its split
# Fractions of the first epoch at which the probes are scored.
FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
EARLY = 1 / 4  # of the first epoch: where a gap's source shows before the frames are memorised
# Probes are kept to about this share of the frames that the whole training feeds, for a frame costs
# about as much to score as to train on; but to no fewer frames each than say something.
SHARE = 0.06
LEAST = 200
Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Choice:
    """The frames of each probe, as positions in the file order of their splits.

    `points` maps the steps (from 1, over all epochs) after which the probes are scored to the
    epoch. `trained` has the frames of "seen" and "unseen" at each of those steps, `held_out` those
    of the other probes, which stay the same.
    """

    points: dict[int, float]
    trained: dict[int, dict[str, Positions]]
    held_out: dict[str, Positions]

    @cached_property
    def training(self) -> Positions:
        """The training frames that are seen or unseen at any step, each once, in file order."""
        chosen = [positions for probes in self.trained.values() for positions in probes.values()]
        return np.unique(np.concatenate(chosen))

    def rows(self) -> dict[int, dict[str, Positions]]:
        """Return the rows of each probe at each step in a table of all chosen frames.

        The table has `training` first, then the probes of `held_out` in their order.
        """
        held_out, start = {}, len(self.training)
        for probe, positions in self.held_out.items():
            held_out[probe] = np.arange(start, start + len(positions))
            start += len(positions)
        return {
            step: {name: np.searchsorted(self.training, p) for name, p in probes.items()} | held_out
            for step, probes in self.trained.items()
        }


def choose_frames(
    training: Sequence[str], held_out: Mapping[str, int], batch_size: int, epochs: int, most: int
) -> Choice:
    """Choose the frames of each probe, evenly over its split, at most `most` of them.

    `training` lists the ids of the training frames in the order in which they are fed, `held_out`
    how many frames the split of each probe of `HELD_OUT` has. Of a short training fewer frames
    are chosen (see `affordable_frames`), of dropped ones no more than could ever be seen.
    """
    frames = len(training)
    most = min(most, affordable_frames(frames * epochs))
    points = scoring_steps(frames, batch_size, epochs)
    clips, indices = zip(*map(split_frame_id, training), strict=True)
    trained = {}
    for step in points:
        fed = min(step * batch_size, frames)
        trained[step] = {
            "seen": nested_sample(np.arange(fed), most),
            "unseen": nested_sample(next_to_fed(clips, indices, fed), most),
        }
    limits = dict.fromkeys(HELD_OUT, most) | {"dropped": min(most, frames)}
    chosen = {probe: even_sample(held_out[probe], limits[probe]) for probe in HELD_OUT}
    return Choice(points, trained, chosen)


def affordable_frames(fed: int) -> int:
    """Return how many frames a probe may hold where training feeds `fed` frames in all.

    With n frames a probe, some 7 n are computed: 4 n of training's, which the times share, and
    those of the three probes that are held out.
    """
    return max(LEAST, int(SHARE * fed / 7))


def scoring_steps(frames: int, batch_size: int, epochs: int) -> dict[int, float]:
    """Map the steps (from 1, over all epochs) after which the probes are scored to the epoch.

    In the first epoch at `FRACTIONS` of it, as near as whole batches come; then after each epoch.
    """
    steps = -(-frames // batch_size)
    points = {max(1, round(fraction * steps)): fraction for fraction in FRACTIONS}
    points |= {steps * epoch: float(epoch) for epoch in range(1, epochs + 1)}
    return dict(sorted(points.items()))


def even_sample(frames: int, most: int) -> Positions:
    """Choose at most `most` of the positions 0 .. `frames` - 1, at even distances."""
    if frames <= most:
        return np.arange(frames)
    return np.arange(most) * frames // most


def nested_sample(positions: Positions, most: int) -> Positions:
    """Choose at most `most` of some positions, about evenly, so that choices share positions.

    Those with the smallest bit-reversed number (van der Corput's sequence) are taken: one that is
    taken of some positions is taken of every part of them that it is in.
    """
    if len(positions) <= most:
        return positions
    octets = positions.astype(">u4").view(np.uint8).reshape(-1, 4)
    turned = np.packbits(np.unpackbits(octets, axis=1)[:, ::-1], axis=1).view(">u4").ravel()
    return np.sort(positions[np.argsort(turned)[:most]])


def next_to_fed(clips: Sequence[str], indices: Sequence[int], fed: int) -> Positions:
    """List the training frames not fed yet of which a neighbour in time has been fed.

    `clips` and `indices` are those of the training frames in the order in which they are fed, the
    first `fed` of them were. Neighbours are the training frames before and after in the clip. Of
    a frame in whose surroundings nothing has been fed the network cannot know anything: it would
    count what other moments cost as memorised.
    """
    order = np.lexsort((indices, clips))
    clip, was_fed = np.asarray(clips)[order], order < fed
    beside = np.zeros(len(order), bool)
    same = clip[1:] == clip[:-1]
    beside[1:] |= same & was_fed[:-1]
    beside[:-1] |= same & was_fed[1:]
    return np.sort(order[beside & ~was_fed])
