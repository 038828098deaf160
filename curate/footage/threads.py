"""Work on threads that ends within one step of being interrupted, with progress."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import cv2

from curate.base import console
from curate.base.workers import terminated_as_exit

Advance = Callable[[int], None]


@contextmanager
def on_threads(label: str, total: int, workers: int) -> Iterator[tuple[Executor, Advance]]:
    """Give a pool of `workers` threads, and what each is to tell how many more steps are done.

    Where the block ends in an error, or by Ctrl-C or SIGTERM, what has not begun is not begun, and
    what is under way ends at the next step that it tells.
    """
    # Polars lets SIGINT restart a wait, so Ctrl-C would not be heard until a whole video is done.
    signal.siginterrupt(signal.SIGINT, True)
    cv2.setNumThreads(1)  # a thread a file: OpenCV's own would only get in one another's way
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
