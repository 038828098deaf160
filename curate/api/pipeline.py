"""`curate.prepare`: footage to shards in one call, by the stages of the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.base.arguments import PathLike, as_path, checked, cores, warn


def prepare(
    footage: PathLike,
    folder: PathLike,
    *,
    workers: int | None = None,
    params: PathLike | None = None,
    **parameters: Any,
) -> Path:
    """Run the stages from footage to shards: labels, frames, dedup, split, cap, shards.

    It is what `dvc repro shards` does, without DVC: clips that are decoded already are not decoded
    again, everything after them is decided again. Clips are decoded in processes, which import the
    script that calls this: there, call it below `if __name__ == "__main__":`.

    Args:
        footage: the footage's folder, or one video.
        folder: where the stages' tables go, in the pipeline's layout: labels.parquet, frames/,
            dedup.parquet, split.parquet, cap.parquet, tfrecords/.
        workers: processes that decode [one a core].
        params: a file of parameters, over which the keywords win [none is read].
        parameters: of any of these stages, such as `source`, `stride`, `cap` and `image_size`.

    Returns:
        The folder of the shards, which `train.fit` and TFDS read. What deserves a look is a
        `UserWarning`.

    Raises:
        BadParameterError: a value that is not allowed; its `key` says which.
        MissingInputError: no such footage.
        DamagedInputError: a damaged label file, by file and row.
        UserError: footage without labels, or a folder inside the footage, which is never changed.

    Example:
        >>> curate.prepare("footage", "work", source="videos", stride=1)  # doctest: +SKIP
        PosixPath('work/tfrecords')
    """
    from curate import labels
    from curate.base.console import quiet_tensorflow
    from curate.base.files import check_outside
    from curate.cap import stage as cap
    from curate.dedup import stage as dedup
    from curate.frames import stage as frames
    from curate.split import stage as split

    with quiet_tensorflow():
        from curate.shards import stage as shards

    clips, at = as_path(footage), as_path(folder)
    check_outside(clips, at)
    p = checked(params, footage=str(clips), **parameters)
    output, pictures = at / "tfrecords", at / "frames"
    labelled, thinned, placed, capped = (
        at / f"{name}.parquet" for name in ("labels", "dedup", "split", "cap")
    )
    for summary in (
        labels.run(clips, labelled, p),
        frames.run(clips, pictures, p, cores(workers)),
        dedup.run(pictures, labelled, thinned, p),
        split.run(thinned, labelled, pictures, placed, p),
        cap.run(placed, labelled, capped, p),
        shards.run(pictures, capped, labelled, output, p),
    ):
        warn(summary.notes)
    return output
