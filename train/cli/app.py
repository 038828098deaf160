"""The command `train`: parses, calls a stage, prints its summary. No logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from curate.base import console
from curate.base.cli import AsJson, new_app, run_program, with_parameters
from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.base.paths import CAP, DEDUP, FRAMES, LABELS, SHARDS, SPLIT
from train.cli.ablate import ablate
from train.cli.compare import compare_command

app = new_app(
    "Train on curated frames, and see what the overfitting gap is made of.\n\nExamples:\n\n"
    "- `train fit --lr 0.001`: one run on the pipeline's shards\n\n"
    "- `dvc exp run -S lr=0.001`: the same as an experiment, with evaluation and report"
)

FIT = Path("data/fit")
EVALUATION = Path("data/evaluation")
REPORT = Path("report")
Published = Annotated[
    bool,
    typer.Option(
        "--published",
        help="set F1 beside published DISFA or BP4D figures, whoever the subjects are",
    ),
]


@app.command()
@with_parameters(
    *("lr", "epochs", "batch_size", "dropout", "backbone", "unfreeze", "monitor", "patience")
)
def fit(
    shards: Annotated[Path, typer.Option(help="folder of curate shards")] = SHARDS,
    output: Annotated[Path, typer.Option(help="folder to write")] = FIT,
    *,
    p: Parameters,
    as_json: AsJson = False,
) -> None:
    """Train, scoring the five probes of the gap several times within the first epoch.

    A run that was killed resumes, when it is started again, where it was some seconds before.

    Examples:

    - `train fit --lr 0.001 --epochs 4`

    - `train fit --unfreeze 2 --monitor macro_f1 --patience 3`: fine-tune, keep the best weights
    """
    with console.quiet_tensorflow():
        from train.fit.stage import run
    console.show(run(shards, output, p), as_json=as_json)


@app.command()
@with_parameters("threshold")
def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(help="model file to score on its own [the one in --fit, with its gap]"),
    ] = None,
    fit: Annotated[Path, typer.Option(help="folder of train fit")] = FIT,
    shards: Annotated[
        Path, typer.Option("--shards", "--tfrecords", help="folder of curate shards")
    ] = SHARDS,
    split: Annotated[
        str | None,
        typer.Option(help="split to score a MODEL on [both validation sets]", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help=f"folder to write [{EVALUATION}; with MODEL: none, only shown]",
            show_default=False,
        ),
    ] = None,
    *,
    p: Parameters,
    published: Published = False,
    as_json: AsJson = False,
) -> None:
    """Score the model on people it never saw: precision, recall, F1, with 95 % intervals.

    Thresholds are the one of --threshold, and each action unit's own, chosen on other moments of
    the people trained on, never on those scored.

    Examples:

    - `train evaluate --threshold 0.4`: the pipeline's model on its validation sets

    - `train evaluate model.keras --tfrecords folder --split validation`: any model, any shards
    """
    if split and not model:
        raise UserError("--split: needs a MODEL, as in 'train evaluate data/fit/model.keras'")
    with console.quiet_tensorflow():
        from train.evaluate.stage import run, run_on_model
    if model:
        summary = run_on_model(model, shards, split, output, p, published=published)
    else:
        summary = run(fit, shards, output or EVALUATION, p, published=published)
    console.show(summary, as_json=as_json)


@app.command()
@with_parameters("threshold")
def sum_folds(
    folders: Annotated[
        list[Path], typer.Argument(help="folders of train evaluate, one a fold", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option(help="folder to write [none, only shown]", show_default=False)
    ] = None,
    *,
    p: Parameters,
    published: Published = False,
    as_json: AsJson = False,
) -> None:
    """Sum the evaluations of k folds: counts of all folds together, then one F1 an action unit.

    Each fold's chosen thresholds are its own. Each frame must lie in one fold's validation set.

    Example: `train sum-folds folds/1 folds/2 folds/3`
    """
    from train.evaluate.sum_folds import run

    console.show(run(folders, output, p, published=published), as_json=as_json)


@app.command()
def export(
    fit: Annotated[Path, typer.Option(help="folder of train fit, or its model file")] = FIT,
    output: Annotated[Path, typer.Option(help="file for onnx, folder for savedmodel")] = Path(
        "data/model.onnx"
    ),
    file_format: Annotated[
        Literal["onnx", "savedmodel"], typer.Option("--format", help="what to write")
    ] = "onnx",
    shards: Annotated[
        Path,
        typer.Option(
            "--shards", "--tfrecords", help="folder of curate shards, to compare the two on"
        ),
    ] = SHARDS,
    as_json: AsJson = False,
) -> None:
    """Write the model as ONNX or SavedModel, and compare its outputs with the one in Keras.

    Action units and thresholds go into a JSON file beside it. ONNX needs the extra `export`.

    Examples:

    - `train export --output model.onnx`

    - `train export --format savedmodel --output model`
    """
    with console.quiet_tensorflow():
        from train.export import export_stage
    console.show(export_stage(fit, shards, file_format, output), as_json=as_json)


@app.command()
@with_parameters()
def report(
    frames: Annotated[Path, typer.Option(help="frames of curate frames")] = FRAMES,
    labels: Annotated[Path, typer.Option(help="table of curate labels")] = LABELS,
    dedup: Annotated[Path, typer.Option(help="table of curate dedup")] = DEDUP,
    split: Annotated[Path, typer.Option(help="table of curate split")] = SPLIT,
    cap: Annotated[Path, typer.Option(help="table of curate cap")] = CAP,
    fit: Annotated[Path, typer.Option(help="folder of train fit")] = FIT,
    evaluation: Annotated[Path, typer.Option(help="folder of train evaluate")] = EVALUATION,
    output: Annotated[Path, typer.Option(help="folder to write")] = REPORT,
    *,
    p: Parameters,
    as_json: AsJson = False,
) -> None:
    """Draw the charts and write one self-contained page, index.html.

    Example: `train report --output report`
    """
    from train.report.stage import ReportInputs, run

    inputs = ReportInputs(frames, labels, dedup, split, cap, fit, evaluation)
    console.show(run(inputs, output, p), as_json=as_json)


app.command()(ablate)
app.command("compare")(compare_command)


def main() -> None:
    """Run `train`; a user's mistake ends in one sentence and exit code 2."""
    run_program("train", app)
