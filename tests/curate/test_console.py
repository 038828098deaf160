"""Tables lose nothing: not a word in brackets, not a column, however narrow the terminal is."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from curate.base import console

TITLE = "in/a [set]"
COLUMNS = ["check", "finding", "verdict"]
ROWS: list[tuple[str, Any, str]] = [
    ("subjects: " + "/very" * 12 + "/deep [take 1]", 12_345, "leak"),
    ("frozen video", 0, "ok"),
]


@pytest.fixture(autouse=True)
def _tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console.configure(as_json=False)


def test_a_table_in_a_pipe_holds_every_word_of_every_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.report(TITLE, COLUMNS, ROWS, {})
    _, title, head, first, second = capsys.readouterr().out.splitlines()
    assert title == TITLE
    assert head.split() == COLUMNS
    assert first.split() == ["subjects:", "/very" * 12 + "/deep", "[take", "1]", "12,345", "leak"]
    assert second.split() == ["frozen", "video", "0", "ok"]


def test_a_narrow_terminal_wraps_words_and_drops_no_column() -> None:
    code = (
        "import json, sys; from curate.base import console; "
        "console.report(*json.loads(sys.argv[1]), {})"
    )
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", code, json.dumps([TITLE, COLUMNS, ROWS])],
        stdout=theirs,
        check=True,
        env=os.environ | {"COLUMNS": "60", "TERM": "xterm"},
    )
    os.close(theirs)
    lines = os.read(ours, 2**16).decode().splitlines()
    os.close(ours)
    assert max(map(len, lines)) <= 60
    text = " ".join(lines)
    for word in ("check", "finding", "verdict", "[take", "12,345", "leak", "frozen", "ok"):
        assert word in text
    folded = "".join(line.split()[0] for line in lines if "very" in line)
    assert folded.count("/very") == 12


def test_what_is_logged_on_the_way_is_printed_as_notes(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("train.fit.checkpoint")
    with console.log_as_notes("curate", "train"):
        logger.info("resuming at epoch %d", 3)
        logger.debug("of no interest")
    logger.info("later")
    assert capfd.readouterr().err == "note: resuming at epoch 3\n"
