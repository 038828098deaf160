"""Stage `report`: tables in; charts and one self-contained index.html out."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from curate.base.console import Summary
from curate.base.files import atomic_folder
from curate.base.params import Parameters
from curate.cap.rule import resolve
from curate.search.lag import measure_lags
from curate.viz import lag, near_duplicates
from curate.viz.html import Picture, render
from curate.viz.pictures import read_crops
from train.fit.schedule import learning_rates
from train.report.advice import Figures, suggest
from train.report.charts import (
    action_units,
    augmented,
    calibration,
    confusion,
    flow,
    gap_anatomy,
    loss,
    precision_recall,
    precision_recall_curves,
)
from train.report.examples import choose_mistakes, choose_samples, mistake_rows, sample_rows
from train.report.facs import named
from train.report.inputs import ReportInputs, Tables, read_tables
from train.report.pictures import FILES, PHOTOGRAPHS, write_chart
from train.report.provenance import commands, data_table, format_code, read_code
from train.report.tables import (
    across_splits,
    fates,
    parameters_table,
    published_table,
    scores_table,
    versions,
)
from train.report.words import (
    describe_data,
    describe_losses,
    describe_network,
    headline,
    no_skill_loss,
    probe_counts,
    steps_per_epoch,
)

_TEMPLATE = Path(__file__).with_name("report.html")
_RESULTS = {
    "validation": "Natural validation set",
    "validation_balanced": "Balanced validation set",
}


def run(inputs: ReportInputs, output: Path, parameters: Parameters) -> Summary:
    """Draw the charts and write the page into the folder `output`, all of it or nothing.

    The files written are returned, the page last. The same tables, parameters and commit give the
    same bytes.

    Raises:
        UserError: a table is missing or is not what it should be.
    """
    tables = read_tables(inputs)
    with atomic_folder(output, "index.html", *FILES.values()) as building:
        pictures = {
            name: write_chart(name, figure, building)
            for name, figure in draw_charts(tables, parameters).items()
        }
        page = render_page(tables, parameters, pictures, _provenance(inputs, parameters))
        (building / "index.html").write_text(page, encoding="utf-8")
    files = [str(output / name) for name in (*(FILES[name] for name in pictures), "index.html")]
    rows = [(file,) for file in files]
    return Summary(f"{output}: charts and page", ["file"], rows, {"files": files})


def draw_charts(tables: Tables, parameters: Parameters) -> dict[str, Figure]:
    """Draw every chart: file name without its ending, and figure, in the page's order."""
    positives = action_units.count_positives(tables.labels, tables.dedup, tables.cap)
    dropped = len(tables.dedup.filter(pl.col("reason") == "near_duplicate"))
    lags = measure_lags(tables.frames, parameters.seed)
    cap = resolve(parameters.cap, tables.cap, tables.labels)
    return {
        "gap_anatomy": gap_anatomy.draw(tables.probes, tables.verdict),
        "gap_anatomy_narrow": gap_anatomy.draw(tables.probes, tables.verdict, narrow=True),
        "where_frames_went": flow.draw(flow.count_frames(tables.cap)),
        "lag": lag.draw(lags, distance=parameters.distance, stride=parameters.stride),
        "near_duplicates": near_duplicates.draw(_pairs(tables), dropped),
        "action_units": action_units.draw(positives, cap),
        "loss": loss.draw(tables.history, tables.probes, _course(tables, parameters)),
        "augmented": augmented.draw(tables.augmented, parameters),
        "precision_recall": precision_recall.draw(tables.scores, tables.metrics),
        "precision_recall_curves": precision_recall_curves.draw(tables.predictions, tables.scores),
        "confusion": confusion.draw(tables.predictions, tables.scores, parameters.threshold),
        "calibration": calibration.draw(tables.reliability, tables.scores),
    }


def render_page(
    tables: Tables,
    parameters: Parameters,
    pictures: dict[str, Picture],
    provenance: dict[str, object],
) -> str:
    """Render the page: the verdict and what to change first, then all that it rests on."""
    samples = choose_samples(tables.cap, tables.frames, parameters)
    mistakes = choose_mistakes(tables.predictions, parameters.threshold)
    return render(
        _TEMPLATE,
        headline=headline(tables.verdict.cause),
        lead=describe_losses(tables.probes, no_skill_loss(tables.labels, tables.cap)),
        facts=describe_data(tables, parameters.footage),
        verdict=tables.verdict.sentence,
        suggestions=suggest(_figures(tables), parameters),
        pictures=pictures,
        photographs=PHOTOGRAPHS,
        curation=[
            fates(tables.cap),
            across_splits(tables.cap, tables.frames, parameters.distance),
        ],
        samples=sample_rows(samples, tables.labels, tables.frames_folder),
        network=describe_network(tables, parameters),
        results=[
            scores_table(tables.scores, tables.metrics, split, name)
            for split, name in _RESULTS.items()
        ],
        notes=tables.notes,
        comparison=tables.comparison,
        published_table=published_table(tables.comparison) if tables.comparison else None,
        mistakes=mistake_rows(mistakes, tables.labels, tables.frames_folder),
        provenance=provenance | {"tables": [parameters_table(parameters), versions()]},
        action_units=list(map(named, tables.scores["action_unit"].unique(maintain_order=True))),
        probe_frames=probe_counts(tables.probes),
        parameters=parameters,
    )


def _course(tables: Tables, parameters: Parameters) -> loss.Course | None:
    """Return the learning rate by epoch; None where it is constant, which words say better."""
    steps = steps_per_epoch(tables.probes, parameters.batch_size)
    if parameters.schedule == "constant" or steps is None:
        return None
    rates = learning_rates(
        parameters.lr, parameters.schedule, parameters.warm_up, steps * parameters.epochs
    )
    return loss.Course(rates, steps)


def _provenance(inputs: ReportInputs, parameters: Parameters) -> dict[str, object]:
    code = read_code(inputs.project)
    return {
        "code": format_code(code),
        "commands": commands(code, parameters),
        "data": data_table(inputs.project, parameters.footage, inputs.paths()),
    }


def _figures(tables: Tables) -> Figures:
    """Gather what the suggestions are derived from."""
    positives = action_units.count_positives(tables.labels, tables.dedup, tables.cap)
    never = tables.scores.filter(
        (pl.col("split") == "validation")
        & (pl.col("positives") > 0)
        & pl.col("precision").is_null()
    )
    return Figures(
        verdict=tables.verdict,
        probes=tables.probes,
        subjects=tables.labels["subject"].n_unique(),
        positives=dict(positives.select("action_unit", "training, capped").rows()),
        never_predicted=never["action_unit"].to_list(),
    )


def _pairs(tables: Tables) -> list[near_duplicates.Pair]:
    """Choose near-duplicates and read their pictures."""
    chosen = near_duplicates.choose_pairs(tables.dedup)
    ids = [name for kept, dropped, _ in chosen for name in (kept, dropped)]
    crops = read_crops(tables.frames_folder, ids)
    return [
        near_duplicates.Pair(kept, dropped, bits, crops[kept], crops[dropped])
        for kept, dropped, bits in chosen
    ]
