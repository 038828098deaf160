"""The processes that work through DVC's queue: whether they live, how they begin and end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from curate.base.errors import UserError

_PATIENCE = 60.0  # seconds in which a worker must have come up


def living(folder: Path) -> list[psutil.Process]:
    """List the workers that live, of those that DVC noted in the queue's folder."""
    found = []
    for path in sorted(folder.glob("dvc-exp-worker-*.pid")):
        text = path.read_text()
        process = alive(int(text), "queue-worker") if text.isdigit() else None
        found += [process] if process else []
    return found


def start(folder: Path, jobs: int) -> None:
    """Begin workers until there are `jobs` of the queue in `folder`, and wait for them.

    Raises:
        UserError: none came up.
    """
    with tempfile.TemporaryFile() as said:  # no pipe: the workers would keep it open
        command = [sys.executable, "-m", "dvc", "queue", "start", "--jobs", str(jobs)]
        subprocess.run(command, stdout=said, stderr=said, env=environment(), check=False)
        until = time.monotonic() + _PATIENCE
        while len(living(folder)) < jobs and time.monotonic() < until:
            time.sleep(0.2)
        said.seek(0)
        words = said.read().decode(errors="replace").split()
    if not living(folder):
        raise UserError(f"no worker of DVC's queue came up; DVC says: {' '.join(words)}")


def environment() -> dict[str, str]:
    """Give stages the programs beside this Python, and each experiment its own copy's code.

    Stages run inside a copy of the repository, and `.` is then that copy: an experiment keeps the
    code that it was queued with, whatever is edited while it waits.
    """
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    code = os.pathsep.join([".", os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return os.environ | {"PATH": programs, "PYTHONPATH": code}


def alive(process: int, word: str) -> psutil.Process | None:
    """Return the process of this number if it lives and its command holds `word`."""
    try:
        found = psutil.Process(process)
        is_it = found.status() != psutil.STATUS_ZOMBIE and word in found.cmdline()
    except psutil.Error:
        return None
    return found if is_it else None


def kill(process: psutil.Process) -> None:
    """End a process at once, whatever it does; what it began lives on."""
    with suppress(psutil.NoSuchProcess):
        process.kill()
    psutil.wait_procs([process], timeout=10)


def end(process: psutil.Process) -> None:
    """Ask a process and all below it to end, and make those end that have not in ten seconds."""
    try:
        tree = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    _end_all(tree)


def end_inside(folder: Path) -> None:
    """End every process that works in a folder, which may be gone already."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    _end_all(found)


def _end_all(processes: list[psutil.Process]) -> None:
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.terminate()
    for one in psutil.wait_procs(processes, timeout=10)[1]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
