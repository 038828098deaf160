"""Commands of `curate` that look and change nothing: what to choose, what became of a frame."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.base import console
from curate.base.arguments import cores
from curate.base.cli import AsJson, Workers, with_parameters
from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.base.paths import CAP, DEDUP, FRAMES, LABELS, SHARDS, SPLIT
from curate.cli.tables import (
    DedupTable,
    FramesTable,
    LabelsTable,
    Splits,
    check_alone,
    latest_split,
)


@with_parameters()
def suggest(
    path: Annotated[
        Path | None,
        typer.Argument(help="video, folder of videos or images, or Parquet [pipeline's frames]"),
    ] = None,
    frames: FramesTable = FRAMES,
    labels: Annotated[
        Path | None,
        typer.Option(help="labels to count [without PATH: data/labels.parquet]"),
    ] = None,
    strides: Annotated[
        str | None, typer.Option(help="candidates in frames [1,2,3,5,8,10,15,20,30]")
    ] = None,
    distances: Annotated[
        str | None, typer.Option(help="candidates in bits [off,0,2,4,6,8]")
    ] = None,
    output: Annotated[Path, typer.Option(help="picture to write, PNG")] = Path("suggest.png"),
    *,
    p: Parameters,
    params: Path,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Suggest a stride and a distance: how fast pictures change, and what each candidate leaves.

    Examples: `curate suggest` (the pipeline's frames and labels), `curate suggest ~/videos`
    """
    from curate.suggest.candidates import DISTANCES, STRIDES, read_numbers
    from curate.suggest.chart import check_output, write_picture
    from curate.suggest.choice import suggest_stage
    from curate.suggest.tables import command, summarize

    check_alone(path, frames=frames != FRAMES)
    check_output(output, path)
    result = suggest_stage(
        path,
        frames,
        labels or (LABELS if path is None and LABELS.exists() else None),
        p,
        read_numbers(strides, "--strides", STRIDES),
        read_numbers(distances, "--distances", DISTANCES),
        cores(workers),
    )
    write_picture(result, output)
    command_line = command(result, path, frames, labels, params)
    console.show(summarize(result, path or frames, command_line, output), as_json=as_json)


def explain(
    frame: Annotated[str, typer.Argument(help="the frame's id: CLIP/INDEX")],
    output: Annotated[
        Path | None,
        typer.Option(help="picture to write, PNG: the frame beside its near-duplicate"),
    ] = None,
    frames: FramesTable = FRAMES,
    labels: LabelsTable = LABELS,
    dedup: DedupTable = DEDUP,
    split: Annotated[Path, typer.Option(help="decisions of curate split")] = SPLIT,
    cap: Annotated[Path, typer.Option(help="decisions of curate cap")] = CAP,
    shards: Annotated[Path, typer.Option(help="TFRecords of curate shards")] = SHARDS,
    as_json: AsJson = False,
) -> None:
    """Report one frame's story through every stage: what became of it, and why.

    Example: `curate explain LeftVideoSN001_comp/000123 --output frame.png`
    """
    from curate.explain.lookup import StageOutputs
    from curate.explain.story import explain

    story = explain(frame, StageOutputs(frames, labels, dedup, split, cap, shards))
    if output is not None:
        from curate.explain.chart import write_picture

        write_picture(story, frames, output)
    console.show(story.summary(output), as_json=as_json)


@with_parameters("distance")
def audit(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="one folder, or the one trained on and the one held out [the pipeline's tables]",
        ),
    ] = None,
    split: Splits = None,
    *,
    p: Parameters,
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 when a leak is found")] = (
        False
    ),
    examples: Annotated[int, typer.Option(min=0, help="most examples of each check")] = 3,
    frames: FramesTable = FRAMES,
    labels: LabelsTable = LABELS,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Look for leaks between splits, repetition, label noise, frozen video and broken frames.

    Examples: `curate audit --strict` (the pipeline's tables), `curate audit --split mine.csv`,
    `curate audit ~/train ~/validation` (any two folders)
    """
    from curate.audit.checks import audit, leaks
    from curate.audit.inputs import read_material
    from curate.audit.summary import summarize

    first = paths[0] if paths else None
    check_alone(first, split=split is not None, frames=frames != FRAMES, labels=labels != LABELS)
    material = read_material(paths or [], frames, labels, latest_split(split), p, cores(workers))
    distance = max(p.distance, 0)
    checks = audit(material, distance, examples)
    console.show(summarize(material, checks, distance), as_json=as_json)
    if strict and leaks(checks):
        raise typer.Exit(1)


@with_parameters("stride", "distance")
def gallery(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="footage to thin and show, or two to compare [the pipeline's tables]",
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="page to write, HTML")] = Path("gallery.html"),
    groups: Annotated[
        int, typer.Option(min=1, max=30, help="most groups of near-duplicates to show")
    ] = 20,
    *,
    p: Parameters,
    stride: int | None,
    frames: FramesTable = FRAMES,
    labels: LabelsTable = LABELS,
    dedup: DedupTable = DEDUP,
    split: Splits = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Show near-duplicates, and pairs that cross splits, on one HTML page that fetches nothing.

    Examples: `curate gallery` (the pipeline's tables), `curate gallery ~/videos --distance 4`,
    `curate gallery ~/train ~/validation` (pairs that cross)
    """
    from curate.gallery.inputs import read_inputs
    from curate.gallery.page import check_output, write_gallery

    if stride is not None and not paths:
        raise UserError(
            "--stride: goes with a PATH; without one, what 'curate dedup' decided is shown"
        )
    first = paths[0] if paths else None
    check_alone(first, split=split is not None, dedup=dedup != DEDUP)
    check_alone(first, frames=frames != FRAMES, labels=labels != LABELS)
    check_output(output, paths or [])
    shown = read_inputs(paths or [], frames, labels, dedup, latest_split(split), p, cores(workers))
    summary = write_gallery(shown, output, distance=max(p.distance, 0), groups=groups)
    console.show(summary, as_json=as_json)
