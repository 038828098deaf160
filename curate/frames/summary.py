"""What stage `frames` says: frames by reason, and the clips with frames that are not usable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curate.base.console import Summary
from curate.base.text import plural
from curate.tables import REASONS

_NOTED = 5  # clips pointed out one by one


@dataclass(frozen=True)
class ClipCount:
    """What became of a clip: its frames by reason (None: usable), and whether it was kept as is."""

    clip: str
    frames: int
    by_reason: dict[str | None, int]
    was_done: bool

    @property
    def usable(self) -> int:
        """Frames that have a picture and a hash."""
        return self.by_reason.get(None, 0)


def count_frames(output: Path, counts: Sequence[ClipCount], notes: Sequence[str] = ()) -> Summary:
    """Add up clips: frames in, frames not usable by reason, usable frames; with `notes` and more.

    The notes name the clips with frames that are not usable, the worst first.
    """
    total = {reason: sum(c.by_reason.get(reason, 0) for c in counts) for reason in (None, *REASONS)}
    rows = [
        ("frames in", sum(count.frames for count in counts)),
        *((reason, frames) for reason, frames in total.items() if reason and frames),
        ("usable", total[None]),
    ]
    done = sum(count.was_done for count in counts)
    notes = [*notes, *_note_unusable(counts)]
    data = {"clips": len(counts), "done_already": done, "notes": notes, "frames": dict(rows)}
    title = f"{output}: {len(counts)} clips ({done} were done already)"
    return Summary(title, ["frames", "count"], rows, data, notes)


def _note_unusable(counts: Sequence[ClipCount]) -> list[str]:
    hurt = [count for count in counts if count.usable < count.frames]
    hurt.sort(key=lambda count: (count.usable / count.frames, count.clip))
    notes = [_describe(count) for count in hurt[:_NOTED]]
    more = len(hurt) - _NOTED
    if more > 0:
        notes.append(f"{plural(more, 'more clip')} with frames that are not usable")
    return notes


def _describe(count: ClipCount) -> str:
    broken, faceless = (count.by_reason.get(reason, 0) for reason in ("unreadable", "no_face"))
    all_of = f"of {count.frames:,} frames"
    if broken == count.frames:
        return f"{count.clip}: none of its frames can be read ({count.frames:,})"
    if broken + faceless == count.frames:
        unreadable = f", {broken:,} unreadable" if broken else ""
        return f"{count.clip}: no face in any {all_of}{unreadable}"
    lost = {"unreadable": broken, "no_face": faceless}
    parts = [f"{frames:,} {all_of} {reason}" for reason, frames in lost.items() if frames]
    return f"{count.clip}: {', '.join(parts)}"
