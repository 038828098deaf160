"""The command `curate`: parses, calls a stage, prints its summary. No logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.base import console
from curate.base.arguments import cores
from curate.base.cli import AsJson, Workers, new_app, run_program, with_parameters
from curate.base.params import Parameters
from curate.base.paths import CAP, DEDUP, DEMO, FRAMES, LABELS, SHARDS, SPLIT
from curate.cli.inspect import audit, explain, gallery, suggest
from curate.cli.parameters import parameters
from curate.cli.tables import check_alone

app = new_app(
    "Turn video frames into a deduplicated, balanced data set, with every frame accounted "
    "for.\n\nExamples:\n\n- `curate dedup ~/videos --stride 5`: thin any folder or video\n\n"
    "- `curate dedup --stride 5`: decide again on the pipeline's frames\n\n"
    "- `dvc repro`: all stages, footage to report"
)


@app.command()
@with_parameters("seed", demo_subjects="--subjects", demo_frames="--frames", demo_size="--size")
def demo(
    output: Annotated[Path, typer.Option(help="folder to write")] = DEMO,
    *,
    p: Parameters,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Render the embedded footage: labelled face videos in DISFA's layout.

    Example: `curate demo --output faces --subjects 4`
    """
    from curate.demo.stage import run

    console.show(run(output, p, cores(workers)), as_json=as_json)


@app.command()
@with_parameters("source")
def labels(
    footage: Annotated[Path | None, typer.Argument(help="[parameter footage]")] = None,
    *,
    p: Parameters,
    output: Annotated[Path, typer.Option(help="table to write")] = LABELS,
    check: Annotated[
        bool, typer.Option("--check", help="read everything, name all damage, write nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read the footage's labels into one table; unknown stays unknown.

    Examples: `curate labels ~/DISFA --source disfa`, `curate labels ~/DISFA --check` (exit code 2
    where something is damaged)
    """
    from curate.labels import check_labels, run

    footage = footage or Path(p.footage)
    summary = check_labels(footage, p) if check else run(footage, output, p)
    damage = summary.data["damage"]
    for sentence in damage:
        console.fail("curate", sentence)
    console.show(summary, as_json=as_json)
    if damage:
        raise typer.Exit(2)


@app.command()
@with_parameters("source", "crop", "image_size", "hash", decode="--full-decode=full")
def frames(
    footage: Annotated[Path | None, typer.Argument(help="[parameter footage]")] = None,
    *,
    p: Parameters,
    output: Annotated[Path, typer.Option(help="folder to write, one Parquet a clip")] = FRAMES,
    force: Annotated[
        bool, typer.Option("--force", help="decode clips again that are done")
    ] = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Decode every frame once: crop, perceptual hash, sharpness, brightness.

    Clips that are done already are not done again. Example: `curate frames ~/DISFA --crop haar`
    """
    from curate.frames.stage import run

    summary = run(footage or Path(p.footage), output, p, cores(workers), force=force)
    console.show(summary, as_json=as_json)


@app.command()
@with_parameters(
    *("stride", "distance", "scope", "keep", "hash"),
    decode="--full-decode=full",
    same_labels="--same-labels/--any-labels",
)
def dedup(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="video, folder of videos or images (nested), or frames table "
            "[the pipeline's frames]"
        ),
    ] = None,
    *,
    p: Parameters,
    against: Annotated[
        Path | None, typer.Option(help="older footage: frames that repeat it are dropped")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="decisions to write, Parquet or CSV [data/dedup.parquet without PATH]",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="new folder for the kept frames, laid out as PATH is")
    ] = None,
    link: Annotated[
        bool,
        typer.Option("--link", help="hard-link images into --to, where it can; else copy"),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="decide and print; write nothing, no cache either")
    ] = False,
    frames: Annotated[Path, typer.Option(help="the pipeline's frames")] = FRAMES,
    labels: Annotated[
        Path | None,
        typer.Option(help="labels table [none with PATH, else data/labels.parquet]"),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="folder of hashes of earlier runs [~/.cache/framewise]"),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="read every file, remember nothing")
    ] = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Thin frames by stride, then drop near-duplicates; every frame gets keep or a reason.

    Nothing in PATH is ever changed. A second run reads only files that are new or changed.

    Examples:

    - `curate dedup talk.mp4 --stride 5 --distance 4`: how much would be left

    - `curate dedup ~/faces --stride 1 --distance 6 --scope all --keep sharpest --to kept --link`

    - `curate dedup ~/new --against ~/old --output decisions.csv`: what is not new

    - `curate dedup --stride 5`: decide again on the pipeline's frames
    """
    from curate.standalone.dedup import dedup_footage, dedup_pipeline
    from curate.standalone.destinations import DedupPaths

    check_alone(path, frames=frames != FRAMES)
    written = output if path else output or DEDUP
    paths = DedupPaths(written, to, link, labels, against, cache, not no_cache, dry_run)
    if path is None:
        outcome = dedup_pipeline(frames, labels or LABELS, p, cores(workers), paths)
    else:
        outcome = dedup_footage(path, p, cores(workers), paths)
    console.show(outcome.summary(path or frames, p, paths), as_json=as_json)


@app.command()
@with_parameters(
    *("folds", "fold", "validation_fraction", "validation_positives", "moments_fraction", "margin")
)
def split(
    dedup: Annotated[Path, typer.Option(help="decisions of curate dedup")] = DEDUP,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    frames: Annotated[Path, typer.Option(help="frames, to count near-duplicates")] = FRAMES,
    output: Annotated[Path, typer.Option(help="table to write")] = SPLIT,
    *,
    p: Parameters,
    validation_fraction: float | None,
    as_json: AsJson = False,
) -> None:
    """Hold out other people (validation) and other moments of the same people.

    Examples: `curate split --validation-fraction 0.25`, `curate split --folds 5 --fold 2`,
    `curate split --folds disfa`
    """
    from curate.split.stage import run

    if p.folds and validation_fraction is not None:
        console.note(f"--validation-fraction decides nothing with folds: {p.folds}")
    console.show(run(dedup, labels, frames, output, p), as_json=as_json)


@app.command()
@with_parameters("cap")
def cap(
    split: Annotated[Path, typer.Option(help="decisions of curate split")] = SPLIT,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    output: Annotated[Path, typer.Option(help="table to write")] = CAP,
    *,
    p: Parameters,
    as_json: AsJson = False,
) -> None:
    """Cap the positives of common action units, keeping as many positives as can be.

    Examples: `curate cap --cap 200`, `curate cap --cap auto`
    """
    from curate.cap.stage import run

    console.show(run(split, labels, output, p), as_json=as_json)


@app.command()
@with_parameters("seed")
def shards(
    cap: Annotated[Path, typer.Option(help="decisions of curate cap")] = CAP,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    frames: Annotated[Path, typer.Option(help="frames with their pictures")] = FRAMES,
    output: Annotated[Path, typer.Option(help="folder to write")] = SHARDS,
    *,
    p: Parameters,
    as_json: AsJson = False,
) -> None:
    """Write the chosen frames as TFRecords that `tfds.builder_from_directory` opens.

    Example: `curate shards --output data/tfrecords`
    """
    with console.quiet_tensorflow():
        from curate.shards.stage import run
    console.show(run(frames, cap, labels, output, p), as_json=as_json)


for command in (suggest, explain, audit, gallery, parameters):
    app.command()(command)


def main() -> None:
    """Run `curate`; a user's mistake ends in one sentence and exit code 2."""
    run_program("curate", app)
