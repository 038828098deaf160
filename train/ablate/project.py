"""The DVC project that an ablation works in: one ablation at a time, errors in one sentence."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.scm import NoSCM, SCMError

from curate.base.errors import UserError
from train.ablate.copies import FOLDER


@contextmanager
def open_project() -> Iterator[Repo]:
    """Open the DVC project in the working folder, and keep a second ablation out of it.

    Raises:
        UserError: no DVC or git repository here, one without a commit, another ablation is at work,
            or DVC fails.
    """
    try:
        with Repo() as repo:
            if isinstance(repo.scm, NoSCM):
                raise UserError("experiments need git: 'git init', then commit the project")
            if repo.scm.no_commits:
                raise UserError(
                    "experiments need a commit to begin from: 'git add .' and 'git commit'"
                )
            if Path(repo.root_dir).resolve() != Path.cwd().resolve():
                raise UserError(f"run it where dvc.yaml lies, in {repo.root_dir}")
            with _alone():
                yield repo
    except NotDvcRepoError:
        raise UserError("no DVC repository here: run it where dvc.yaml lies") from None
    except LockError as error:
        message = " ".join(str(error).split())
        raise UserError(f"DVC is busy here, try again when it is not: {message}") from None
    except (DvcException, SCMError) as error:
        raise UserError(f"DVC: {' '.join(str(error).split())}") from None


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock that ends with this process, however that ends."""
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
