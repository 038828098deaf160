"""The exceptions that a user may see: a sentence, never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.base.text import plural

_MOST_ROWS = 100  # rows of one file named one by one: past these, all of the file is wrong


class UserError(Exception):
    """Input that the user can fix: says what is wrong, where, what is allowed and what to do.

    `path` is the file or folder that is at fault and `key` the parameter or option, where there is
    one, so that a program can tell errors apart without reading sentences.
    """

    def __init__(self, *args: Any, path: str | Path | None = None, key: str | None = None) -> None:
        super().__init__(*args)
        self.path = None if path is None else Path(path)
        self.key = key

    @property
    def sentences(self) -> list[str]:
        """All that is wrong, a sentence each."""
        return [str(self)]


class MissingInputError(UserError):
    """Something to be read is not there, or holds nothing of what is looked for."""


class DamagedInputError(UserError):
    """Something is there, and cannot be read as what it should be."""


class BadParameterError(UserError):
    """A parameter or an option has a value that is not allowed, or there is none of that name."""


class DamagedRowsError(DamagedInputError):
    """Rows of one file that cannot be read, as (row, what is wrong with it).

    As text, the first row's sentence and how many more there are; `sentences` names each row.
    """

    def __init__(self, path: Path, rows: list[tuple[int, str]]) -> None:
        # The arguments as they are: an exception that comes from another process is made of them.
        super().__init__(path, rows, path=path)
        self._rows = sorted(rows)

    def __str__(self) -> str:
        more = len(self._rows) - 1
        others = f"; and {plural(more, 'more damaged row')} in this file" if more else ""
        return self._sentence(*self._rows[0]) + others

    @property
    def sentences(self) -> list[str]:
        """A sentence a row; of a file that is wrong from end to end, the first ones."""
        named = [self._sentence(*row) for row in self._rows[:_MOST_ROWS]]
        more = len(self._rows) - _MOST_ROWS
        return named + ([f"{self.path}: {more:,} more damaged rows"] if more > 0 else [])

    def _sentence(self, row: int, what: str) -> str:
        return f"{self.path}, row {row}: {what}"
