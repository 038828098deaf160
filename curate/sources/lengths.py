"""Whether a video and its labels are of one length."""

from __future__ import annotations

from curate.base.text import first_few
from curate.media.clip import Clip
from curate.media.decode import expected_frames


def compare_lengths(labelled: list[tuple[Clip, int]]) -> list[str]:
    """Describe, in one note, which videos have more or fewer frames than their labels.

    `labelled` holds clips with the number of frames that their labels speak of. The shorter of
    the two is used: a label without a frame is left out, a frame without a label is unlabelled.
    A video that tells no number of frames is passed over.
    """
    unequal = [
        f"{clip.name} ({frames:,} frames, {count:,} labelled)"
        for clip, count in labelled
        if (frames := expected_frames(clip)) and frames != count
    ]
    if not unequal:
        return []
    return [f"video and labels differ in length, the shorter is used: {first_few(unequal)}"]
