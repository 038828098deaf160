"""The DVC project that experiments belong to, opened with errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from curate.base.errors import UserError

if TYPE_CHECKING:
    from dvc.repo import Repo


@contextmanager
def open_project(root: Path) -> Iterator[Repo]:
    """Open the DVC project that `root` lies in.

    Raises:
        UserError: no project, no git, no commit, or DVC fails in the block.
    """
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.scm import NoSCM, SCMError

    no_commit = (
        f"{root.resolve()}: DVC keeps experiments in git, and there is no commit; run 'git init', "
        "'git add .' and 'git commit' first"
    )
    try:
        repo = Repo(str(root))
    except SCMError:  # a project that was under git once, and is not now
        raise UserError(no_commit) from None
    except NotDvcRepoError:
        raise UserError(
            f"{root.resolve()}: no DVC project; go to the folder that holds dvc.yaml, or make one "
            "with 'git init' and 'dvc init'"
        ) from None
    with repo:
        if isinstance(repo.scm, NoSCM) or repo.scm.no_commits:
            raise UserError(no_commit)
        try:
            yield repo
        except LockError as error:
            message = " ".join(str(error).split())
            raise UserError(f"DVC is busy here, try again when it is not: {message}") from None
        except (DvcException, SCMError) as error:
            raise UserError(f"DVC: {' '.join(str(error).split())}") from None


def branch(repo: Repo) -> str:
    """Name the branch of the last commit, or the commit where no branch is checked out."""
    reference = repo.scm.get_ref("HEAD", follow=False) or ""
    if reference.startswith("refs/heads/"):
        return str(reference.removeprefix("refs/heads/"))
    return str(repo.scm.get_rev())[:7]
