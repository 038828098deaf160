"""What a command says: tables of counts, progress with rate and time left, JSON for machines."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, JustifyMethod
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table as RichTable
from rich.text import Text

from curate.base.text import format_cell

_in_program = ContextVar("in_program", default=False)  # else a library's caller owns the screen
_holding_back = threading.RLock()
_UNBOUNDED = 10_000  # columns of what is no terminal: a file or a pipe cuts nothing off


@dataclass
class Table:
    """A table as it is printed: numbers flush right, floats with three digits, None empty."""

    title: str
    columns: list[str]
    rows: list[tuple[Any, ...]]


@dataclass
class Summary(Table):
    """What a stage or another command found: a table, and the same as `data` for machines.

    `notes` are what the user should look at. People are also shown `more` tables and the `closing`
    sentences below the first one.
    """

    data: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    more: list[Table] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream is not None and stream.isatty() else _UNBOUNDED
    return Console(stderr=stderr, highlight=False, width=width)


def begin_program() -> None:
    """Show progress from here on: this process runs `curate` or `train` for someone."""
    _in_program.set(True)


def say(sentence: str, *, stderr: bool = False) -> None:
    """Print a line; to standard error where standard output carries JSON."""
    _console(stderr=stderr).print(sentence, markup=False, soft_wrap=True)


def note(sentence: str) -> None:
    """Point to something counted that the user should look at."""
    _console(stderr=True).print(Text.assemble(("note: ", "yellow"), sentence), soft_wrap=True)


def fail(program: str, sentence: str) -> None:
    """Print the one sentence that ends a run that a user's mistake stopped."""
    _console(stderr=True).print(
        Text.assemble((f"{program}: ", "bold red"), sentence), soft_wrap=True
    )


def show(summary: Summary, *, as_json: bool) -> None:
    """Print a summary: its notes to standard error, then its tables, or its data as JSON.

    A table without columns is left out.
    """
    for sentence in summary.notes:
        note(sentence)
    if as_json:
        show_json(summary.data)
        return
    for table in (summary, *summary.more):
        if table.columns:
            _print_table(table)
    for sentence in summary.closing:
        say(sentence)


def show_json(data: dict[str, Any]) -> None:
    """Print one JSON object, its keys sorted."""
    print(json.dumps(data, sort_keys=True))


def _print_table(table: Table) -> None:
    """Print a table; where a terminal is too narrow, text wraps."""
    printed = RichTable(box=None, pad_edge=False, header_style="")
    for column, *cells in zip(table.columns, *table.rows, strict=True):
        right = bool(cells) and all(isinstance(cell, int | float) or not cell for cell in cells)
        justify: JustifyMethod = "right" if right else "left"
        printed.add_column(Text(column), justify=justify, no_wrap=right, overflow="fold")
    for row in table.rows:
        printed.add_row(*(Text(format_cell(cell)) for cell in row))  # a name may hold [brackets]
    console = _console()
    console.print()
    console.print(Text(table.title, style="bold"), soft_wrap=True)
    console.print(printed)


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Hold back what TensorFlow writes to standard error while it is imported and looks around.

    It greets from C++, past Python's own streams, with notes on processors that a user can do
    nothing about. If the import fails, what was held back is shown.
    """
    if "tensorflow" in sys.modules:  # it has greeted
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if sys.stderr is not None:
        sys.stderr.flush()
    # One thread at a time: two would take each other's file for standard error, for good.
    with _holding_back, tempfile.TemporaryFile() as held:
        before = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
            import tensorflow

            tensorflow.config.list_logical_devices()
        except BaseException:
            held.seek(0)
            os.write(before, held.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show how many steps a second are done."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="cyan")


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar with count, rate and time left, in a program whose errors go to a terminal.

    Yields a function that is told how many more steps are done.
    """
    console = _console(stderr=True)
    # Not the console's own word: it takes FORCE_COLOR, as notebooks set it, for a terminal.
    shown = _in_program.get() and sys.stderr is not None and sys.stderr.isatty()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)


class _NoteHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Print a record as a note."""
        note(record.getMessage())


@contextmanager
def log_as_notes(*loggers: str) -> Iterator[None]:
    """Print what these loggers report on the way, from level INFO up, as notes."""
    handler = _NoteHandler(logging.INFO)
    for logger in map(logging.getLogger, loggers):
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger in map(logging.getLogger, loggers):
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
