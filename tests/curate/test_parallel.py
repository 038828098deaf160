"""Processes: results and steps come back, and none stays behind, however the first one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from curate.base.workers import in_processes, report_steps

PATIENCE = 60  # seconds; far more than any of this takes
# Each task writes a file, never whole, and says which process it is in by the file's name.
ENDLESS = """
import sys
from pathlib import Path
from curate.base.workers import in_processes, report_steps
from curate.base.files import atomic_write

def work(name):
    with atomic_write(Path(sys.argv[1]) / name) as partial:
        partial.touch()
        while True:
            report_steps(1)

if __name__ == "__main__":
    in_processes(work, ["a", "b"], 2, lambda steps: None)
"""


def square(number: int) -> int:
    report_steps(number)
    return number**2


def fails_or_waits(number: int) -> int:
    if number == 0:
        raise ValueError("number 0")
    while True:
        report_steps(1)


def dies(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_and_steps() -> None:
    steps: list[int] = []
    assert sorted(in_processes(square, range(6), 2, steps.append)) == [0, 1, 4, 9, 16, 25]
    assert sum(steps) == 15
    assert in_processes(square, [], 2, steps.append) == []


def test_outside_a_worker_telling_does_nothing() -> None:
    assert square(3) == 9


def test_an_error_ends_the_other_tasks() -> None:
    with pytest.raises(ValueError, match="number 0"):
        in_processes(fails_or_waits, [1, 0, 2, 3], 2, lambda _: None)


def test_a_killed_worker_is_told() -> None:
    with pytest.raises(BrokenProcessPool):
        in_processes(dies, [1], 1, lambda _: None)


def until(condition, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Return whether a process is there and is no zombie that nobody waits for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def heed_hanging_up() -> None:
    """Undo `nohup`: under it, as these tests may run, a process is to outlive its terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux' /proc")
@pytest.mark.parametrize(
    ("sent", "code", "cleans_up"),
    [
        (signal.SIGTERM, 143, True),
        (signal.SIGHUP, 129, True),
        (signal.SIGINT, 1, True),
        (signal.SIGKILL, -9, False),
    ],
    ids=["terminated", "hung-up", "interrupted", "killed"],
)
def test_no_process_stays_behind(
    tmp_path: Path, sent: signal.Signals, code: int, cleans_up: bool
) -> None:
    script, out = tmp_path / "endless.py", tmp_path / "out"
    script.write_text(ENDLESS)
    begun = subprocess.Popen(
        [sys.executable, script, out],
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_hanging_up,
    )
    try:
        until(lambda: len(list(out.glob(".*.partial"))) == 2, "two tasks begun")
        workers = [int(path.name.split(".")[2]) for path in out.iterdir()]
        assert all(map(is_running, workers))
        begun.send_signal(sent)
        ended = begun.wait(PATIENCE)
    finally:
        begun.kill()
    assert ended == code or (sent == signal.SIGINT and ended == -signal.SIGINT)
    until(lambda: not any(map(is_running, workers)), "the workers ended")
    assert (not list(out.iterdir())) == cleans_up
