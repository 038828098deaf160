"""What a command says: tables of counts, progress with rate and time left, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from rich.table import Table
from rich.text import Text

from curate.base.text import format_cell

_UNBOUNDED = 10_000  # columns of what is no terminal: a file or a pipe cuts nothing off


@dataclass
class Summary:
    """What a stage has to show at its end: a table, the same for machines, and notes."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    data: dict[str, Any]
    notes: list[str] = field(default_factory=list)


class _Settings:
    """How this run speaks, set once from the command line."""

    json = False
    color = True


def configure(*, as_json: bool | None = None, color: bool | None = None) -> None:
    """Choose JSON instead of tables, and whether to colour (NO_COLOR is honoured too)."""
    if as_json is not None:
        _Settings.json = as_json
    if color is not None:
        _Settings.color = color


def _console(stderr: bool = False) -> Console:
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else _UNBOUNDED
    return Console(
        stderr=stderr, highlight=False, no_color=None if _Settings.color else True, width=width
    )


def say(sentence: str) -> None:
    """Print a line on the way (to standard error when standard output carries JSON)."""
    _console(stderr=_Settings.json).print(sentence, markup=False, soft_wrap=True)


def note(sentence: str) -> None:
    """Point to something counted that the user should look at."""
    _console(stderr=True).print(Text.assemble(("note: ", "yellow"), sentence), soft_wrap=True)


def fail(program: str, sentence: str) -> None:
    """Print the one sentence that ends a run that a user's mistake stopped."""
    _console(stderr=True).print(
        Text.assemble((f"{program}: ", "bold red"), sentence), soft_wrap=True
    )


def report(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    data: dict[str, Any],
) -> None:
    """Print the closing table, or `data` as one JSON object when that was asked for.

    Numbers are set flush right; floats with three digits. Where a terminal is too narrow, words
    go on in the next line: nothing is left out.
    """
    if _Settings.json:
        print(json.dumps(data, sort_keys=True))
        return
    table = Table(box=None, pad_edge=False, header_style="")
    for position, column in enumerate(columns):
        numbers = all(isinstance(row[position], int | float) or not row[position] for row in rows)
        right = numbers and len(rows) > 0
        justify: JustifyMethod = "right" if right else "left"
        table.add_column(Text(column), justify=justify, no_wrap=right, overflow="fold")
    for row in rows:
        table.add_row(*(Text(format_cell(value)) for value in row))  # a name may hold [brackets]
    console = _console()
    console.print()
    console.print(Text(title, style="bold"), soft_wrap=True)
    console.print(table)


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Hold back what TensorFlow writes to standard error while it is imported and looks around.

    It greets from C++, past Python's own streams, with notes on processors that a user can do
    nothing about. If the import fails, what was held back is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
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
    """Show a bar with count, rate and time left; nothing where output is not a terminal.

    Yields a function that is told how many more steps are done.
    """
    console = _console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)
