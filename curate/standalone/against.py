"""`--against B`: the hashes of older footage, which new footage is not to repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from curate.base.errors import DamagedInputError, UserError
from curate.base.text import as_text
from curate.footage.hash import Hashed
from curate.footage.open import Footage, open_footage
from curate.footage.unreadable import find_unreadable, note_unreadable


def check_apart(path: Path, against: Path | None) -> None:
    """Refuse footage to compare with that is the footage itself, or lies in it, or holds it.

    Raises:
        UserError: every frame would repeat itself.
    """
    if against is None:
        return
    new, old = path.resolve(), against.resolve()
    if new == old:
        raise UserError(
            f"{against}: is {path} itself, so every frame would repeat itself; without --against, "
            "'--scope all' finds repeats within it",
            path=against,
        )
    if new in old.parents or old in new.parents:
        raise UserError(
            f"{against}: shares files with {path} (one lies in the other), so frames would repeat "
            "themselves; give two paths apart from each other",
            path=against,
        )


def hash_against(footage: Footage, against: Path, hashing: Callable[[Footage], Hashed]) -> Hashed:
    """Hash every frame at `against`, to compare `footage` with; return the usable, with notes.

    Ids start with the path `against`.

    Raises:
        UserError: no footage there, none of it usable, or hashes of another kind.
    """
    older = open_footage(against)
    hashed = hashing(older)
    usable = hashed.frames.filter(pl.col("hash").is_not_null(), pl.col("reason").is_null())
    if usable.is_empty():
        raise DamagedInputError(
            f"{against}: none of its {len(hashed.frames):,} frames can be read, so there is "
            "nothing to compare with",
            path=against,
        )
    name = pl.concat_str(pl.lit(f"{as_text(against.as_posix())}/"), "id").alias("id")
    notes = [
        *older.notes,
        *hashed.notes,
        *_note_crop(footage, older),
        *note_unreadable(against, find_unreadable(older, hashed.frames)),
    ]
    return replace(hashed, frames=usable.with_columns(name), notes=notes)


def _note_crop(footage: Footage, older: Footage) -> list[str]:
    """Point out that a frames table holds hashes of crops, and footage those of whole frames."""
    if bool(footage.parts) == bool(older.parts):
        return []
    table, raw = (footage, older) if footage.parts else (older, footage)
    return [
        f"{table.path} holds hashes of crops, {raw.path} is hashed as whole frames: they compare "
        "only where 'curate frames' ran with crop: none"
    ]
