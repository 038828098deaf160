"""What a stage did with one frame: the unit that a frame's story is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Chapter:
    """Sentences of one stage, and the same for machines (empty: the stage has not run).

    `beside` is the id of the frame to compare this one with, `because` says why that one.
    """

    stage: str
    sentences: list[str]
    data: dict[str, Any] = field(default_factory=dict)
    beside: str | None = None
    because: str = ""


def not_run(stage: str, path: Path) -> Chapter:
    """Make the chapter of a stage whose output is not there."""
    return Chapter(stage, [f"not run yet ({path} is not there); run 'curate {stage}'"])


def unknown(stage: str, path: Path) -> Chapter:
    """Make the chapter of a stage whose table lacks the frame."""
    sentence = f"{path} lacks this frame: it was made of other footage; run 'curate {stage}'"
    return Chapter(stage, [sentence], {"known": False})
