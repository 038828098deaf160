"""The action units that the demo footage is labelled with, and how often each one shows."""

from __future__ import annotations

ACTION_UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
"""DISFA's twelve action units, in the order of every array in this package."""

COLUMN = {unit: column for column, unit in enumerate(ACTION_UNITS)}
"""Where each action unit lies in such an array."""

MAX_INTENSITY = 5
POSITIVE_INTENSITY = 2
"""A frame shows an action unit when its integer intensity is at least this."""

BASE_RATES = {
    1: 0.14,
    2: 0.08,
    4: 0.20,
    5: 0.07,
    6: 0.42,
    9: 0.04,
    12: 0.41,
    15: 0.07,
    17: 0.07,
    20: 0.06,
    25: 0.65,
    26: 0.25,
}
"""Share of frames that show each action unit, over many subjects: unbalanced, as spontaneous
footage is."""
