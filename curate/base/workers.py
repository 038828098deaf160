"""Work shared among processes or threads, which report their progress and end with their parent.

When the one that started them is interrupted, terminated or killed, none stays behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from threading import Event
from types import FrameType
from typing import Any, TypeVar

import cv2

from curate.base import console

Task = TypeVar("Task")
Result = TypeVar("Result")
Advance = Callable[[int], None]


class _StoppedError(Exception):
    """Raised in a worker in the middle of a task, so that what it has open is closed."""


class _Shared:
    """What a worker shares with the process that started it; None outside a worker."""

    steps: Any = None  # how many steps all workers have done
    stop: Any = None  # set when they are to stop


def in_processes(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    on_steps: Callable[[int], None],
) -> list[Result]:
    """Return `work` of each task, in the order in which they are done.

    `work` calls `report_steps`; what all workers report is passed on to `on_steps`. An error ends
    the other tasks and is raised, as does an interrupt.

    Raises:
        BrokenProcessPool: a worker was killed.
    """
    # A forked process inherits OpenCV's threads in an unknown state; a spawned one starts clean.
    context = get_context("spawn")
    steps, stop = context.Value("q", 0), context.RawValue("b", 0)
    with (
        terminated_as_exit(),
        ProcessPoolExecutor(workers, context, _begin, (steps, stop)) as pool,
    ):
        try:
            running = {pool.submit(work, task) for task in tasks}
            return _follow(running, lambda: int(steps.value), on_steps)
        except BaseException:
            stop.value = 1
            pool.shutdown(cancel_futures=True)
            raise


def report_steps(steps: int) -> None:
    """Report, inside a worker, that so many more steps are done; elsewhere do nothing.

    Call it often: this is where a worker stops when it is to stop.
    """
    if _Shared.steps is None:
        return
    with _Shared.steps.get_lock():
        _Shared.steps.value += steps
    if _Shared.stop.value:
        raise _StoppedError


def _begin(steps: Any, stop: Any) -> None:
    """Set up a worker."""
    _Shared.steps, _Shared.stop = steps, stop
    # Ctrl-C reaches every process of the terminal: the one that started this worker handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def terminated_as_exit() -> Iterator[None]:
    """Let SIGTERM, or a closed terminal, end this process like an error: all it has open is closed.

    Under `nohup` a closed terminal is ignored, as always.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may choose
        return
    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(
    running: set[Future[Result]], done: Callable[[], int], on_steps: Callable[[int], None]
) -> list[Result]:
    """Wait for results, reporting now and then how many more steps are done."""
    results: list[Result] = []
    reported = 0
    while running:
        finished, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        results += [future.result() for future in finished]
        now = done()
        on_steps(now - reported)
        reported = now
    return results


@contextmanager
def on_threads(label: str, total: int, workers: int) -> Iterator[tuple[Executor, Advance]]:
    """Give a pool of `workers` threads, and a function that reports how many more steps are done.

    Where the block ends in an error, or by Ctrl-C or SIGTERM, what has not begun is not begun, and
    what is under way ends at the next step that it reports.
    """
    # Polars lets SIGINT restart a wait, so Ctrl-C would not be heard until a video is done.
    signal.siginterrupt(signal.SIGINT, True)
    cv2.setNumThreads(1)  # a thread a file: OpenCV's own threads would only compete
    stop = Event()
    with (
        terminated_as_exit(),
        console.progress(label, total) as shown,
        ThreadPoolExecutor(workers) as pool,
    ):

        def advance(steps: int) -> None:
            if stop.is_set():
                raise CancelledError
            shown(steps)

        try:
            yield pool, advance
        except BaseException:  # Ctrl-C above all: an hour of video is not worth waiting for
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
