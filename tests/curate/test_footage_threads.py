"""Threads: what is under way ends at its next step, and nothing half-made stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest

from curate.base.workers import Advance, on_threads

PATIENCE = 60  # seconds; far more than any of this takes
# Gathers kept frames for ever, as a day of video would: of a pool of one thread, a second waits.
ENDLESS = """
import sys
from pathlib import Path
from curate.base.workers import on_threads
from curate.base.files import atomic_folder

def work(begun, advance):
    (begun / "000000.jpg").touch()
    while True:
        advance(1)

with atomic_folder(Path(sys.argv[1]), holds="") as begun, on_threads("", 1, 1) as (pool, advance):
    tasks = [pool.submit(work, begun, advance) for _ in range(2)]
    print("begun", flush=True)
    tasks[0].result()
"""


def for_ever(advance: Advance) -> None:
    while True:
        advance(1)


def test_an_error_ends_the_work_that_is_under_way() -> None:
    running: list[Future[None]] = []

    def begin_and_fail() -> None:
        with on_threads("", 1, 2) as (pool, advance):
            running.extend(pool.submit(for_ever, advance) for _ in range(5))
            raise ValueError("of the block")

    with pytest.raises(ValueError, match="of the block"):
        begin_and_fail()
    assert all(task.done() for task in running)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -2), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_half_folder(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    with subprocess.Popen(
        [sys.executable, script, tmp_path / "kept"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"begun\n"
        run.send_signal(number)
        try:
            run.communicate(timeout=PATIENCE)
        finally:
            run.kill()
    assert run.returncode == code
    assert [path.name for path in tmp_path.iterdir()] == ["endless.py"]
