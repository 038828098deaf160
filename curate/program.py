"""How both programs end: a user's mistake is one sentence and exit code 2, never a traceback."""

from __future__ import annotations

import sys
from typing import Any

from curate import console
from curate.errors import UserError


def run_program(name: str, app: Any) -> None:
    """Run a typer app as the program `name`."""
    try:
        app()
    except UserError as error:
        console.fail(name, str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        console.fail(name, "interrupted; run it again to go on")
        sys.exit(130)
    except BrokenPipeError:  # `curate ... | head` closed our output
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:  # a folder where a file is meant, no permission, a full disk
        place = error.filename2 or error.filename
        console.fail(name, f"{place}: {error.strerror}" if place else str(error))
        sys.exit(2)
