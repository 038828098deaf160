"""Names of facial action units, so that a reader knows which movement a number stands for."""

from __future__ import annotations

# Ekman, Friesen and Hager, "Facial Action Coding System", 2002.
NAMES = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    11: "nasolabial deepener",
    12: "lip corner puller",
    13: "sharp lip puller",
    14: "dimpler",
    15: "lip corner depressor",
    16: "lower lip depressor",
    17: "chin raiser",
    18: "lip pucker",
    20: "lip stretcher",
    22: "lip funneler",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
    27: "mouth stretch",
    28: "lip suck",
    43: "eyes closed",
    45: "blink",
    46: "wink",
}


def named(action_unit: str) -> str:
    """Write an action unit with its name: "AU12, lip corner puller"."""
    name = NAMES.get(int(action_unit.removeprefix("AU")))
    return f"{action_unit}, {name}" if name else action_unit
