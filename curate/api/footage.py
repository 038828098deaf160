"""`curate.dedup` and `curate.suggest`: thin any footage, and choose how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from curate.base.arguments import PathLike, as_path, checked, cores, warn

if TYPE_CHECKING:
    import polars as pl

    from curate.footage.open import Footage
    from curate.suggest.choice import Result


@dataclass(frozen=True)
class Decisions:
    """What `dedup` decided of each frame.

    `table` is a polars DataFrame, a row a frame by clip and index: id, subject, clip (String),
    index (Int32), keep (Boolean), reason (String, null where kept), duplicate_of (String, the id
    of the frame that it repeats), distance (Int32, in bits). `notes` are sentences on what deserves
    a look: unreadable files above all.
    """

    path: Path
    table: pl.DataFrame = field(repr=False)
    notes: list[str] = field(repr=False, default_factory=list)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, column: str) -> pl.Series:
        return self.table[column]

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
        return f"Decisions({str(self.path)!r}: {counts})"

    @property
    def counts(self) -> dict[str, int]:
        """Frames in, dropped by reason, and kept; in = dropped + kept."""
        from curate.dedup.rule import count_reasons

        return dict(count_reasons(self.table))

    @property
    def kept(self) -> list[str]:
        """The ids of the frames kept, by clip and index."""
        ids: list[str] = self.table.filter("keep")["id"].to_list()
        return ids

    def write(self, path: PathLike) -> Path:
        """Write the table as Parquet or CSV, by the path's suffix, complete or not at all.

        Raises:
            UserError: another suffix.
        """
        from curate.tables import DEDUP, write_table

        write_table(self.table, as_path(path), DEDUP)
        return as_path(path)

    def export(self, folder: PathLike, *, link: bool = False, workers: int | None = None) -> Path:
        """Gather the kept frames in a new folder, laid out as the footage is; return the folder.

        Images are copied, or with `link` hard-linked where the file system can; frames of videos
        and of frames tables are written as JPEG. What deserves a look is a `UserWarning`.

        Raises:
            UserError: a folder that holds something, one inside the footage, or footage that has
            changed since it was decided on.
        """
        from curate.footage.open import open_footage
        from curate.standalone.destinations import DedupPaths
        from curate.standalone.export import copy_kept

        to = as_path(folder)
        DedupPaths(to=to, link=link).check(self.path)
        footage = open_footage(self.path)
        self._check_unchanged(footage)
        warn(copy_kept(footage, self.table, to, cores(workers), link=link))
        return to

    def _check_unchanged(self, footage: Footage) -> None:
        """Refuse footage whose files are no longer those decided on: frames go by their places.

        Raises:
            DamagedInputError: an image or a clip that is new, or gone.
        """
        from curate.base.errors import DamagedInputError
        from curate.footage.open import file_id

        known = {clip: set(rows["id"]) for (clip,), rows in self.table.group_by("clip")}
        clips = {
            clip.name: {file_id(image, footage.path) for image in clip.images}
            for clip in footage.clips
        }
        changed = not footage.parts and (
            known.keys() != clips.keys()
            or any(ids and ids != known[name] for name, ids in clips.items())
        )
        if changed:
            raise DamagedInputError(
                f"{self.path}: has changed since its frames were decided on; decide again",
                path=self.path,
            )


def dedup(
    path: PathLike,
    *,
    stride: int | None = None,
    distance: int | None = None,
    scope: Literal["clip", "subject", "all"] | None = None,
    keep: Literal["first", "sharpest", "peak"] | None = None,
    hash: Literal["phash", "dhash", "whash", "average"] | None = None,
    decode: Literal["reduced", "full"] | None = None,
    same_labels: bool | None = None,
    labels: PathLike | None = None,
    against: PathLike | None = None,
    cache: PathLike | bool = True,
    workers: int | None = None,
    params: PathLike | None = None,
) -> Decisions:
    """Thin footage by stride, then drop near-duplicates; nothing in it is changed.

    Args:
        path: a video, a folder of videos or images (nested), or a frames table.
        stride: keep every n-th frame [5].
        distance: bits within which a frame is a near-duplicate; -1: off [0].
        scope: where near-duplicates are searched [clip].
        keep: which of near-duplicates is kept [first].
        hash: kind of perceptual hash [phash].
        decode: at reduced scale, or in full and hashed by imagehash itself [reduced].
        same_labels: drop a near-duplicate only for a frame of equal labels [True].
        labels: a labels table (`curate labels`).
        against: older footage; frames that repeat it are dropped.
        cache: folder of hashes of earlier runs; True: the user's own, False: none.
        workers: threads [one a core].
        params: a file of parameters, over which the keywords win [none is read].

    Raises:
        BadParameterError: a value that is not allowed; its `key` says which.
        MissingInputError: nothing at `path`.
        UserError: no footage in it, or labels that do not fit.

    Example:
        >>> decisions = curate.dedup("faces", stride=2, distance=4)
        >>> decisions.counts
        {'frames in': 60, 'stride': 30, 'near_duplicate': 10, 'kept': 20}
        >>> decisions.export("thinned")
        PosixPath('thinned')
    """
    from curate.standalone.dedup import dedup_footage
    from curate.standalone.destinations import DedupPaths
    from curate.tables import DEDUP

    given = {
        "stride": stride,
        "distance": distance,
        "scope": scope,
        "keep": keep,
        "hash": hash,
        "decode": decode,
        "same_labels": same_labels,
    }
    paths = DedupPaths(
        labels=None if labels is None else as_path(labels),
        against=None if against is None else as_path(against),
        cache=None if isinstance(cache, bool) else as_path(cache),
        use_cache=cache is not False,
    )
    footage = as_path(path)
    outcome = dedup_footage(footage, checked(params, **given), cores(workers), paths)
    table = outcome.decisions.select(list(DEDUP))
    return Decisions(footage, table, outcome.notes)


def suggest(
    path: PathLike,
    *,
    labels: PathLike | None = None,
    strides: Sequence[int] | None = None,
    distances: Sequence[int] | None = None,
    workers: int | None = None,
    params: PathLike | None = None,
    **parameters: Any,
) -> Result:
    """Suggest a stride and a distance: how fast pictures change, and what each candidate leaves.

    Args:
        path: a video, a folder of videos or images, or a frames table.
        labels: a labels table; the events of every action unit are then counted.
        strides: candidates in frames [1, 2, 3, 5, 8, 10, 15, 20, 30].
        distances: candidates in bits, -1: off [-1, 0, 2, 4, 6, 8].
        workers: threads [one a core].
        params: a file of parameters, over which the keywords win [none is read].
        parameters: of dedup and hashing, such as `keep` and `hash`.

    Returns:
        The result with `.chosen` (`.stride`, `.distance`, `.frames`), `.reasons` in sentences and
        every candidate `.tried`.

    Example:
        >>> suggestion = curate.suggest("faces")
        >>> suggestion.chosen.stride, suggestion.chosen.distance
        (2, 6)
    """
    from curate.suggest.candidates import DISTANCES, STRIDES
    from curate.suggest.choice import suggest_stage

    return suggest_stage(
        as_path(path),
        as_path(path),
        None if labels is None else as_path(labels),
        checked(params, **parameters),
        _candidates("stride", strides, STRIDES),
        _candidates("distance", distances, DISTANCES),
        cores(workers),
    )


def _candidates(key: str, given: Sequence[int] | None, default: Sequence[int]) -> list[int]:
    """Check each candidate as the parameter `key` is checked; return them ascending.

    Raises:
        BadParameterError: one that is not allowed.
    """
    chosen = default if given is None or not len(given) else given
    return sorted({getattr(checked(None, **{key: value}), key) for value in chosen})
