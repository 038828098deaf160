"""The one exception that a user may see: a sentence, never a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Input that the user can mend: says what is wrong, where, what is allowed and what to do."""
