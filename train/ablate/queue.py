"""DVC's queue of experiments: what is in it, what became of each, what enters and leaves it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import yaml
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo.experiments.refs import ExpRefInfo
from dvc.scm import SCMError
from pydantic import ValidationError

from curate.base.errors import UserError
from curate.base.params import Parameters
from train.ablate import workers
from train.ablate.grid import Experiment

State = Literal["queued", "taken", "running", "failed", "finished"]
_PATIENCE = 60.0  # seconds in which a worker must have ended, or cleared up, when told to


@dataclass(frozen=True)
class Entry:
    """An experiment as DVC knows it: where it stands, and the commit that holds its settings.

    A worker takes the next experiment while one still runs: that one is `taken`.
    """

    state: State
    revision: str


class Queue:
    """The queue of the repository in the working folder, seen from its current commit.

    Raises:
        UserError: no DVC or git repository here, or one without a commit.
    """

    def __init__(self) -> None:
        self._repo = _open()
        self._experiments = self._repo.experiments
        self._dvc = self._experiments.celery_queue
        self._baseline: str = self._repo.scm.get_rev()

    def entries(self) -> dict[str, Entry]:
        """Report by name where the experiments of the current commit stand.

        They are looked up in the order of their lives, so one that moves on meanwhile is not lost.
        """
        with _in_words():
            seen: list[tuple[State, Any]] = [("queued", one) for one in self._dvc.iter_queued()]
            seen += [
                ("running" if self._dvc.proc.get(one.stash_rev) else "taken", one)
                for one in self._dvc.iter_active()
            ]
            seen += [("failed", one.entry) for one in self._dvc.iter_done()]
        found = {
            one.name: Entry(state, one.stash_rev)
            for state, one in seen
            if one.baseline_rev == self._baseline
        }
        # An experiment is finished when its ref is there, whatever became of its entry.
        return found | {
            info.name: Entry("finished", self._repo.scm.get_ref(str(info))) for info in self._refs()
        }

    def _refs(self) -> list[Any]:
        prefix = str(ExpRefInfo(self._baseline))
        return [ExpRefInfo.from_ref(ref) for ref in self._repo.scm.iter_refs(prefix)]

    def parameters(self, revision: str) -> dict[str, Any]:
        """Read params.yaml as a commit has it; empty where that is none that is valid today."""
        content = yaml.safe_load(git("show", f"{revision}:params.yaml"))
        try:
            return Parameters(**content).model_dump()
        except (ValidationError, TypeError):
            return {}

    def add(self, experiment: Experiment, copied: Sequence[str]) -> None:
        """Queue an experiment, with what is uncommitted; `copied` are untracked paths it needs."""
        with _in_words(), _uninterrupted():
            self._experiments.run(
                queue=True,
                name=experiment.name,
                params=experiment.overrides,
                copy_paths=list(copied),
            )

    def remove(self, name: str, state: State) -> None:
        """Take an experiment that does not run, or its result, out of DVC."""
        with _in_words():
            if state == "finished":
                self._experiments.remove([name])
            else:
                self._dvc.remove([name])

    def log(self, name: str) -> list[str]:
        """Read what an experiment printed, a line each; of one that never began, its worker."""
        revision = self._revision(name)
        process = self._dvc.proc.get(revision) if revision else None
        places = [Path(process.stdout)] if process else sorted(Path(self._dvc.wdir).glob("*.out"))
        texts = [place.read_text(errors="replace") for place in places if place.is_file()]
        return [line for text in texts for line in text.splitlines() if line.strip()]

    def ended_by(self, name: str) -> str | None:
        """Name the signal that ended an experiment's process; None where it ended by itself."""
        revision = self._revision(name)
        info = self._dvc.proc.get(revision) if revision else None
        code = (info.returncode if info else None) or 0
        return signal.Signals(-code).name if code < 0 else None

    def _revision(self, name: str) -> str | None:
        entry = self._entry(name)
        return entry.stash_rev if entry else None

    def _entry(self, name: str) -> Any:
        with _in_words():
            active, done = self._dvc.iter_active(), self._dvc.iter_done()
            return self._dvc.match_queue_entry_by_name([name], active, done)[name]

    def began(self, name: str) -> float | None:
        """Report since when an experiment runs, in seconds since 1970; None before it does."""
        process = self._process(name)
        return process.create_time() if process else None

    def _process(self, name: str) -> psutil.Process | None:
        revision = self._revision(name)
        info = self._dvc.proc.get(revision) if revision else None
        return workers.alive(info.pid, "exec-run") if info else None

    def workers(self) -> list[psutil.Process]:
        """List the workers of this queue that live, also those that someone else began."""
        return workers.living(Path(self._dvc.wdir))

    def start_workers(self, jobs: int) -> None:
        """Begin workers until there are `jobs`; they outlive this process."""
        workers.start(Path(self._dvc.wdir), jobs)

    def is_busy(self) -> bool:
        """Return whether anything runs, also what somebody else queued."""
        return any(self._dvc.proc.get(one.stash_rev) for one in self._active())

    def _active(self) -> list[Any]:
        with _in_words():
            return list(self._dvc.iter_active())

    def stop(self, names: Sequence[str]) -> None:
        """End the running experiments of these names, and the workers.

        A worker that is asked to end first runs what it has taken, so it is killed. Where one runs
        something else, it is asked: it ends when that is done.
        """
        with _in_words():
            self._dvc.celery.control.shutdown()
        if all(one.name in names for one in self._active() if self._dvc.proc.get(one.stash_rev)):
            for worker in self.workers():
                workers.kill(worker)
        for name in names:
            self.end(name)

    def end(self, name: str) -> None:
        """End a running experiment, also one whose worker is dead, and count it as failed."""
        process, entry = self._process(name), self._entry(name)
        if process:
            workers.end(process)
        self.end_left(name)
        until = time.monotonic() + _PATIENCE
        while self.workers() and self._is_running(name) and time.monotonic() < until:
            time.sleep(0.2)  # its worker clears up behind it
        if entry and self._is_running(name):
            self._fail(name, entry.stash_rev)
            copy = self._copy(entry.stash_rev)
            if copy:
                shutil.rmtree(copy, ignore_errors=True)

    def _fail(self, name: str, revision: str) -> None:
        """Have DVC count an experiment as failed whose process and worker are gone."""
        info = self._dvc.proc.get(revision)
        if info:
            info.returncode = info.returncode or -1
            self._dvc.proc[revision] = info
        with _in_words():
            self._dvc.kill([name])

    def _is_running(self, name: str) -> bool:
        return any(entry.name == name for entry in self._active())

    def end_left(self, name: str) -> None:
        """End what an experiment that was killed has left running: its stage does not notice."""
        revision = self._revision(name)
        copy = self._copy(revision) if revision else None
        if copy:
            workers.end_inside(copy)

    def _copy(self, revision: str) -> Path | None:
        """Find the copy of the repository in which an experiment runs, or ran."""
        path = Path(self._dvc.get_infofile_path(revision))
        if not path.is_file():
            return None
        copy = Path(json.loads(path.read_text())["root_dir"]).resolve()
        return copy if copy.parent == Path(self._repo.tmp_dir, "exps").resolve() else None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second ablation out of this repository; the lock ends with the process.

        Raises:
            UserError: one is at work.
        """
        with Path(self._repo.tmp_dir, "ablate.lock").open("a+") as lock:
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


def _open() -> Repo:
    try:
        repo = Repo()
        revision = None if repo.scm.no_commits else repo.scm.get_rev()
    except NotDvcRepoError:
        raise UserError("no DVC repository here: run it where dvc.yaml lies") from None
    except (SCMError, AttributeError):  # DVC's stand-in for git has no such attributes
        raise UserError("experiments need git: 'git init', then commit the project") from None
    if revision is None:
        raise UserError("experiments need a commit to begin from: 'git add .' and 'git commit'")
    if Path(repo.root_dir).resolve() != Path.cwd().resolve():
        raise UserError(f"run it where dvc.yaml lies, in {repo.root_dir}")
    return repo


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn DVC's own errors into one sentence."""
    try:
        yield
    except LockError as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"DVC is busy in this repository, try again when it is not: {said}"
        ) from None
    except (DvcException, SCMError) as error:
        raise UserError(f"DVC: {' '.join(str(error).split())}") from None


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off Ctrl-C: while DVC queues, uncommitted changes are stashed away for a moment."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def git(*arguments: str) -> str:
    """Run git and return what it prints; nothing where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
