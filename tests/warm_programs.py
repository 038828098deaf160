"""`curate`, `train` and `python -c` as forks of a process that has loaded the libraries.

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
from typing import Any

MODULES = {"curate": "curate.cli.app", "train": "train.cli.app"}
# Imported, and not used: the threads of a library that has worked do not outlive a fork. Polars and
# Arrow start some as they are imported, so each program imports them itself: it takes no time.
LIBRARIES = (
    "dvclive", "faiss", "jinja2", "matplotlib.figure", "pydantic.main", "rich.console",
    "scipy.optimize", "tensorflow", "tensorflow_datasets", "typer"
)  # fmt: skip


@contextlib.contextmanager
def warm_programs() -> Iterator[Path]:
    """Serve the programs; yield a folder that holds them, for the front of a PATH."""
    with tempfile.TemporaryDirectory(prefix="warm") as name:
        folder = Path(name)  # short: the address of a socket may have 107 characters
        address = folder / "socket"
        call = shlex.join([sys.executable, "-SE", __file__, "call", str(address)])
        for program in MODULES:
            _write_script(folder / program, f'exec {call} {program} "$@"')
        python = shlex.quote(sys.executable)
        _write_script(
            folder / "python", f'[ "$1" = -c ] && exec {call} python "$@"\nexec {python} "$@"'
        )
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


def _write_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def call(address: str, *words: str) -> int:
    """Have a program run by the server, as if it were this process; return its exit code."""
    request = {"words": words, "folder": os.getcwd(), "environment": {**os.environ}}
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
            connection.send(str(code if code >= 0 else 128 - code).encode())  # as a shell does
            os._exit(0)
        connection.close()


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    text, streams, _, _ = socket.recv_fds(connection, 2**16, 3)
    while not text.endswith(b"\n"):
        text += connection.recv(2**16)
    return json.loads(text), streams


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """Take over the caller's folder, arguments, environment and streams."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for stream, opened in enumerate(streams):
        os.dup2(opened, stream)
        os.close(opened)
    sys.argv[:] = request["words"]
    sys.path[:0] = os.environ.get("PYTHONPATH", "").split(":")


def run(words: list[str]) -> None:
    """Run a program of this process: one of the project's, or `python -c CODE`."""
    if words[0] in MODULES:
        importlib.import_module(MODULES[words[0]]).main()
    else:
        sys.path.insert(0, "")
        _, _, code, *rest = words
        sys.argv[:] = ["-c", *rest]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "call":
        sys.exit(call(*rest))
    serve(socket.socket(fileno=int(rest[0])))
    run(sys.argv)
