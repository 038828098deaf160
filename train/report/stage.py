"""Stage `report`: tables in; charts and one self-contained index.html out."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from curate.base.files import atomic_folder
from curate.base.params import Parameters
from curate.cap.rule import resolve
from curate.search.lag import measure
from curate.viz import html as page
from curate.viz import lag, near_duplicates
from curate.viz.html import Table
from train.fit.schedule import learning_rates
from train.report import mistakes as report_mistakes
from train.report import pictures as report_pictures
from train.report import provenance as report_provenance
from train.report import samples as report_samples
from train.report import words as report_words
from train.report.advice import Figures, headline, suggest
from train.report.charts import (
    action_units,
    augmented,
    calibration,
    confusion,
    flow,
    gap_anatomy,
    loss,
    precision_recall_curves,
)
from train.report.charts import precision_recall as scores
from train.report.facs import named
from train.report.inputs import ReportInputs, Tables, read_tables
from train.report.pictures import Picture
from train.report.tables import across_splits, fates, parameters_table, published, versions
from train.report.tables import scores as scores_table
from train.report.tiles import Row, read_pictures

_TEMPLATE = Path(__file__).with_name("report.html")


def report_stage(inputs: ReportInputs, output: Path, parameters: Parameters) -> list[Path]:
    """Draw the charts and write the page into the folder `output`, whole or not at all.

    Returns the paths written, the page last. The same tables, parameters and commit give the same
    bytes.

    Raises:
        UserError: a table is missing or is not what it should be.
    """
    tables = read_tables(inputs)
    with atomic_folder(output, "index.html", *report_pictures.FILES) as building:
        pictures = [
            report_pictures.write(name, figure, building)
            for name, figure in draw_charts(tables, parameters).items()
        ]
        written = render_page(tables, parameters, pictures, _provenance(inputs, parameters))
        (building / "index.html").write_text(written, encoding="utf-8")
    return [*(output / picture.path.name for picture in pictures), output / "index.html"]


def draw_charts(tables: Tables, parameters: Parameters) -> dict[str, Figure]:
    """Draw every chart: file name without its ending, and figure, in the page's order."""
    positives = action_units.count(tables.labels, tables.dedup, tables.cap)
    dropped = len(tables.dedup.filter(pl.col("reason") == "near_duplicate"))
    lags = measure(tables.frames, parameters.seed)
    cap = resolve(parameters.cap, tables.cap, tables.labels)
    return {
        "gap_anatomy": gap_anatomy.draw(tables.probes, tables.verdict),
        "gap_anatomy_narrow": gap_anatomy.draw(tables.probes, tables.verdict, narrow=True),
        "where_frames_went": flow.draw(flow.count(tables.cap)),
        "lag": lag.draw(lags, distance=parameters.distance, stride=parameters.stride),
        "near_duplicates": near_duplicates.draw(_pairs(tables), dropped),
        "action_units": action_units.draw(positives, cap),
        "loss": loss.draw(tables.history, tables.probes, _course(tables, parameters)),
        "augmented": augmented.draw(tables.augmented, parameters),
        "precision_recall": scores.draw(tables.scores, tables.metrics),
        "precision_recall_curves": precision_recall_curves.draw(tables.predictions, tables.scores),
        "confusion": confusion.draw(tables.predictions, tables.scores, parameters.threshold),
        "calibration": calibration.draw(tables.reliability, tables.scores),
    }


def render_page(
    tables: Tables, parameters: Parameters, pictures: list[Picture], provenance: dict[str, object]
) -> str:
    """Render the page: the verdict and what to change first, then all that it rests on."""
    no_skill = report_words.no_skill_loss(tables)
    return page.render(
        _TEMPLATE,
        headline=headline(tables.verdict.cause),
        lead=report_words.lead(tables, no_skill),
        facts=report_words.facts(tables, parameters),
        verdict=tables.verdict.sentence,
        suggestions=suggest(_figures(tables), parameters),
        pictures={picture.name: picture for picture in pictures},
        curation=_curation_tables(tables, parameters),
        samples=_samples(tables, parameters),
        network=report_words.network(tables, parameters),
        results=[
            scores_table(tables.scores, tables.metrics, split, name)
            for split, name in (
                ("validation", "Natural validation set"),
                ("validation_balanced", "Balanced validation set"),
            )
        ],
        notes=tables.notes,
        comparison=tables.comparison,
        published_table=published(tables.comparison) if tables.comparison else None,
        mistakes=_mistakes(tables, parameters),
        provenance=provenance | {"tables": [parameters_table(parameters), versions()]},
        action_units=list(map(named, tables.scores["action_unit"].unique(maintain_order=True))),
        probe_frames=report_words.probe_counts(tables),
        parameters=parameters,
    )


def _course(tables: Tables, parameters: Parameters) -> loss.Course | None:
    """Return the learning rate by epoch; None where it is constant, which words say better."""
    steps = report_words.steps_per_epoch(tables, parameters)
    if parameters.schedule == "constant" or steps is None:
        return None
    rates = learning_rates(
        parameters.lr, parameters.schedule, parameters.warm_up, steps * parameters.epochs
    )
    return loss.Course(rates, steps)


def _provenance(inputs: ReportInputs, parameters: Parameters) -> dict[str, object]:
    code = report_provenance.read_code(inputs.project)
    return {
        "code": report_provenance.in_words(code),
        "commands": report_provenance.commands(code, parameters),
        "data": report_provenance.data_table(inputs.project, parameters.footage, inputs.paths()),
    }


def _samples(tables: Tables, parameters: Parameters) -> list[Row]:
    chosen = report_samples.choose(tables.cap, tables.frames, parameters)
    return report_samples.rows(chosen, tables.labels, tables.frames_folder, tables.frames)


def _mistakes(tables: Tables, parameters: Parameters) -> dict[str, list[Row]]:
    chosen = report_mistakes.choose(tables.predictions, parameters.threshold)
    return report_mistakes.rows(chosen, tables.labels, tables.frames_folder, tables.frames)


def _figures(tables: Tables) -> Figures:
    """Gather what the suggestions are derived from."""
    positives = action_units.count(tables.labels, tables.dedup, tables.cap)
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


def _curation_tables(tables: Tables, parameters: Parameters) -> list[Table]:
    return [
        fates(tables.cap),
        across_splits(tables.cap, tables.frames, parameters.distance),
    ]


def _pairs(tables: Tables) -> list[near_duplicates.Pair]:
    chosen = near_duplicates.choose(tables.dedup)
    ids = [name for kept, dropped, _ in chosen for name in (kept, dropped)]
    pictures = read_pictures(tables.frames_folder, tables.frames, ids)
    return [
        near_duplicates.Pair(kept, dropped, bits, pictures[kept], pictures[dropped])
        for kept, dropped, bits in chosen
    ]
