"""The processes that an ablation begins: what they are given, and how all of them are ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_MARK = "ABLATION_COPY"  # in the environment of all that an experiment runs: the path of its copy
_PATIENCE = 10.0  # seconds from asking a process to end to killing it


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


def _running(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it is gone, or another user's
            copy = process.environ().get(_MARK)
            if copy and Path(copy).is_relative_to(folder.resolve()):
                yield process
