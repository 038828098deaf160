"""Git, as the project asks it: its program, run in a folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from curate.base.errors import UserError


def git(*arguments: str | Path, folder: Path | None = None, index: Path | None = None) -> str:
    """Run git in `folder` and return what it prints, with `index` in place of git's own index.

    Raises:
        UserError: git is not there, or fails.
    """
    environment = os.environ | ({"GIT_INDEX_FILE": str(index.resolve())} if index else {})
    command = ["git", *map(str, arguments)]
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, env=environment
        )
    except FileNotFoundError:
        raise UserError("git: not found; install it, or add it to PATH") from None
    if ran.returncode:
        raise UserError(f"git {arguments[0]}: {' '.join(ran.stderr.split())}")
    return ran.stdout.strip("\n")
