"""What callers give: paths as text or `Path`, and keywords that the parameter model checks."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.base.params import Parameters

PathLike = str | os.PathLike[str]


def as_path(path: PathLike) -> Path:
    """Return a path with `~` written out."""
    return Path(path).expanduser()


def checked(params: PathLike | None, **given: Any) -> Parameters:
    """Check keywords as the options of a command are: those left at None keep their default.

    `params` names a file such as params.yaml, over which the keywords win; None reads no file.

    Raises:
        BadParameterError: a value that is not allowed; its `key` says which.
    """
    from curate.base.params import load_parameters

    return load_parameters(None if params is None else as_path(params), **given)


def cores(workers: int | None) -> int:
    """Return how many workers to use: those given, or one a core that this process may use."""
    return workers or len(os.sched_getaffinity(0))


def warn(notes: Iterable[str]) -> None:
    """Point the caller to what deserves a look, as `UserWarning`s."""
    for note in notes:
        warnings.warn(note, stacklevel=3)
