"""What `curate dedup` reads beside its footage and where it writes: checked before any work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curate.base.errors import BadParameterError, UserError
from curate.base.files import check_outside, check_suffix, check_writable
from curate.base.text import on_one_line
from curate.standalone.against import check_apart
from curate.standalone.export import check_empty
from curate.tables import TABLE_SUFFIXES


@dataclass(frozen=True)
class DedupPaths:
    """What a run reads beside its footage, and where it writes."""

    output: Path | None = None  # decisions
    to: Path | None = None  # folder of kept frames
    link: bool = False  # hard-link images there instead of copying them
    labels: Path | None = None
    against: Path | None = None  # older footage
    cache: Path | None = None  # folder of hashes; None: the user's own
    use_cache: bool = True
    dry_run: bool = False  # decide, and write nothing

    def check(self, footage: Path) -> None:
        """Refuse paths that do not go with one another, or with the footage.

        Raises:
            BadParameterError: options that contradict one another.
            UserError: a place that cannot be written to, or must not be.
        """
        self._check_options()
        check_empty(self.to)
        for path in filter(None, (footage, self.against)):
            check_outside(path, self.output, self.to, self.cache)
        check_apart(footage, self.against)
        if not self.dry_run:
            for path in filter(None, (self.output, self.to)):
                check_writable(path)

    def _check_options(self) -> None:
        if self.link and self.to is None:
            raise BadParameterError(
                "--link says how --to gathers kept frames; give --to FOLDER as well", key="link"
            )
        if not self.use_cache and self.cache is not None:
            raise BadParameterError(
                "--cache names a folder of hashes, --no-cache wants none; give one", key="cache"
            )
        if self.output is not None:
            check_suffix(self.output, "a table", *TABLE_SUFFIXES)
        if self.output and self.labels and self.output.resolve() == self.labels.resolve():
            raise UserError(
                f"{self.output}: holds the labels, which decisions would overwrite; choose another "
                "place for --output",
                path=self.output,
            )

    def closing(self, kept: int) -> list[str]:
        """Describe what was written, or would have been but for a dry run."""
        written = [] if self.output is None else [f"decisions to {on_one_line(self.output)}"]
        if self.to is not None:
            written.append(f"{kept:,} kept frames to {on_one_line(self.to)}")
        if self.dry_run:
            would = f" (without --dry-run: {' and '.join(written)})" if written else ""
            return [f"dry run: nothing was written{would}"]
        return [f"wrote {' and '.join(written)}"] if written else []
