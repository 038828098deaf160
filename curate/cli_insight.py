"""Commands of `curate` that look and change nothing: what to choose, what became of a frame."""

from __future__ import annotations
