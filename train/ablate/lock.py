"""One ablation at a time in a project."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curate.base.errors import UserError
from train.ablate.copies import FOLDER


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of the project at `root`, which ends with this process, however that ends.

    Raises:
        UserError: another ablation holds it, or `root` is not the working folder.
    """
    if root.resolve() != Path.cwd().resolve():
        raise UserError(f"run it where dvc.yaml lies, in {root}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UserError(
                f"another 'train ablate' is at work here (process {lock.read().strip()}): "
                "wait for it, or end it with Ctrl-C"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
