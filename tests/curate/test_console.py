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
from curate.base.console import Summary, Table

TITLE = "in/a [set]"
COLUMNS = ["check", "finding", "verdict"]
ROWS: list[tuple[str, Any, str]] = [
    ("subjects: " + "/very" * 12 + "/deep [take 1]", 12_345, "leak"),
    ("frozen video", 0, "ok"),
]


@pytest.fixture(autouse=True)
def _tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_a_table_in_a_pipe_holds_every_word_of_every_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.show(Summary(TITLE, COLUMNS, ROWS, {}), as_json=False)
    _, title, head, first, second = capsys.readouterr().out.splitlines()
    assert title == TITLE
    assert head.split() == COLUMNS
    assert first.split() == ["subjects:", "/very" * 12 + "/deep", "[take", "1]", "12,345", "leak"]
    assert second.split() == ["frozen", "video", "0", "ok"]


def test_a_narrow_terminal_wraps_words_and_drops_no_column() -> None:
    code = (
        "import json, sys; from curate.base.console import Summary, show; "
        "show(Summary(*json.loads(sys.argv[1]), {}), as_json=False)"
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


def test_people_see_tables_notes_and_closing_words_and_machines_the_data(
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = [Table("more", ["left"], [(0.5,), (None,)])]
    summary = Summary(TITLE, COLUMNS, ROWS, {"b": 1, "a": None}, ["look here"], more, ["the end"])
    console.show(summary, as_json=False)
    shown = capsys.readouterr()
    assert shown.err == "note: look here\n"
    assert shown.out.split()[-5:] == ["more", "left", "0.500", "the", "end"]
    console.show(summary, as_json=True)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ('{"a": null, "b": 1}\n', "note: look here\n")


def test_a_summary_without_columns_is_its_closing_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.show(Summary("", [], [], {}, closing=["a [story]"]), as_json=False)
    assert capsys.readouterr().out == "a [story]\n"


PROGRESS = "with console.progress('hashing', 2) as advance:\n    advance(2)\n"


def progress_shown(code: str, *, terminal: bool) -> str:
    """Run code that shows progress; return what it wrote to standard error."""
    words = [sys.executable, "-c", f"from curate.base import console\n{code}"]
    environment = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm"}
    if not terminal:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        return done.stderr + done.stdout
    parent, child = pty.openpty()
    subprocess.run(words, env=environment, stderr=child, check=True)
    os.close(child)
    written = b""
    try:
        while chunk := os.read(parent, 4096):
            written += chunk
    except OSError:  # Linux ends a terminal that nobody writes to with an error
        pass
    os.close(parent)
    return written.decode()


def test_a_program_shows_progress_on_a_terminal_and_nowhere_else() -> None:
    program = f"console.begin_program()\n{PROGRESS}"
    assert "hashing" in progress_shown(program, terminal=True)
    assert progress_shown(program, terminal=False) == ""


def test_a_library_shows_no_progress() -> None:
    assert progress_shown(PROGRESS, terminal=True) == ""
