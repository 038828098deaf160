"""What is measured on: the demo's videos, and any that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from curate.base.arguments import cores
from curate.base.paths import DEMO
from curate.base.stage_params import DemoParameters
from curate.demo.stage import run

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
            run(demo, DemoParameters(demo_subjects=clips), cores(None))
        yield {"demo": sorted(demo.rglob("*.avi"))[:clips]} | {p.name: [p] for p in footage or []}
