"""The command `curate`: parses, calls a stage, writes its table, prints counts. No logic."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from curate import console, options
from curate.places import CAP, DEDUP, DEMO, FRAMES, LABELS, PARAMS, SHARDS, SPLIT
from curate.program import new_app, run_program

app = new_app(
    "Turn video frames into a deduplicated, balanced data set, with every frame accounted "
    "for.\n\nExamples:\n\n- `curate dedup ~/videos --stride 5`: thin any folder or video\n\n"
    "- `curate dedup --stride 5`: decide again on the pipeline's frames\n\n"
    "- `dvc repro`: all stages, footage to report"
)


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="folder to write")] = DEMO,
    seed: Annotated[int | None, options.of("seed")] = None,
    subjects: Annotated[int | None, options.of("demo_subjects", "--subjects")] = None,
    frames: Annotated[int | None, options.of("demo_frames", "--frames")] = None,
    size: Annotated[int | None, options.of("demo_size", "--size")] = None,
    workers: options.Workers = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Render the embedded footage: labelled face videos in DISFA's layout.

    Example: `curate demo --output faces --subjects 4`
    """
    from curate.demo import write_demo

    console.configure(as_json=as_json)
    p = options.read(params, seed=seed, demo_subjects=subjects, demo_frames=frames, demo_size=size)
    with console.progress("rendering", p.demo_subjects * p.demo_frames) as advance:
        summary = write_demo(
            output,
            seed=p.seed,
            subjects=p.demo_subjects,
            frames=p.demo_frames,
            size=p.demo_size,
            workers=_workers(workers),
            on_frames=advance,
        )
    rows = [
        (f"AU{unit}", count, count / summary.frames) for unit, count in summary.positives.items()
    ]
    console.report(
        f"{output}: {summary.subjects} subjects, {summary.frames:,} frames",
        ["action unit", "positives", "rate"],
        rows,
        {
            "frames": summary.frames,
            "positives": {f"AU{u}": n for u, n in summary.positives.items()},
        },
    )


@app.command()
def labels(
    footage: Annotated[Path | None, typer.Argument(help="[parameter footage]")] = None,
    source: Annotated[str | None, options.of("source")] = None,
    output: Annotated[Path, typer.Option(help="table to write")] = LABELS,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Read the footage's labels into one table; unknown stays unknown.

    Example: `curate labels ~/DISFA --source disfa`
    """
    from curate.labels import collect_labels, count_labels, write_labels

    console.configure(as_json=as_json)
    p = options.read(params, footage=_text(footage), source=source)
    found = collect_labels(Path(p.footage), p)
    write_labels(found, output)
    for sentence in found.notes:
        console.note(sentence)
    counts = count_labels(found.table)
    console.report(
        f"{output}: {len(found.table):,} labelled frames",
        ["action unit", "present", "absent", "unknown"],
        counts,
        {
            "frames": len(found.table),
            "notes": found.notes,
            "labels": {name: {"present": a, "absent": b, "unknown": c} for name, a, b, c in counts},
        },
    )


@app.command()
def frames(
    footage: Annotated[Path | None, typer.Argument(help="[parameter footage]")] = None,
    source: Annotated[str | None, options.of("source")] = None,
    crop: Annotated[str | None, options.of("crop")] = None,
    image_size: Annotated[int | None, options.of("image_size")] = None,
    output: Annotated[Path, typer.Option(help="folder to write, one Parquet a clip")] = FRAMES,
    force: Annotated[
        bool, typer.Option("--force", help="decode clips again that are done")
    ] = False,
    workers: options.Workers = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Decode every frame once: crop, perceptual hash, sharpness, brightness.

    Clips that are done already are not done again. Example: `curate frames ~/DISFA --crop center`
    """
    from curate.frames import by_reason, frames_stage

    console.configure(as_json=as_json)
    p = options.read(
        params, footage=_text(footage), source=source, crop=crop, image_size=image_size
    )
    counts = frames_stage(output, p, _workers(workers), force)
    rows = by_reason(counts)
    done = sum(count.was_done for count in counts)
    console.report(
        f"{output}: {len(counts)} clips ({done} were done already)",
        ["frames", "count"],
        rows,
        {"clips": len(counts), "done_already": done, "frames": dict(rows)},
    )


@app.command()
def dedup(
    path: Annotated[
        Path | None,
        typer.Argument(help="video, or folder of videos or images [the pipeline's frames]"),
    ] = None,
    stride: Annotated[int | None, options.of("stride")] = None,
    distance: Annotated[int | None, options.of("distance")] = None,
    scope: Annotated[str | None, options.of("scope")] = None,
    same_labels: Annotated[
        bool | None, options.of("same_labels", "--same-labels/--any-labels")
    ] = None,
    frames: Annotated[Path, typer.Option(help="the pipeline's frames")] = FRAMES,
    labels: Annotated[Path, typer.Option(help="the pipeline's labels")] = LABELS,
    output: Annotated[
        Path | None,
        typer.Option(
            help="decisions to write, Parquet or CSV [data/dedup.parquet without PATH]",
            show_default=False,
        ),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="folder to copy kept frames to")] = None,
    workers: options.Workers = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Thin frames by stride, then drop near-duplicates; every frame gets keep or a reason.

    Examples: `curate dedup ~/videos --stride 5 --to kept` (nothing in PATH is changed),
    `curate dedup --stride 5` (on the pipeline's frames)
    """
    from curate import dedup as stage
    from curate import standalone

    console.configure(as_json=as_json)
    p = options.read(params, stride=stride, distance=distance, scope=scope, same_labels=same_labels)
    standalone.check_empty(to)
    if path is None:
        decisions, notes = stage.dedup_stage(frames, labels, output or DEDUP, p)
    else:
        decisions = standalone.standalone_stage(path, output, to, p, _workers(workers))
        notes = []
    if to is not None:
        standalone.copy_kept(path or frames, decisions, to)
    for sentence in notes:
        console.note(sentence)
    counts = stage.count_reasons(decisions)
    title = f"{path or frames}: stride {p.stride}, distance {p.distance} bits, scope {p.scope}"
    _report_frames(title, counts)


@app.command()
def split(
    dedup: Annotated[Path, typer.Option(help="decisions of curate dedup")] = DEDUP,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    frames: Annotated[Path, typer.Option(help="frames, to count near-duplicates")] = FRAMES,
    output: Annotated[Path, typer.Option(help="table to write")] = SPLIT,
    validation_fraction: Annotated[float | None, options.of("validation_fraction")] = None,
    moments_fraction: Annotated[float | None, options.of("moments_fraction")] = None,
    margin: Annotated[int | None, options.of("margin")] = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Hold out other people (validation) and other moments of the same people.

    Example: `curate split --validation-fraction 0.25`
    """
    from curate import split as stage

    console.configure(as_json=as_json)
    p = options.read(
        params,
        validation_fraction=validation_fraction,
        moments_fraction=moments_fraction,
        margin=margin,
    )
    result = stage.split_stage(dedup, labels, frames, output, p)
    for sentence in result.notes:
        console.note(sentence)
    console.report(f"{output}: kept frames", result.columns, result.rows, result.data)


@app.command()
def cap(
    split: Annotated[Path, typer.Option(help="decisions of curate split")] = SPLIT,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    output: Annotated[Path, typer.Option(help="table to write")] = CAP,
    most: Annotated[int | None, options.of("cap", "--cap")] = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Cap the positives of common action units, keeping as many positives as can be.

    Example: `curate cap --cap 200`
    """
    from curate import cap as stage

    console.configure(as_json=as_json)
    p = options.read(params, cap=most)
    result = stage.cap_stage(split, labels, output, p)
    console.report(
        f"{output}: positives, cap {p.cap or 'off'}", result.columns, result.rows, result.data
    )


@app.command()
def shards(
    cap: Annotated[Path, typer.Option(help="decisions of curate cap")] = CAP,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    frames: Annotated[Path, typer.Option(help="frames with their pictures")] = FRAMES,
    output: Annotated[Path, typer.Option(help="folder to write")] = SHARDS,
    seed: Annotated[int | None, options.of("seed")] = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Write the chosen frames as TFRecords that `tfds.builder_from_directory` opens.

    Example: `curate shards --output data/tfrecords`
    """
    console.configure(as_json=as_json)
    with console.quiet_tensorflow():
        from curate.shards import shards_stage
    p = options.read(params, seed=seed)
    counts = shards_stage(frames, cap, labels, output, p)
    console.report(f"{output}", ["split", "frames"], list(counts.items()), counts)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _workers(given: int | None) -> int:
    return given or len(os.sched_getaffinity(0))


def _report_frames(title: str, counts: list[tuple[str, int]]) -> None:
    whole = max(1, counts[0][1])
    rows = [(name, count, f"{count / whole:.1%}") for name, count in counts]
    console.report(title, ["frames", "count", "share"], rows, dict(counts))


def main() -> None:
    """Run `curate`; a user's mistake ends in one sentence and exit code 2."""
    run_program("curate", app)
