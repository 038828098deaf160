"""Isolated copies of the project: an experiment runs in one, and the project stays as it is.

`dvc exp run --temp` makes such copies as well, but it stashes the workspace's changes for a moment
each time: ended just then, it does not bring them back, and of several runs that start together
some fail because another holds DVC's lock. A copy made here shares nothing but DVC's cache.
"""

from __future__ import annotations

import configparser
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curate.base.git import git
from train.ablate.processes import end_processes

FOLDER = Path(".dvc/tmp/ablate")  # copies, and beside them the log of each experiment


@dataclass(frozen=True)
class Snapshot:
    """The project at one moment, so that later edits reach no experiment that still waits.

    `revision` is the commit that experiments start from, `tree` git's tree of all that it tracks,
    changes that are not committed included. Each copy uses DVC's `cache` and has symbolic links to
    the paths `linked`.
    """

    revision: str
    tree: str
    cache: Path
    linked: Sequence[str] = ()

    @contextmanager
    def copy(self, name: str) -> Iterator[Path]:
        """Make a copy, give the path of its dvc.yaml's folder, and remove it at the end."""
        folder = (FOLDER / name).resolve()
        try:
            self._check_out(folder)
            project = folder / git("rev-parse", "--show-prefix")
            self._configure(project)
            for path in self.linked:
                (project / path).parent.mkdir(parents=True, exist_ok=True)
                (project / path).symlink_to(Path(path).resolve())
            yield project
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _check_out(self, folder: Path) -> None:
        """Make a repository of git's that reads the project's objects, with the files of `tree`."""
        git("init", "--quiet", "--template=", folder)
        alternates = folder / ".git/objects/info/alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        alternates.write_text(f"{_git_path('objects')}\n")
        if _git_path("shallow").exists():
            shutil.copy(_git_path("shallow"), folder / ".git/shallow")
        for key in ("user.name", "user.email"):
            if value := git("config", "--default", "", "--get", key):
                git("config", key, value, folder=folder)
        git("update-ref", "--no-deref", "HEAD", self.revision, folder=folder)
        git("read-tree", "--reset", "-u", self.tree, folder=folder)

    def _configure(self, project: Path) -> None:
        """Give a copy the settings that are not committed, the cache, and a place for DVC's own."""
        config = configparser.ConfigParser(interpolation=None)
        config.read(".dvc/config.local")
        own = project / ".dvc/tmp/site"  # else DVC leaves a folder behind for each copy
        config.read_dict(
            {"cache": {"dir": f'"{self.cache}"'}, "core": {"site_cache_dir": f'"{own}"'}}
        )
        with (project / ".dvc/config.local").open("w") as file:
            config.write(file)


def take_snapshot(cache: Path, linked: Sequence[str]) -> Snapshot:
    """Record what git tracks, as it is in the workspace, and dvc.lock; the index is left alone."""
    index = FOLDER / "index"
    shutil.copy(_git_path("index"), index)
    git("add", "--update", index=index)
    if Path("dvc.lock").exists():
        git("add", "--force", "dvc.lock", index=index)
    tree = git("write-tree", index=index)
    index.unlink()
    return Snapshot(git("rev-parse", "HEAD"), tree, cache, linked)


def collect(copy: Path, name: str) -> None:
    """Bring the experiment that ran in a copy into the project's own git repository.

    Raises:
        UserError: another experiment took its name meanwhile.
    """
    refs = git("for-each-ref", "--format=%(refname)", "refs/exps", folder=copy).split("\n")
    (ref,) = (ref for ref in refs if ref.endswith(f"/{name}"))
    repository = git("rev-parse", "--show-toplevel", folder=copy)  # dvc.yaml may lie further below
    git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", repository, f"{ref}:{ref}")


def remove_leftovers() -> None:
    """End what a killed ablation left running in this project, and remove its copies."""
    end_processes(Path.cwd())
    for path in FOLDER.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def _git_path(name: str) -> Path:
    return Path(git("rev-parse", "--git-path", name)).resolve()
