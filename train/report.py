"""Stage `report`: tables in; PNG charts and one self-contained index.html out."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from curate import page
from curate.cap import resolve
from curate.charts import lag, near_duplicates
from curate.charts.style import save
from curate.lag import measure
from curate.params import Parameters
from curate.table import part_path
from curate.whole import whole_folder
from train.charts import (
    action_units,
    augmented,
    calibration,
    confusion,
    flow,
    gap_anatomy,
    loss,
    precision_recall_curves,
)
from train.charts import precision_recall as scores
from train.report_advice import Figures, headline, suggest
from train.report_inputs import ReportInputs, Tables, read_tables
from train.report_tables import Table, across_splits, fates, parameters_table, published, versions
from train.report_tables import scores as scores_table

_TEMPLATE = Path(__file__).with_name("report.html")
Crop = NDArray[np.uint8]
_SHOWN = {
    "gap_anatomy": "Loss of five probes over the epochs fed, the bands between them shaded by "
    "cause, and the causes stacked early and at the end.",
    "where_frames_went": "A river of frames from the footage through the stages to the splits; "
    "an arm leaves for each reason that frames were dropped for.",
    "lag": "Distance of perceptual hashes against the time between two frames of a clip, with "
    "the stride and the distance as lines.",
    "near_duplicates": "Pairs of a frame kept and a frame dropped, with their difference "
    "amplified.",
    "action_units": "Bars of the positives of each action unit: labelled, kept by dedup, and in "
    "training after the cap.",
    "loss": "Training loss with dropout, and training and validation loss without, by epoch.",
    "augmented": "Rows of training frames: each as filmed, then eight times as augmentation feeds "
    "it.",
    "precision_recall": "Precision and recall of each action unit on the natural and on the "
    "balanced validation set, with 95 % intervals.",
    "precision_recall_curves": "Precision against recall of each action unit over all thresholds, "
    "on the natural and on the balanced validation set; the fixed and the chosen threshold are "
    "marked.",
    "confusion": "Two squares of four counts for each action unit, at the fixed and at the chosen "
    "threshold: what the model says against what the label says.",
    "calibration": "Share of frames that has an action unit against the probability given, for "
    "each action unit; the calibrated lie on the diagonal.",
}


@dataclass(frozen=True)
class Picture:
    """A chart on the page: its PNG as a data URI, and what it says in words."""

    name: str
    source: str
    alternative: str
    width: int
    height: int


def report_stage(inputs: ReportInputs, output: Path, parameters: Parameters) -> list[Path]:
    """Draw the charts and write the page into the folder `output`, whole or not at all.

    Answers the paths written, the page last. The same tables and parameters give the same bytes.

    Raises:
        UserError: a table is missing or is not what it should be.
    """
    tables = read_tables(inputs)
    with whole_folder(output, "index.html") as building:
        pictures = [
            _save(figure, building / f"{name}.png")
            for name, figure in draw_charts(tables, parameters).items()
        ]
        written = render_page(tables, parameters, pictures)
        (building / "index.html").write_text(written, encoding="utf-8")
    return [*(output / f"{picture.name}.png" for picture in pictures), output / "index.html"]


def draw_charts(tables: Tables, parameters: Parameters) -> dict[str, Figure]:
    """Draw every chart: file name without its ending, and figure, in the page's order."""
    positives = action_units.count(tables.labels, tables.dedup, tables.cap)
    dropped = len(tables.dedup.filter(pl.col("reason") == "near_duplicate"))
    lags = measure(tables.frames, parameters.seed)
    cap = resolve(parameters.cap, tables.cap, tables.labels)
    return {
        "gap_anatomy": gap_anatomy.draw(tables.probes, tables.gap),
        "where_frames_went": flow.draw(flow.count(tables.cap)),
        "lag": lag.draw(lags, distance=parameters.distance, stride=parameters.stride),
        "near_duplicates": near_duplicates.draw(_pairs(tables), dropped),
        "action_units": action_units.draw(positives, cap),
        "loss": loss.draw(tables.history, tables.probes),
        "augmented": augmented.draw(tables.augmented, parameters),
        "precision_recall": scores.draw(tables.scores, tables.metrics),
        "precision_recall_curves": precision_recall_curves.draw(tables.predictions, tables.scores),
        "confusion": confusion.draw(tables.predictions, tables.scores, parameters.threshold),
        "calibration": calibration.draw(tables.reliability, tables.scores),
    }


def render_page(tables: Tables, parameters: Parameters, pictures: list[Picture]) -> str:
    """Render the page: the verdict and what to change first, then all that it rests on."""
    return page.render(
        _TEMPLATE,
        headline=headline(tables.gap),
        verdict=tables.gap["verdict"],
        suggestions=suggest(_figures(tables), parameters),
        pictures={picture.name: picture for picture in pictures},
        curation=_curation_tables(tables, parameters),
        results=[
            scores_table(tables.scores, tables.metrics, split, name)
            for split, name in (
                ("validation", "Natural validation set"),
                ("validation_balanced", "Balanced validation set"),
            )
        ],
        comparison=tables.comparison,
        published_table=published(tables.comparison) if tables.comparison else None,
        provenance=[parameters_table(parameters), versions()],
    )


def _figures(tables: Tables) -> Figures:
    """Gather what the suggestions are derived from."""
    positives = action_units.count(tables.labels, tables.dedup, tables.cap)
    never = tables.scores.filter(
        (pl.col("split") == "validation")
        & (pl.col("positives") > 0)
        & pl.col("precision").is_null()
    )
    return Figures(
        gap=tables.gap,
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
    ids = sorted({name for kept, dropped, _ in chosen for name in (kept, dropped)})
    pictures = _read_pictures(tables, ids)
    return [
        near_duplicates.Pair(kept, dropped, bits, pictures[kept], pictures[dropped])
        for kept, dropped, bits in chosen
    ]


def _read_pictures(tables: Tables, ids: list[str]) -> dict[str, Crop]:
    """Read the crops of a few frames, opening only the clips that they lie in."""
    clips = tables.frames.filter(pl.col("id").is_in(ids))["clip"].unique().sort()
    pictures: dict[str, Crop] = {}
    for clip in clips:
        part = pl.scan_parquet(part_path(tables.frames_folder, clip))
        rows = part.filter(pl.col("id").is_in(ids)).select("id", "jpeg").collect().rows()
        pictures |= {name: near_duplicates.decode(jpeg) for name, jpeg in rows}
    return pictures


def _save(figure: Figure, path: Path) -> Picture:
    save(figure, path)
    said = " ".join(figure.get_suptitle().split())
    source = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
    width, height = (round(side) for side in figure.get_size_inches() * figure.dpi)
    return Picture(
        path.stem, source, f"{said}. {_SHOWN[path.stem]}".replace("..", "."), width, height
    )
