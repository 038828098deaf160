"""Isolated copies of the project: an experiment runs in one, and the project stays as it is.

`dvc exp run --temp` makes such copies as well, but it stashes the workspace's changes for a moment
each time: ended just then, it does not bring them back, and of several runs that start together
some fail for want of DVC's lock. In a copy made here DVC has nothing to share but its cache.
"""

from __future__ import annotations

import configparser
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from curate.base.git import git

FOLDER = Path(".dvc/tmp/ablate")  # copies, and beside them the log of each experiment
_MARK = "ABLATION_COPY"  # in the environment of all that an experiment runs: the path of its copy
_PATIENCE = 10.0  # seconds from asking a process to end to killing it


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
            git("init", "--quiet", "--template=", folder)
            alternates = folder / ".git/objects/info/alternates"
            alternates.parent.mkdir(parents=True, exist_ok=True)
            alternates.write_text(f"{_git_path('objects')}\n")
            if _git_path("shallow").exists():
                shutil.copy(_git_path("shallow"), folder / ".git/shallow")
            for key in ("user.name", "user.email"):
                if value := git("config", "--default", "", "--get", key):
                    git("-C", folder, "config", key, value)
            git("-C", folder, "update-ref", "--no-deref", "HEAD", self.revision)
            git("-C", folder, "read-tree", "--reset", "-u", self.tree)
            project = folder / git("rev-parse", "--show-prefix")
            self._configure(project)
            for path in self.linked:
                (project / path).parent.mkdir(parents=True, exist_ok=True)
                (project / path).symlink_to(Path(path).resolve())
            yield project
        finally:
            shutil.rmtree(folder, ignore_errors=True)

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
    refs = git("-C", copy, "for-each-ref", "--format=%(refname)", "refs/exps").split("\n")
    (ref,) = (ref for ref in refs if ref.endswith(f"/{name}"))
    repository = git("-C", copy, "rev-parse", "--show-toplevel")  # dvc.yaml may lie further below
    git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", repository, f"{ref}:{ref}")


def environment(copy: Path) -> dict[str, str]:
    """Return the environment of what runs in a copy.

    Stages find the programs beside this Python, and the copy's code before the installed one: `.`
    is the copy when they run. What they print is not held back.
    """
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    code = os.pathsep.join([".", os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    added = {"PATH": programs, "PYTHONPATH": code, "PYTHONUNBUFFERED": "1", _MARK: str(copy)}
    return os.environ | added


def end_processes(folder: Path, first: signal.Signals = signal.SIGTERM) -> None:
    """End all that runs for the copies in a folder, wherever it works; kill what does not end."""
    for number in (first, signal.SIGKILL):
        for process in _running(folder):
            with suppress(psutil.Error):
                process.send_signal(number)
        until = time.monotonic() + _PATIENCE
        while any(_running(folder)) and time.monotonic() < until:
            time.sleep(0.1)


def remove_leftovers() -> None:
    """End what a killed ablation left running in this project, and remove its copies."""
    end_processes(Path.cwd())
    for path in FOLDER.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def _running(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it is gone, or another user's
            copy = process.environ().get(_MARK)
            if copy and Path(copy).is_relative_to(folder.resolve()):
                yield process


def _git_path(name: str) -> Path:
    return Path(git("rev-parse", "--git-path", name)).resolve()
