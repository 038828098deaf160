"""Stage `demo`: rendered faces as videos and label files in DISFA's layout."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from curate.base import console
from curate.base.console import Summary
from curate.base.errors import UserError
from curate.base.stage_params import DemoParameters
from curate.base.workers import in_processes
from curate.demo.clip import DemoClip, write_clip
from curate.demo.face import ACTION_UNITS


def run(output: Path, parameters: DemoParameters, workers: int) -> Summary:
    """Render the embedded footage into the folder `output`, and count positives.

    Raises:
        UserError: a process was killed.
    """
    subjects = parameters.demo_subjects
    frames = subjects * parameters.demo_frames
    with console.progress("rendering", frames) as advance:
        positives = write_demo(
            output,
            subjects=subjects,
            frames=parameters.demo_frames,
            size=parameters.demo_size,
            seed=parameters.seed,
            workers=workers,
            on_frames=advance,
        )
    return Summary(
        f"{output}: {subjects} subjects, {frames:,} frames",
        ["action unit", "positives", "rate"],
        [(name, count, count / frames) for name, count in positives.items()],
        {"frames": frames, "positives": positives},
    )


def write_demo(
    folder: Path,
    *,
    subjects: int,
    frames: int,
    size: int,
    seed: int,
    workers: int,
    on_frames: Callable[[int], None],
) -> dict[str, int]:
    """Render every subject's clip and labels; return positive frames by action unit ("AU1").

    `frames` are those of one subject, `size` is the picture's side in pixels. Same seed, same
    bytes, whatever the number of `workers`. `on_frames` is told how many more frames are done.

    Raises:
        UserError: a process was killed.
    """
    clips = [DemoClip(folder, subject, seed, frames, size) for subject in range(1, subjects + 1)]
    try:
        counts = in_processes(write_clip, clips, min(workers, len(clips)), on_frames)
    except BrokenProcessPool:
        raise UserError(
            "a process was killed while rendering, perhaps for lack of memory; run it again "
            "with --workers 1"
        ) from None
    totals = np.sum(counts, axis=0).tolist()
    return {f"AU{unit}": count for unit, count in zip(ACTION_UNITS, totals, strict=True)}
