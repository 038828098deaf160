"""What the log of a run that failed says of the reason."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

_MOST_LINES = 4
_PASSING = (
    "> ",
    "Stage '",
    "Running stage '",
    "Reproducing experiment",
    "WARNING: No file hash info",
    "Generating lock file",
    "Updating lock file",
)


def reason_of_failure(log: Iterable[str]) -> list[str]:
    """Choose the lines of a failed experiment's log that say why, the most telling one last.

    The sentence of one of our programs is the reason. Else it is the last lines before DVC's error,
    each once, without DVC's words on what went well; or that error, where there is nothing else.
    """
    shown = [line.split("\r")[-1].rstrip() for line in log]  # a progress bar rewrites its line
    lines = [*dict.fromkeys(line for line in shown if line and not line.startswith(_PASSING))]
    own = [line for line in lines if line.startswith(("curate: ", "train: "))]
    before = [*takewhile(lambda line: not line.startswith("ERROR: "), lines)]
    return (own or before or lines)[-_MOST_LINES:] or ["it ended before it printed anything"]
