"""When a subject shows which action unit: events with onset, apex and offset, in company."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.demo.face.sheet import smoothstep
from curate.demo.face.units import ACTION_UNITS, BASE_RATES, COLUMN, POSITIVE_INTENSITY

Track = NDArray[np.float32]

THRESHOLD = POSITIVE_INTENSITY - 0.5
"""A continuous intensity from here on rounds to a positive label."""

ORDER = (26, 25, 12, 6, 4, 1, 2, 5, 9, 15, 17, 20)
"""Leaders before followers."""

COMPANY = {6: (12, 0.85), 2: (1, 0.6), 5: (2, 0.4), 15: (4, 0.3), 17: (15, 0.5), 9: (4, 0.4)}
"""A follower joins this share of its leader's events (in subjects of average habit)."""

LIKING = {
    (12, 25): 0.7, (6, 25): 0.3, (12, 4): -0.8, (12, 26): 0.2, (4, 6): -0.2, (1, 12): -0.3,
    (1, 4): 0.2, (1, 26): 0.3, (2, 26): 0.4, (5, 26): 0.5, (5, 6): -1.0, (5, 4): -0.3,
    (9, 12): -0.8, (9, 26): -0.5, (9, 1): -0.6, (9, 2): -0.6, (15, 12): -1.2, (15, 26): -1.0,
    (15, 25): -0.6, (15, 6): -0.5, (17, 12): -0.8, (17, 26): -1.5, (17, 25): -0.9, (17, 9): 0.1,
    (20, 12): -0.8, (20, 25): 0.6, (20, 15): -0.5, (20, 17): -1.0, (20, 4): 0.2,
}  # fmt: skip
"""How gladly an action unit (first) is placed where another already shows."""

TYPICAL_EVENT = 48
"""Frames for which a usual event stays positive; rare action units get shorter ones."""


@dataclass(frozen=True)
class Event:
    """One showing of an action unit; times in frames, `apex` before calibration."""

    centre: float
    apex: float
    onset: float
    offset: float
    peak: float


def make_tracks(subject: int, frames: int, *, seed: int = 0) -> Track:
    """Intensities 0-5 of one subject, (frames, 12) float32, in the order of ACTION_UNITS.

    Each action unit is positive in as near as possible its own share of the frames; these shares
    differ between subjects and average to BASE_RATES over many.
    """
    rng = np.random.default_rng([seed, subject, 2])
    tracks = np.zeros((frames, len(ACTION_UNITS)), np.float32)
    events: dict[int, list[Event]] = {}
    for unit in ORDER:
        wanted = subject_rate(unit, subject, seed) * frames
        floor = _needed_lips_parting(tracks) if unit == 25 else np.zeros(frames, np.float32)
        events[unit] = _plan(unit, wanted, tracks, events, rng)
        faint = [_faint_event(frames, rng)] if rng.random() < 0.5 else []
        tracks[:, COLUMN[unit]] = _calibrated(events[unit], faint, wanted, floor)
    return tracks


def subject_rate(unit: int, subject: int, seed: int) -> float:
    """Share of frames in which this subject shows an action unit.

    The factors of consecutive subjects fill 0.45 to 1.55 evenly (a golden-ratio sequence), so
    that even a few subjects average close to the base rate.
    """
    start = np.random.default_rng([seed, unit, 3]).random()
    place = (start + subject * 0.6180339887) % 1.0
    spread = 0.55 if BASE_RATES[unit] < 0.5 else 0.25
    return float(BASE_RATES[unit] * (1 + spread * (2 * place - 1)))


def labels(tracks: Track) -> NDArray[np.int64]:
    """Integer intensities 0-5 of what is drawn."""
    return np.rint(tracks).astype(np.int64)


def _needed_lips_parting(tracks: Track) -> Track:
    """A dropping jaw parts the lips: the least intensity of 25 given that of 26."""
    dropped = tracks[:, COLUMN[26]]
    return np.asarray(np.minimum(dropped + 0.4 * np.minimum(dropped, 1), 5), np.float32)


def _plan(
    unit: int,
    wanted: float,
    tracks: Track,
    events: dict[int, list[Event]],
    rng: np.random.Generator,
) -> list[Event]:
    """Events of one action unit: some join a leader's events, the rest find a place alone."""
    frames = len(tracks)
    count = max(3 if wanted > 30 else 2, round(wanted / TYPICAL_EVENT))
    apex = wanted / count
    joined: list[Event] = []
    if unit in COMPANY:
        leader, share = COMPANY[unit]
        chosen = [event for event in events[leader] if rng.random() < share]
        joined = [_beside(event, apex, rng) for event in chosen[:count]]
    liking = _liking(unit, tracks)
    alone = count - len(joined)
    slots = [(index + rng.random(6)) / max(alone, 1) * frames for index in range(alone)]
    return joined + [_event(_best_place(slot, apex, liking, rng), apex, rng) for slot in slots]


def _liking(unit: int, tracks: Track) -> Track:
    """How glad an action unit would be of each frame, given those placed before."""
    total = np.zeros(len(tracks), np.float32)
    for (placed, other), weight in LIKING.items():
        if placed == unit:
            total += weight * np.minimum(tracks[:, COLUMN[other]], 3)
    crowd = (tracks > THRESHOLD).sum(axis=1)
    own = -4.0 * (tracks[:, COLUMN[unit]] > 0)
    return np.asarray(total - 0.15 * crowd + own, np.float32)


def _best_place(
    places: NDArray[np.float64], apex: float, liking: Track, rng: np.random.Generator
) -> float:
    """The place whose apex is the most liked, with some chance in it."""
    reach = max(int(apex / 2), 1)

    def score(place: float) -> float:
        low = int(np.clip(place - reach, 0, len(liking) - 1))
        high = int(np.clip(place + reach, low + 1, len(liking)))
        return float(liking[low:high].mean() + rng.normal(0, 0.25))

    return float(max(places, key=score))


def _event(centre: float, apex: float, rng: np.random.Generator) -> Event:
    haste = min(1.0, 0.5 + apex / 40)
    return Event(
        centre=centre,
        apex=apex * rng.uniform(0.6, 1.4),
        onset=haste * rng.uniform(7, 13),
        offset=haste * rng.uniform(9, 20),
        peak=float(np.clip(rng.normal(3.5, 0.9), 2.0, 5.0)),
    )


def _beside(leader: Event, apex: float, rng: np.random.Generator) -> Event:
    """An event that joins another: about the same time and strength."""
    own = _event(leader.centre + rng.normal(0, 4), apex, rng)
    peak = float(np.clip(0.6 * leader.peak + 0.4 * own.peak, 2.0, 5.0))
    return Event(own.centre, own.apex, own.onset, own.offset, peak)


def _faint_event(frames: int, rng: np.random.Generator) -> Event:
    """A trace that never becomes positive."""
    return Event(rng.uniform(0, frames), rng.uniform(5, 20), 8, 12, rng.uniform(0.7, 1.35))


def _calibrated(events: list[Event], faint: list[Event], wanted: float, floor: Track) -> Track:
    """The track whose positive frames come nearest to `wanted`, by stretching every apex."""
    low, high = 0.0, 8.0
    best, nearest = floor, np.inf
    for _ in range(18):
        stretch = 0.5 * (low + high)
        track = _track([*events], faint, stretch, floor)
        positive = int((track >= THRESHOLD).sum())
        if abs(positive - wanted) < nearest:
            best, nearest = track, abs(positive - wanted)
        low, high = (stretch, high) if positive < wanted else (low, stretch)
    return best


def _track(events: list[Event], faint: list[Event], stretch: float, floor: Track) -> Track:
    """The strongest of all events in each frame."""
    pulses = [_pulse(event, event.apex * stretch, len(floor)) for event in events]
    pulses += [_pulse(event, event.apex, len(floor)) for event in faint]
    return np.asarray(np.maximum.reduce([floor, *pulses]), np.float32)


def _pulse(event: Event, apex: float, frames: int) -> Track:
    """Intensity of one event in every frame: smooth onset, a slightly sinking apex, offset."""
    time = np.arange(frames, dtype=np.float32) - event.centre
    rise = smoothstep(-apex / 2 - event.onset, -apex / 2, time)
    fall = 1 - smoothstep(apex / 2, apex / 2 + event.offset, time)
    sink = 1 - 0.12 * np.clip(time / (apex + event.onset), -0.5, 0.5)
    return np.asarray(np.minimum(event.peak * rise * fall * sink, 5), np.float32)
