"""Framewise's curation half: footage to balanced, deduplicated TFRecords.

Importing it loads nothing heavy: each function imports what it needs when it is called.

Example:
    >>> import curate
    >>> decisions = curate.dedup("faces", stride=5, distance=4)  # doctest: +SKIP
    >>> decisions.counts  # doctest: +SKIP
    {'frames in': 500, 'stride': 400, 'near_duplicate': 12, 'kept': 88}
"""

from __future__ import annotations

import logging
from importlib import import_module

# Some functions have the name of a room. Python sets a room that is imported for the first time as
# an attribute of the package, so rooms of these names come first, and the functions replace them
# for good. `from curate.dedup.rule import decide` finds the room all the same.
for _room in ("audit", "dedup", "explain", "suggest"):
    import_module(f"curate.{_room}")

from curate.api.footage import Decisions, dedup, suggest  # noqa: E402
from curate.api.hashes import (  # noqa: E402
    from_imagehash,
    hash_images,
    near_duplicates,
    to_imagehash,
)
from curate.api.inspection import Audit, audit, explain  # noqa: E402
from curate.api.labels import read_labels  # noqa: E402
from curate.api.pipeline import prepare  # noqa: E402
from curate.base.errors import (  # noqa: E402
    BadParameterError,
    DamagedInputError,
    MissingInputError,
    UserError,
)

__all__ = [
    "Audit",
    "BadParameterError",
    "DamagedInputError",
    "Decisions",
    "MissingInputError",
    "UserError",
    "audit",
    "dedup",
    "explain",
    "from_imagehash",
    "hash_images",
    "near_duplicates",
    "prepare",
    "read_labels",
    "suggest",
    "to_imagehash",
]

# Where nobody listens, notes on the way are not printed.
logging.getLogger("curate").addHandler(logging.NullHandler())
