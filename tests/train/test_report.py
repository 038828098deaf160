"""The report's page: complete, self-contained, and of the same bytes when made twice."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from curate.base.errors import UserError
from curate.base.files import write_json
from curate.base.params import Parameters
from curate.cap.rule import apply
from curate.dedup import rule as dedup
from curate.split import rule as split
from curate.tables import CAP, DEDUP, FRAMES, SPLIT, frame_id, part_path, write_table
from tests.train.made_gaps import make_gap, make_probes, make_verdict
from train.evaluate.predictions import Predictions, as_table
from train.evaluate.published import PUBLISHED, compare_f1
from train.evaluate.result import EVALUATED, Evaluation, score_split, write_evaluation
from train.report.stage import ReportInputs, draw_charts, read_tables, run
from train.report.words import describe_network, headline, no_skill_loss

CHARTS = {
    "gap_anatomy",
    "gap_anatomy_narrow",
    "loss",
    "where_frames_went",
    "action_units",
    "lag",
    "precision_recall",
    "augmented",
    "precision_recall_curves",
    "confusion",
    "calibration",
    "near_duplicates",
}
PARAMETERS = Parameters(stride=2, margin=2, cap=20, distance=3)
EARLY = make_gap(
    0.25, "near_duplicate_moments", gap=0.17, memorised=0.02, near_duplicate_moments=0.16,
    people=-0.01, dropped=0.01, worth=0.04, low={"gap": 0.1}, high={"gap": 0.2},
    shares={"memorised": 0.11, "near_duplicate_moments": 0.89, "people": 0.0},
)  # fmt: skip
VERDICT = make_verdict(
    EARLY,
    make_gap(
        2.0, "same_people", gap=0.53, same_people=0.5, people=0.03, worth=0.02,
        low={"gap": 0.4}, high={"gap": 0.6}, shares={"same_people": 0.94, "people": 0.06},
    ),
)  # fmt: skip


class Page(HTMLParser):
    """What a test asks of a page: its pictures, its headings, and what it would fetch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.images.append(dict(attrs))
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, data):
        self.text += data


def make_frames(folder: Path, subjects: int, *, timed: bool) -> pl.DataFrame:
    """Write clips of 60 frames, one a subject, each hash held for four frames."""
    generator = np.random.default_rng(0)
    jpeg = cv2.imencode(".jpg", generator.integers(0, 255, (32, 32, 3), np.uint8))[1].tobytes()
    parts = []
    for subject in range(subjects):
        clip = f"clip{subject}"
        hashes = np.repeat(generator.integers(0, 2**63, 15, np.uint64), 4)
        rows = [
            (
                frame_id(clip, i),
                f"S{subject}",
                clip,
                i,
                i / 20 if timed else None,
                jpeg,
                int(hashes[i]),
                1.0,
                90.0,
                None,
            )
            for i in range(60)
        ]
        schema = pl.Schema(FRAMES)
        parts.append(pl.DataFrame(rows, schema, orient="row"))
        write_table(parts[-1], part_path(folder, clip), FRAMES)
    return pl.concat(parts)


def make_labels(frames: pl.DataFrame) -> pl.DataFrame:
    """Label AU1 in half of the frames, AU2 in none; AU4 is not known anywhere."""
    return frames.select(
        "id",
        "subject",
        "clip",
        "index",
        (pl.col("index") % 16 < 8).cast(pl.Int8).alias("AU1"),
        pl.lit(0, pl.Int8).alias("AU2"),
        pl.lit(None, pl.Int8).alias("AU4"),
    )


def make_curation(folder: Path, subjects: int, *, timed: bool) -> None:
    """Write frames, labels and decisions with the pipeline's own stages."""
    frames = make_frames(folder / "frames", subjects, timed=timed)
    labels = make_labels(frames)
    labels.write_parquet(folder / "labels.parquet")
    kept = dedup.decide(
        frames,
        dedup.label_sets(frames, labels),
        stride=PARAMETERS.stride,
        distance=PARAMETERS.distance,
    )
    placed = split.decide(
        kept,
        labels,
        validation_fraction=0.2,
        moments_fraction=0.15,
        margin=PARAMETERS.margin,
        seed=0,
    )
    write_table(kept, folder / "dedup.parquet", DEDUP)
    write_table(placed, folder / "split.parquet", SPLIT)
    write_table(apply(placed, labels, PARAMETERS.cap).table, folder / "cap.parquet", CAP)


def make_fit(folder: Path, *, people: bool) -> None:
    folder.mkdir()
    epochs = [0.25, 0.5, 1.0, 2.0]
    probes = make_probes(epochs, [0.40, 0.41, 0.42, 0.45] if people else [None] * 4)
    probes.write_csv(folder / "probes.csv")
    pl.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.4], "learning_rate": [3e-4] * 2}).write_csv(
        folder / "history.csv"
    )
    write_json(VERDICT.as_dict(), folder / "gap.json")


def make_evaluation(folder: Path, *, people: bool) -> None:
    """Write what evaluation would, of 20 frames of five subjects; nobody validates without people.

    AU1 is never predicted wrong, AU2 has no positive.
    """
    rng = np.random.default_rng(0)
    frames = 20 if people else 0
    labels = np.column_stack([np.arange(frames) % 2, np.zeros(frames)]).astype(np.int8)
    chances = (0.5 * labels + 0.5 * rng.random(labels.shape)).astype(np.float32)
    subjects = [f"S{i % 5}" for i in range(frames)]
    ids = [frame_id(f"clip{i % 4}", i) for i in range(frames)]
    predictions = Predictions(["AU1", "AU2"], labels, chances, subjects)
    chosen = np.array([0.625, 0.5])
    scores = [score_split(name, predictions, 0.5, chosen, seed=0) for name in EVALUATED]
    table = pl.concat(as_table(predictions, ids, name) for name in EVALUATED)
    write_evaluation(Evaluation(table, scores, gaps={"gap": {}}), folder)


def make_inputs(folder: Path, subjects: int, *, timed: bool) -> ReportInputs:
    make_curation(folder, subjects, timed=timed)
    make_fit(folder / "fit", people=subjects > 1)
    make_evaluation(folder / "evaluation", people=subjects > 1)
    tables = {name: folder / f"{name}.parquet" for name in ("labels", "dedup", "split", "cap")}
    return ReportInputs(
        frames=folder / "frames", fit=folder / "fit", evaluation=folder / "evaluation", **tables,
        project=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make_inputs(tmp_path_factory.mktemp("inputs"), 4, timed=True)


@pytest.fixture(scope="module")
def report(inputs, tmp_path_factory):
    output = tmp_path_factory.mktemp("output") / "report"
    run(inputs, output, PARAMETERS)
    return output


def test_every_picture_is_there_and_embedded_with_alternative_text(report):
    page = Page(report / "index.html")
    assert {path.stem for path in report.iterdir() if path.suffix in (".png", ".jpg")} == CHARTS
    assert len(page.images) > len(CHARTS)  # samples and mistakes as well
    for image in page.images:
        assert re.match(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]{200}", image["src"] or "")
        assert len((image["alt"] or "").strip()) > 20
        assert int(image["width"] or 0) > 0


def test_the_page_is_small(report):
    assert (report / "index.html").stat().st_size < 5_000_000


def test_the_page_fetches_nothing(report):
    page = Page(report / "index.html")
    assert all(link.startswith(("data:", "#")) for link in page.links)
    markup = (report / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|@import|url\(|https?://", markup)
    assert not re.search(r"""["'(]//""", markup)


def test_the_page_answers_first(report):
    text = " ".join(Page(report / "index.html").text.split())
    places = [
        text.index(words) for words in (headline(VERDICT.cause), "Loss after", "What to change")
    ]
    assert sorted(places) == places
    assert (
        text.index("What to change") < text.index(VERDICT.sentence) < text.index("Every frame of")
    )
    assert "240 frames of 4 people in 4 clips" in text
    assert text.index("dvc exp run report -S stride=5") < text.index("Every frame of the footage")


def test_the_page_shows_the_tables_numbers(report, inputs):
    text = Page(report / "index.html").text
    decisions = pl.read_parquet(inputs.cap)
    for reason, count in decisions.drop_nulls("reason").group_by("reason").len().rows():
        assert reason in text
        assert f"{count:,}" in text
    for row in pl.read_csv(inputs.evaluation / "per_action_unit.csv").to_dicts():
        for name in ("recall", "f1", "average_precision", "chosen_threshold", "calibration_error"):
            assert row[name] is None or f"{row[name]:.3f}" in text
    assert "20 frames of 5 subjects" in text
    assert "–" in text  # AU2 has no positive


def test_published_figures_are_shown_where_evaluation_wrote_them(report, inputs, tmp_path):
    assert "figures published for" not in Page(report / "index.html").text
    folder = tmp_path / "evaluation"
    shutil.copytree(inputs.evaluation, folder)
    comparison = compare_f1(
        {"ours": dict.fromkeys(PUBLISHED["disfa"].action_units, 0.5)}, set(), asked=True
    )
    assert comparison is not None
    (folder / "published.json").write_text(json.dumps(comparison.as_dict()))
    run(replace(inputs, evaluation=folder), tmp_path / "report", PARAMETERS)
    text = Page(tmp_path / "report" / "index.html").text
    assert comparison.title in text
    assert comparison.caution in text
    assert "0.729" in text  # ME-GraphAU on AU4


def test_what_evaluation_noted_stands_below_its_figures(report, inputs, tmp_path):
    folder = tmp_path / "evaluation"
    shutil.copytree(inputs.evaluation, folder)
    note = "AU2: no training frame has it present; the network can only learn its <absence>"
    (folder / "notes.json").write_text(json.dumps({"notes": [note]}))
    run(replace(inputs, evaluation=folder), tmp_path / "report", PARAMETERS)
    text = Page(tmp_path / "report" / "index.html").text
    assert text.index("macro mean") < text.index(note) < text.index("are explained below")
    assert "Noted" not in Page(report / "index.html").text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("predictions.parquet", None, "no such table; make it with 'train evaluate'"),
        ("predictions.parquet", b"PAR1 cut", "not a readable Parquet table"),
        ("calibration.csv", b"a,b\n1,2\n", "not the table that 'train evaluate' writes"),
        ("per_action_unit.csv", b"split\nvalidation\n", "not the table that 'train evaluate'"),
        ("metrics.json", b"{", "not JSON"),
        ("notes.json", None, "no such file; make it with 'train evaluate'"),
        ("notes.json", b"[]", "not a JSON object"),
        ("published.json", b"{", "not JSON"),
        ("published.json", b'{"rows": []}', "lacks what 'train evaluate' writes"),
    ],
)
def test_a_damaged_evaluation_ends_in_a_sentence(inputs, tmp_path, name, content, message):
    folder = tmp_path / "evaluation"
    shutil.copytree(inputs.evaluation, folder)
    (folder / name).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        run(replace(inputs, evaluation=folder), tmp_path / "report", PARAMETERS)
    assert not (tmp_path / "report").exists()


def test_the_page_lists_parameters_and_versions(report):
    text = Page(report / "index.html").text
    for key in Parameters.model_fields:
        assert key in text
    assert "tensorflow-datasets" in text
    assert "faiss-cpu" in text


def test_written_again_it_replaces_the_old_one_whole_with_the_same_bytes(report, inputs, tmp_path):
    output = tmp_path / "report"
    output.mkdir()
    for name in ("loss.png", "index.html"):
        (output / name).touch()
    summary = run(inputs, output, PARAMETERS)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert {path.name for path in output.iterdir()} == {path.name for path in report.iterdir()}
    assert [Path(file) for file in summary.data["files"]][-1] == output / "index.html"
    for path in map(Path, summary.data["files"]):
        assert path.read_bytes() == (report / path.name).read_bytes(), path.name


def test_a_page_of_someone_elses_is_never_replaced(inputs, tmp_path):
    for name in ("notes.txt", "index.html"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=r"holds notes\.txt, which would be lost"):
        run(inputs, tmp_path, PARAMETERS)
    assert (tmp_path / "index.html").read_text() == "mine"


def test_one_subject_of_pictures_without_time(tmp_path):
    inputs = make_inputs(tmp_path, 1, timed=False)
    run(inputs, tmp_path / "report", PARAMETERS)
    text = Page(tmp_path / "report" / "index.html").text
    assert "Add footage of more people" in text


@pytest.mark.parametrize("name", ["dedup", "split", "cap", "labels"])
def test_a_missing_table_ends_in_a_sentence(inputs, tmp_path, name):
    lacking = replace(inputs, **{name: tmp_path / f"{name}.parquet"})
    with pytest.raises(UserError, match=rf"{name}\.parquet: no such table; make it with"):
        run(lacking, tmp_path / "report", PARAMETERS)
    assert not (tmp_path / "report").exists()


def test_decisions_on_other_frames_end_in_a_sentence(inputs, tmp_path):
    shutil.copy(part_path(inputs.frames, "clip1"), tmp_path / "clip1.parquet")
    with pytest.raises(UserError, match="lacks the frame clip0/000000"):
        run(replace(inputs, frames=tmp_path), tmp_path / "report", PARAMETERS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; make it with 'train fit'"),
        ("{", "not JSON"),
        ("{}", "lacks 'early'"),
    ],
    ids=["missing", "damaged", "of another kind"],
)
def test_a_bad_gap_ends_in_a_sentence(inputs, tmp_path, content, message):
    fit = tmp_path / "fit"
    fit.mkdir()
    for name in ("probes.csv", "history.csv"):
        (fit / name).write_bytes((inputs.fit / name).read_bytes())
    if content is not None:
        (fit / "gap.json").write_text(content)
    with pytest.raises(UserError, match=message):
        run(replace(inputs, fit=fit), tmp_path / "report", PARAMETERS)


def test_predictions_of_other_frames_end_in_a_sentence(inputs, tmp_path):
    folder = tmp_path / "evaluation"
    shutil.copytree(inputs.evaluation, folder)
    table = pl.read_parquet(folder / "predictions.parquet")
    other = table.with_columns(pl.lit("gone/000001").alias("id"))
    other.write_parquet(folder / "predictions.parquet")
    with pytest.raises(UserError, match="lacks the frame gone/000001; make the predictions again"):
        run(replace(inputs, evaluation=folder), tmp_path / "report", PARAMETERS)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_learning_rate_is_described_and_drawn_where_it_changes(inputs, schedule):
    parameters = PARAMETERS.model_copy(update={"schedule": schedule, "epochs": 2})
    figure = draw_charts(read_tables(inputs), parameters)["loss"]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert ("Learning rate of Adam" in titles) == (schedule == "cosine")
    words = describe_network(read_tables(inputs), parameters)
    assert (f"constant learning rate {parameters.lr:g}" in words) == (schedule == "constant")
    assert "10 steps an epoch" in words


def test_a_link_on_the_page_leads_somewhere(report):
    markup = (report / "index.html").read_text(encoding="utf-8")
    places = set(re.findall(r'id="([^"]+)"', markup))
    links = set(re.findall(r'href="#([^"]+)"', markup))
    assert len(links) > 12
    assert links <= places


def test_the_loss_of_not_looking_is_the_entropy_of_training_s_rates(inputs):
    """AU1 is labelled in half of the frames, in every part; AU2 and AU4 in none are left out."""
    tables = read_tables(inputs)
    kept = tables.cap.filter(pl.col("keep") & (pl.col("split") == "train"))
    rate = tables.labels.join(kept.select("id"), on="id", how="semi")["AU1"].mean()
    expected = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    assert no_skill_loss(tables.labels, tables.cap) == pytest.approx(expected)


def test_probes_without_a_column_end_in_a_sentence(inputs, tmp_path):
    (tmp_path / "probes.csv").write_text("epoch,seen\n1,0.5\n")
    with pytest.raises(UserError, match="not the table that 'train fit' writes"):
        run(replace(inputs, fit=tmp_path), tmp_path / "report", PARAMETERS)
