"""`curate` and `train` for scripts of shell, forked from a process that has loaded the libraries.

Loading TensorFlow takes longer than all else that a small run does. So one process loads it, and
nothing of this project; each start of a program on the PATH is a fork of it, in the caller's
folder, with its arguments, environment and streams, which imports the program from the caller's
PYTHONPATH. Its exit code is the caller's.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = {"curate": "curate.cli.app", "train": "train.cli.app"}
# Imported, and not used: the threads of a library that has worked do not outlive a fork.
LIBRARIES = (
    "tensorflow", "tensorflow_datasets", "matplotlib.figure", "polars", "pydantic", "rich.console",
    "scipy.optimize", "typer"
)  # fmt: skip


@contextlib.contextmanager
def warm_programs() -> Iterator[Path]:
    """Serve the programs; yield a folder that holds them, for the front of a PATH."""
    with tempfile.TemporaryDirectory(prefix="warm") as name:
        folder = Path(name)  # short: the address of a socket may have 107 characters
        address = folder / "socket"
        for program in PROGRAMS:
            words = [sys.executable, "-SE", __file__, "call", str(address), program]
            (folder / program).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            (folder / program).chmod(0o755)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(address))
            listener.listen()
            server = subprocess.Popen(
                [sys.executable, __file__, "serve", str(listener.fileno())],
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
                pass_fds=[listener.fileno()],
            )
        try:
            yield folder
        finally:
            server.terminate()
            server.wait()


def call(address: str, program: str, *arguments: str) -> int:
    """Have a program run by the server, as if it were this process; return its exit code."""
    request = {"words": [program, *arguments], "folder": os.getcwd(), "environment": {**os.environ}}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [0, 1, 2])
        return int(connection.recv(16) or 1)


def serve(listener: socket.socket) -> None:
    """Load the libraries and fork for each call. Returns in a fork, once it is a program's."""
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # collecting garbage in a fork would copy the pages of all that was loaded
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks that have ended are not waited for
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            request, streams = _receive(connection)
            program = os.fork()
            if program == 0:
                connection.close()
                _become(request, streams)
                return
            code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
            connection.send(str(code).encode())
            os._exit(0)
        connection.close()


def _receive(connection: socket.socket) -> tuple[dict, list[int]]:
    text, streams, _, _ = socket.recv_fds(connection, 2**16, 3)
    while not text.endswith(b"\n"):
        text += connection.recv(2**16)
    return json.loads(text), streams


def _become(request: dict, streams: list[int]) -> None:
    """Take over the caller's folder, arguments, environment and streams."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for stream, opened in enumerate(streams):
        os.dup2(opened, stream)
        os.close(opened)
    sys.argv[:] = request["words"]
    sys.path[:0] = os.environ.get("PYTHONPATH", "").split(":")


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "call":
        sys.exit(call(*rest))
    serve(socket.socket(fileno=int(rest[0])))
    importlib.import_module(PROGRAMS[sys.argv[0]]).main()
