"""The command `curate`: parses, calls a stage, writes its table, prints counts. No logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.base import cli as options
from curate.base import console
from curate.base.cli import new_app, run_program
from curate.base.paths import CAP, DEDUP, DEMO, FRAMES, LABELS, PARAMS, SHARDS, SPLIT
from curate.cli import inspect as cli_insight
from curate.cli import parameters as cli_reference

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
    from curate.demo.stage import write_demo

    console.configure(as_json=as_json)
    p = options.read(params, seed=seed, demo_subjects=subjects, demo_frames=frames, demo_size=size)
    with console.progress("rendering", p.demo_subjects * p.demo_frames) as advance:
        summary = write_demo(
            output,
            seed=p.seed,
            subjects=p.demo_subjects,
            frames=p.demo_frames,
            size=p.demo_size,
            workers=options.cores(workers),
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
    check: Annotated[
        bool, typer.Option("--check", help="read everything, name all damage, write nothing")
    ] = False,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Read the footage's labels into one table; unknown stays unknown.

    Examples: `curate labels ~/DISFA --source disfa`, `curate labels ~/DISFA --check` (exit code 2
    where something is damaged)
    """
    from curate import labels as stage

    console.configure(as_json=as_json)
    p = options.read(params, footage=_text(footage), source=source)
    if check:
        found = stage.check_labels(Path(p.footage), p)
        title = f"{p.footage}: {stage.verdict(found)}"
    else:
        found = stage.collect_labels(Path(p.footage), p)
        stage.write_labels(found, output)
        title = f"{output}: {stage.size(found)}"
    for sentence in found.notes:
        console.note(sentence)
    for sentence in stage.all_damage(found):
        console.fail("curate", sentence)
    columns = ["action unit", "present", "absent", "unknown"]
    console.report(title, columns, stage.count_labels(found.table), stage.describe(found))
    if found.damage:
        raise typer.Exit(2)


@app.command()
def frames(
    footage: Annotated[Path | None, typer.Argument(help="[parameter footage]")] = None,
    source: Annotated[str | None, options.of("source")] = None,
    crop: Annotated[str | None, options.of("crop")] = None,
    image_size: Annotated[int | None, options.of("image_size")] = None,
    hash_kind: Annotated[str | None, options.of("hash", "--hash")] = None,
    full_decode: options.FullDecode = False,
    output: Annotated[Path, typer.Option(help="folder to write, one Parquet a clip")] = FRAMES,
    force: Annotated[
        bool, typer.Option("--force", help="decode clips again that are done")
    ] = False,
    workers: options.Workers = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Decode every frame once: crop, perceptual hash, sharpness, brightness.

    Clips that are done already are not done again. Example: `curate frames ~/DISFA --crop haar`
    """
    from curate.frames.stage import by_reason, frames_stage, notes

    console.configure(as_json=as_json)
    p = options.read(
        params,
        footage=_text(footage),
        source=source,
        crop=crop,
        image_size=image_size,
        hash=hash_kind,
        decode="full" if full_decode else None,
    )
    counts = frames_stage(output, p, options.cores(workers), force)
    said = notes(counts)
    for sentence in said:
        console.note(sentence)
    rows = by_reason(counts)
    done = sum(count.was_done for count in counts)
    console.report(
        f"{output}: {len(counts)} clips ({done} were done already)",
        ["frames", "count"],
        rows,
        {"clips": len(counts), "done_already": done, "notes": said, "frames": dict(rows)},
    )


@app.command()
def dedup(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="video, folder of videos or images (nested), or frames table "
            "[the pipeline's frames]"
        ),
    ] = None,
    stride: Annotated[int | None, options.of("stride")] = None,
    distance: Annotated[int | None, options.of("distance")] = None,
    scope: Annotated[str | None, options.of("scope")] = None,
    keep: Annotated[str | None, options.of("keep")] = None,
    hash_kind: Annotated[str | None, options.of("hash", "--hash")] = None,
    full_decode: options.FullDecode = False,
    same_labels: Annotated[
        bool | None, options.of("same_labels", "--same-labels/--any-labels")
    ] = None,
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
    workers: options.Workers = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Thin frames by stride, then drop near-duplicates; every frame gets keep or a reason.

    Nothing in PATH is ever changed. A second run reads only files that are new or changed.

    Examples:

    - `curate dedup talk.mp4 --stride 5 --distance 4`: how much would be left

    - `curate dedup ~/faces --stride 1 --distance 6 --scope all --keep sharpest --to kept --link`

    - `curate dedup ~/new --against ~/old --output decisions.csv`: what is not new

    - `curate dedup --stride 5`: decide again on the pipeline's frames
    """
    from curate.dedup.rule import count_reasons
    from curate.standalone import dedup as standalone

    console.configure(as_json=as_json)
    p = options.read(
        params,
        stride=stride,
        distance=distance,
        scope=scope,
        keep=keep,
        hash=hash_kind,
        decode="full" if full_decode else None,
        same_labels=same_labels,
    )
    cli_insight.check_alone(path, frames=frames != FRAMES)
    written = output if path else output or DEDUP
    places = standalone.Places(written, to, link, labels, against, cache, not no_cache, dry_run)
    cores = options.cores(workers)
    if path is None:
        outcome = standalone.dedup_pipeline(frames, labels or LABELS, p, cores, places)
    else:
        outcome = standalone.dedup_footage(path, p, cores, places)
    for sentence in outcome.notes:
        console.note(sentence)
    counts = count_reasons(outcome.decisions)
    title = (
        f"{path or frames}: stride {p.stride}, distance {p.distance} bits, scope {p.scope}, "
        f"keep {p.keep}"
    )
    _report_frames(title, counts, outcome.as_data() if path or against else dict(counts))
    if not as_json:
        for sentence in outcome.closing(places):
            console.say(sentence)


@app.command()
def split(
    dedup: Annotated[Path, typer.Option(help="decisions of curate dedup")] = DEDUP,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    frames: Annotated[Path, typer.Option(help="frames, to count near-duplicates")] = FRAMES,
    output: Annotated[Path, typer.Option(help="table to write")] = SPLIT,
    folds: Annotated[str | None, options.of("folds")] = None,
    fold: Annotated[int | None, options.of("fold")] = None,
    validation_fraction: Annotated[float | None, options.of("validation_fraction")] = None,
    validation_positives: Annotated[int | None, options.of("validation_positives")] = None,
    moments_fraction: Annotated[float | None, options.of("moments_fraction")] = None,
    margin: Annotated[int | None, options.of("margin")] = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Hold out other people (validation) and other moments of the same people.

    Examples: `curate split --validation-fraction 0.25`, `curate split --folds 5 --fold 2`,
    `curate split --folds disfa`
    """
    from curate.split import stage

    console.configure(as_json=as_json)
    p = options.read(
        params,
        folds=folds,
        fold=fold,
        validation_fraction=validation_fraction,
        validation_positives=validation_positives,
        moments_fraction=moments_fraction,
        margin=margin,
    )
    if p.folds and validation_fraction is not None:
        console.note(f"--validation-fraction decides nothing with folds: {p.folds}")
    result = stage.split_stage(dedup, labels, frames, output, p)
    for sentence in result.notes:
        console.note(sentence)
    validating = f", fold {p.fold} of {p.folds} validates" if p.folds else ""
    console.report(f"{output}: kept frames{validating}", result.columns, result.rows, result.data)


@app.command()
def cap(
    split: Annotated[Path, typer.Option(help="decisions of curate split")] = SPLIT,
    labels: Annotated[Path, typer.Option(help="labels table")] = LABELS,
    output: Annotated[Path, typer.Option(help="table to write")] = CAP,
    most: Annotated[str | None, options.of("cap", "--cap")] = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Cap the positives of common action units, keeping as many positives as can be.

    Examples: `curate cap --cap 200`, `curate cap --cap auto`
    """
    from curate.cap.stage import cap_stage, in_words

    console.configure(as_json=as_json)
    p = options.read(params, cap=most)
    result = cap_stage(split, labels, output, p)
    for sentence in result.notes:
        console.note(sentence)
    title = f"{output}: positives, cap {in_words(p.cap, result.data['cap']['train'])}"
    console.report(title, result.columns, result.rows, result.data)


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


def _report_frames(title: str, counts: list[tuple[str, int]], data: dict[str, Any]) -> None:
    whole = max(1, counts[0][1])
    rows = [(name, count, f"{count / whole:.1%}") for name, count in counts]
    console.report(title, ["frames", "count", "share"], rows, data)


for command in (
    cli_insight.suggest,
    cli_insight.explain,
    cli_insight.audit,
    cli_insight.gallery,
    cli_reference.parameters,
):
    app.command()(command)


def main() -> None:
    """Run `curate`; a user's mistake ends in one sentence and exit code 2."""
    run_program("curate", app)
