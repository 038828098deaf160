"""Commands of git and DVC in the repository of a test."""

from __future__ import annotations

import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path


def run(root: Path, *command: str) -> str:
    """Run a command of git or DVC in a repository; return what it printed.

    DVC runs in this process, by its own command line: importing it anew takes longest.
    """
    if command[0] == "git":
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout
    from dvc.cli import main

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main(["--cd", str(root), *command[1:]])
    assert code == 0, f"{command}: {out.getvalue()}{err.getvalue()}"
    return out.getvalue()


def start(root: Path) -> None:
    """Make a repository of git and DVC of a folder."""
    run(root, "git", "init", "-qb", "main")
    run(root, "git", "config", "user.email", "someone@example.org")
    run(root, "git", "config", "user.name", "Someone")
    run(root, "dvc", "init", "-q")


def commit(root: Path, message: str) -> None:
    """Commit all that git sees."""
    run(root, "git", "add", "-A")
    run(root, "git", "commit", "-qm", message)
