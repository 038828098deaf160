"""`curate.audit` and `curate.explain`: what leaks between splits, what became of a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from curate.base.arguments import PathLike, as_path, checked, cores

if TYPE_CHECKING:
    from curate.audit.checks import Check
    from curate.explain.story import Story


@dataclass(frozen=True)
class Audit:
    """What `audit` found: every check with its `verdict` (ok, look or leak), and notes."""

    title: str
    checks: list[Check] = field(repr=False)
    notes: list[str] = field(repr=False, default_factory=list)

    @property
    def leaks(self) -> list[Check]:
        """The checks that found what is trained on in what is held out."""
        return [check for check in self.checks if check.verdict == "leak"]

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [f"{c.verdict:<4}  {c.name:<{width}}  {c.finding}" for c in self.checks]
        return "\n".join([self.title, *lines])


def audit(
    *paths: PathLike,
    data: PathLike = "data",
    split: PathLike | None = None,
    examples: int = 3,
    workers: int | None = None,
    params: PathLike | None = None,
    **parameters: Any,
) -> Audit:
    """Look for leaks between splits, repetition, label noise, frozen video and broken frames.

    Args:
        paths: one folder of footage, or the one trained on and the one held out; without any, the
            pipeline's tables are audited.
        data: folder of the pipeline's tables, where no path is given.
        split: a table of who uses which frame (id, split), where no path is given [the latest of
            the pipeline's].
        examples: most examples of each check.
        workers: threads [one a core].
        params: a file of parameters, over which the keywords win [none is read].
        parameters: such as `distance`, within which frames are near-duplicates.

    Raises:
        BadParameterError: a value that is not allowed; its `key` says which.
        UserError: more than two paths, or nothing to read there.

    Example:
        >>> found = curate.audit("faces", "others", distance=2)
        >>> [check.name for check in found.leaks]
        ['near-duplicates: faces, others']
    """
    from curate.audit.checks import audit as check
    from curate.audit.inputs import read_material
    from curate.audit.summary import title

    p = checked(params, **parameters)
    folder = as_path(data)
    latest = next(
        (t for name in ("cap", "split") if (t := folder / f"{name}.parquet").exists()), None
    )
    used = latest if split is None else as_path(split)
    footage = [as_path(path) for path in paths]
    material = read_material(
        footage, folder / "frames", folder / "labels.parquet", used, p, cores(workers)
    )
    bits = max(p.distance, 0)
    return Audit(title(material, bits), check(material, bits, examples), material.notes)


def explain(frame: str, data: PathLike = "data") -> Story:
    """Return what every stage of the pipeline did with one frame, and why.

    Args:
        frame: its id, CLIP/INDEX; leading zeros may be left out.
        data: folder of the pipeline's tables; those of stages that have not run may be missing.

    Returns:
        The story: `.chapters`, a stage each, with sentences and `.data`; as text, all of it.

    Raises:
        UserError: no such frame (near ones are named), or a table of something else.
    """
    from curate.explain.lookup import StageOutputs
    from curate.explain.story import explain as tell

    folder = as_path(data)
    tables = {name: folder / f"{name}.parquet" for name in ("labels", "dedup", "split", "cap")}
    return tell(frame, StageOutputs(folder / "frames", **tables, shards=folder / "tfrecords"))
