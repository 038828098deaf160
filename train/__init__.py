"""Framewise's training half: TFRecords to a network, and to a report on its overfitting gap.

Importing it loads neither TensorFlow nor Keras: each function imports what it needs when it is
called, and a class when it is asked for.

Example:
    >>> from framewise import train
    >>> gap = train.gap("data/fit")  # doctest: +SKIP
    >>> gap.cause, gap.shares  # doctest: +SKIP
    ('near_duplicate_moments', {'near_duplicate_moments': 0.83, 'people': 0.17})
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Functions that have the name of a room: see curate/__init__.py.
for _room in ("evaluate", "fit", "gap"):
    import_module(f"train.{_room}")

from train.api import evaluate, fit, gap  # noqa: E402

if TYPE_CHECKING:
    from train.data import Shards
    from train.gap.verdict import Gap
    from train.model.augment import FusedAugmentation
    from train.model.load import Model, load

__all__ = [
    "FusedAugmentation",
    "Gap",
    "Model",
    "Shards",
    "evaluate",
    "fit",
    "gap",
    "load",
]

_LAZY = {
    "FusedAugmentation": "train.model.augment",
    "Gap": "train.gap.verdict",
    "Model": "train.model.load",
    "Shards": "train.data",
    "load": "train.model.load",
}
_ON_TENSORFLOW = ("FusedAugmentation", "Shards")
# Where nobody listens, notes on the way of a training are not printed.
logging.getLogger("train").addHandler(logging.NullHandler())


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'train' has no attribute '{name}'")
    if name in _ON_TENSORFLOW:
        from curate.base.console import quiet_tensorflow

        with quiet_tensorflow():
            return getattr(import_module(_LAZY[name]), name)
    return getattr(import_module(_LAZY[name]), name)
