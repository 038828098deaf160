"""Stage `frames`: the one pass that decodes. One Parquet part a clip: crop, hash, quality.

Clips are done in parallel, each streamed in batches, so memory does not grow with the footage. A
part remembers what it was made from; one that is still right is not made again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from curate.base import console
from curate.base.console import Summary
from curate.base.errors import UserError
from curate.base.stage_params import FramesParameters
from curate.base.workers import in_processes
from curate.frames.extract import extract_clip
from curate.frames.parts import remove_partials, remove_stale
from curate.frames.summary import ClipCount, count_frames
from curate.media.clip import Clip
from curate.media.decode import expected_frames
from curate.sources import find_clips
from curate.tables import part_path


def run(
    footage: Path,
    output: Path,
    parameters: FramesParameters,
    workers: int,
    *,
    force: bool = False,
) -> Summary:
    """Write the part of every clip of the footage below the folder `output`, showing progress.

    Parts of clips that are gone are removed. With `force`, parts that are done are done again.

    Raises:
        UserError: no footage, or `crop: landmarks` for a clip that has none.
    """
    clips = find_clips(footage, parameters)
    removed = remove_stale(output, {part_path(output, clip.name) for clip in clips})
    notes = [f"{output}: {removed} parts of other clips were removed"] if removed else []
    with console.progress("decoding", sum(map(expected_frames, clips))) as advance:
        counts = extract_frames(clips, output, parameters, workers, advance, force)
    return count_frames(output, counts, notes)


def extract_frames(
    clips: list[Clip],
    folder: Path,
    parameters: FramesParameters,
    workers: int,
    on_frames: Callable[[int], None],
    force: bool = False,
) -> list[ClipCount]:
    """Write the part of every clip below `folder`, in processes; return a count a clip, by name.

    `on_frames` is told how many more frames are done.

    Raises:
        UserError: `crop: landmarks` for a clip that has none.
    """
    remove_partials(folder)
    work = partial(extract_clip, folder=folder, parameters=parameters, force=force)
    try:
        counts = in_processes(work, clips, workers, on_frames)
    except BrokenProcessPool:
        raise UserError(
            "a process was killed while decoding, perhaps for lack of memory (run it again with "
            "--workers 1, clips that are done are not done again); or it was begun by a script of "
            "your own that starts this outside of \"if __name__ == '__main__':\""
        ) from None
    return sorted(counts, key=lambda count: count.clip)
