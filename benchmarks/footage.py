"""What is measured on: the demo's videos, and any that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from curate.base.paths import DEMO
from curate.demo.stage import write_demo

Footage = Annotated[
    list[Path] | None,
    typer.Option(exists=True, dir_okay=False, help="a video to measure on as well; repeatable"),
]


@contextmanager
def videos_by_name(clips: int, footage: list[Path] | None) -> Iterator[dict[str, list[Path]]]:
    """Name the first `clips` videos of the demo, and each video of `footage` by itself.

    The demo is that of the pipeline; where there is none, its first clips are rendered.
    """
    with TemporaryDirectory() as scratch:
        demo = DEMO
        if len(list(demo.rglob("*.avi"))) < clips:
            demo = Path(scratch)
            write_demo(demo, subjects=clips)
        yield {"demo": sorted(demo.rglob("*.avi"))[:clips]} | {p.name: [p] for p in footage or []}
