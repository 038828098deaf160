"""The command `train`: parses, calls a stage, prints what it found. No logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate import console, options
from curate.program import new_app, run_program

app = new_app(
    "Train on curated frames, and see what the overfitting gap is made of.\n\nExamples:\n\n"
    "- `train fit --lr 0.001`: one run on the pipeline's shards\n\n"
    "- `dvc exp run -S lr=0.001`: the same as an experiment, with evaluation and report"
)

SHARDS = Path("data/tfrecords")
FIT = Path("data/fit")
EVALUATION = Path("data/evaluation")
REPORT = Path("report")
PARAMS = Path("params.yaml")


@app.command()
def fit(
    shards: Annotated[Path, typer.Option(help="folder of curate shards")] = SHARDS,
    output: Annotated[Path, typer.Option(help="folder to write")] = FIT,
    lr: Annotated[float | None, options.of("lr")] = None,
    epochs: Annotated[int | None, options.of("epochs")] = None,
    batch_size: Annotated[int | None, options.of("batch_size")] = None,
    dropout: Annotated[float | None, options.of("dropout")] = None,
    backbone: Annotated[str | None, options.of("backbone")] = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Train, scoring the five probes of the gap several times within the first epoch.

    Example: `train fit --lr 0.001 --epochs 4`
    """
    p = options.read(
        params, lr=lr, epochs=epochs, batch_size=batch_size, dropout=dropout, backbone=backbone
    )
    console.configure(as_json=as_json)
    with console.quiet_tensorflow():
        from train.fit import fit_stage
    from train.verdict import sentence, table

    gaps = fit_stage(shards, output, p)
    columns, rows = table(gaps)
    console.report(
        f"{output}: the gap, in nats of loss",
        columns,
        rows,
        {"early": gaps[0].as_dict(), "final": gaps[1].as_dict()},
    )
    for gap in gaps:
        console.say(sentence(gap))


@app.command()
def evaluate(
    fit: Annotated[Path, typer.Option(help="folder of train fit")] = FIT,
    shards: Annotated[Path, typer.Option(help="folder of curate shards")] = SHARDS,
    output: Annotated[Path, typer.Option(help="folder to write")] = EVALUATION,
    threshold: Annotated[float | None, options.of("threshold")] = None,
    params: options.ParametersFile = PARAMS,
    as_json: options.AsJson = False,
) -> None:
    """Score the model on people it never saw: precision, recall, F1.

    Example: `train evaluate --threshold 0.4`
    """
    p = options.read(params, threshold=threshold)
    console.configure(as_json=as_json)
    with console.quiet_tensorflow():
        from train.evaluate import evaluate_stage
    metrics, counts = evaluate_stage(fit, shards, output, p)
    for note in counts.notes:
        console.note(note)
    console.report(
        f"{output}: precision, recall, F1 at {p.threshold}", counts.columns, counts.rows, metrics
    )


@app.command()
def report(
    frames: Annotated[Path, typer.Option(help="frames of curate frames")] = Path("data/frames"),
    labels: Annotated[Path, typer.Option(help="table of curate labels")] = Path(
        "data/labels.parquet"
    ),
    dedup: Annotated[Path, typer.Option(help="table of curate dedup")] = Path("data/dedup.parquet"),
    split: Annotated[Path, typer.Option(help="table of curate split")] = Path("data/split.parquet"),
    cap: Annotated[Path, typer.Option(help="table of curate cap")] = Path("data/cap.parquet"),
    fit: Annotated[Path, typer.Option(help="folder of train fit")] = FIT,
    evaluation: Annotated[Path, typer.Option(help="folder of train evaluate")] = EVALUATION,
    output: Annotated[Path, typer.Option(help="folder to write")] = REPORT,
    params: options.ParametersFile = PARAMS,
) -> None:
    """Draw the charts and write one self-contained page, index.html.

    Example: `train report --output report`
    """
    from train.report import ReportInputs, report_stage

    p = options.read(params)
    inputs = ReportInputs(frames, labels, dedup, split, cap, fit, evaluation)
    for path in report_stage(inputs, output, p):
        console.say(str(path))


def main() -> None:
    """Run `train`; a user's mistake ends in one sentence and exit code 2."""
    run_program("train", app)
