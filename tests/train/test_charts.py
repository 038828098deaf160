"""Every chart of `train` draws, for normal and degenerate tables, and shows their numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from curate.viz.style import save
from tests.train.made_gaps import make_gap, make_verdict
from train.report.charts import action_units, flow, gap_anatomy, loss, precision_recall

EPOCHS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0, 2.0, 3.0]
EARLY = make_gap(0.25, memorised=0.02, near_duplicate_moments=0.16, people=-0.01)
FINAL = make_gap(3.0, same_people=0.5, people=0.03)
VERDICT = make_verdict(EARLY, FINAL)


def texts(figure: Figure) -> str:
    """Return all that is written in a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def drawn(figure: Figure, folder: Path) -> str:
    """Draw to a file, because layout fails late, and return what is written."""
    save(figure, folder / "chart.png")
    assert (folder / "chart.png").stat().st_size > 1000
    return texts(figure)


def probes(epochs=EPOCHS, empty=()) -> pl.DataFrame:
    """Make probes of an overfitting run; those named in `empty` hold nothing."""
    seen = [0.5 - 0.1 * epoch for epoch in epochs]
    columns = {
        "seen": seen,
        "unseen": [s + 0.02 if e < 1 else None for s, e in zip(seen, epochs, strict=True)],
        "dropped": [s + 0.01 for s in seen],
        "moments": [0.45 + 0.01 * epoch for epoch in epochs],
        "people": [0.46 + 0.01 * epoch for epoch in epochs],
    }
    columns |= {name: [None] * len(epochs) for name in empty}
    schema = dict.fromkeys(["epoch", *columns], pl.Float64)
    return pl.DataFrame({"epoch": epochs, **columns}, schema)


def history(epochs: int) -> pl.DataFrame:
    return pl.DataFrame({"epoch": [float(e + 1) for e in range(epochs)], "loss": [0.6] * epochs})


@pytest.mark.parametrize(
    ("table", "verdict"),
    [
        (probes(), VERDICT),
        (probes(EPOCHS[:6]), VERDICT),
        (probes(empty=["people"]), make_verdict(EARLY, make_gap(3.0, same_people=0.5))),
        (probes(empty=["moments", "people", "dropped"]), VERDICT),
        (probes([1.0]), make_verdict(make_gap(1.0), make_gap(1.0))),
    ],
    ids=["normal", "one epoch", "nobody to validate on", "training frames only", "one probe"],
)
def test_gap_anatomy_draws(table, verdict, tmp_path):
    written = drawn(gap_anatomy.draw(table, verdict), tmp_path)
    for gap in (verdict.early, verdict.final):
        assert f"{gap.finding.partition(':')[0]}: not enough data to say" in written
    for probe in ("seen", "unseen", "dropped", "moments", "people"):
        assert (gap_anatomy.MEANING[probe] in written) == (table[probe].null_count() < len(table))


def test_gap_anatomy_shows_the_causes_of_gap_json():
    written = texts(gap_anatomy.draw(probes(), VERDICT))
    for value in ("+0.020", "+0.160", "-0.010", "+0.500", "+0.030"):
        assert value in written
    assert "after\n1/4 epoch" in written
    assert "after\n3 epochs" in written


def test_gap_anatomy_prefers_the_parts_to_their_sum():
    parts = make_gap(3.0, memorised=0.1, near_duplicate_moments=0.4, same_people=0.5)
    written = texts(gap_anatomy.draw(probes(), make_verdict(EARLY, parts)))
    assert "+0.400" in written
    assert "+0.500" not in written


def test_gap_anatomy_tells_early_from_final_on_a_line_each():
    figure = gap_anatomy.draw(probes(), VERDICT)
    lines = figure.get_suptitle().splitlines()
    assert lines[0].startswith("After 1/4 of the first epoch:")
    assert any(line.startswith("After 3 epochs:") for line in lines[1:])


def test_gap_anatomy_names_the_interval_of_each_cause_that_has_one():
    low, high = {**EARLY.low, "memorised": -0.011}, {**EARLY.high, "memorised": 0.051}
    early = replace(EARLY, low=low, high=high)
    written = texts(gap_anatomy.draw(probes(), make_verdict(early, FINAL)))
    assert "+0.020\n(-0.011 to 0.051)" in written
    assert "-0.010\n(" not in written


def test_gap_anatomy_shades_the_interval_of_each_probe(tmp_path):
    ends = [
        (pl.col(name) + apart).alias(f"{name}_{end}")
        for name in ("seen", "unseen", "moments", "people")
        for end, apart in (("low", -0.3), ("high", 0.4))
    ]
    missing = [pl.lit(None, pl.Float64).alias(f"dropped_{end}") for end in ("low", "high")]
    table = probes().with_columns(*ends, *missing)
    figure = gap_anatomy.draw(table, VERDICT)
    drawn(figure, tmp_path)
    tops = [shade.get_datalim(figure.axes[0].transData).y1 for shade in figure.axes[0].collections]
    highest = table["unseen_high"].max()
    assert max(tops) == pytest.approx(highest)
    assert figure.axes[0].get_ylim()[1] > highest


@pytest.mark.parametrize(
    ("table", "epochs", "words"),
    [
        (probes(), 3, "lowest after 1/16 epoch"),
        (probes(EPOCHS[:6]), 1, "people - seen"),
        (probes(empty=["people"]), 3, "other moments"),
        (probes(empty=["people", "moments"]), 3, "no held-out frames"),
    ],
    ids=["normal", "one epoch", "nobody to validate on", "nothing held out"],
)
def test_loss_draws(table, epochs, words, tmp_path):
    assert words in drawn(loss.draw(history(epochs), table), tmp_path)


def test_loss_marks_the_gap_of_the_last_probe():
    assert "people - seen: +0.290" in texts(loss.draw(history(3), probes()))  # 0.49 - 0.20


def cap_table(fates: list[tuple[str, str | None, int]]) -> pl.DataFrame:
    """Make decisions from (split, reason, frames)."""
    rows = [(split, reason) for split, reason, frames in fates for _ in range(frames)]
    table = pl.DataFrame(rows, {"split": pl.String, "reason": pl.String}, orient="row")
    return table.with_columns(
        pl.col("reason").is_null().alias("keep"),
        (pl.col("reason").is_null() & (pl.col("split") == "validation")).alias("balanced"),
    )


def test_flow_counts_add_up():
    fates = [
        ("train", None, 30),
        ("train", "stride", 120),
        ("train", "over_cap", 7),
        ("margin", "margin", 3),
        ("validation", None, 20),
        ("moments", None, 5),
    ]
    counted = flow.count_frames(cap_table(fates))
    assert counted.dropped == {"stride": 120, "margin": 3, "over_cap": 7}
    assert counted.kept == {"train": 30, "validation": 20, "moments": 5}
    assert counted.balanced == 20
    assert counted.frames == sum(counted.dropped.values()) + sum(counted.kept.values())


def test_flow_shows_the_counts(tmp_path):
    counted = flow.Flow(
        1200,
        {"stride": 960, "near_duplicate": 40},
        {"train": 150, "validation": 50, "moments": 0},
        45,
    )
    written = drawn(flow.draw(counted), tmp_path)
    for words in (
        "Of 1,200 frames, 200 are used (17%)",
        "960",
        "near-\nduplicate\n40",
        "training 150",
        "validation 50\n(45 of them",
    ):
        assert words in written


@pytest.mark.parametrize(
    "counted",
    [
        flow.Flow(0, {}, {"train": 0, "validation": 0, "moments": 0}, 0),
        flow.Flow(9, {}, {"train": 9, "validation": 0, "moments": 0}, 0),
        flow.Flow(9, {"unreadable": 9}, {"train": 0, "validation": 0, "moments": 0}, 0),
    ],
    ids=["no frame", "nothing dropped", "nothing kept"],
)
def test_flow_draws_the_degenerate(counted, tmp_path):
    drawn(flow.draw(counted), tmp_path)


def test_action_units_counts_positives_by_stage():
    ids = ["a", "b", "c", "d"]
    labels = pl.DataFrame({"id": ids, "AU1": [1, 1, 1, 0], "AU12": [None, None, 0, 1]})
    dedup = pl.DataFrame({"id": ids, "keep": [True, True, False, True]})
    cap = pl.DataFrame(
        {
            "id": ids,
            "keep": [True, True, False, True],
            "split": ["train", "validation", "train", "train"],
        }
    )
    counted = action_units.count_positives(labels, dedup, cap)
    assert counted.rows() == [("AU1", 3, 2, 1), ("AU12", 1, 1, 1)]


@pytest.mark.parametrize("cap", [0, 300], ids=["no cap", "cap 300"])
def test_action_units_shows_numbers_and_cap(cap, tmp_path):
    table = pl.DataFrame(
        {
            "action_unit": ["AU1", "AU2"],
            "labelled": [7762, 0],
            "kept by dedup": [751, 0],
            "training, capped": [299, 0],
        }
    )
    written = drawn(action_units.draw(table, cap), tmp_path)
    assert all(number in written for number in ("7,762", "751", "299", "AU2"))
    assert ("cap 300" in written) == bool(cap)


def test_action_units_without_any(tmp_path):
    none = pl.DataFrame({"id": ["a"]})
    decisions = pl.DataFrame({"id": ["a"], "keep": [True], "split": ["train"]})
    counted = action_units.count_positives(none, decisions, decisions)
    assert "No action unit" in drawn(action_units.draw(counted, 300), tmp_path)


def scored(values: list[float | None]) -> pl.DataFrame:
    rows = [
        (split, f"AU{i + 1}", 0 if value is None else 10 + i, value, value)
        for split in ("validation", "validation_balanced")
        for i, value in enumerate(values)
    ]
    schema = {
        "split": pl.String,
        "action_unit": pl.String,
        "positives": pl.Int64,
        "precision": pl.Float64,
        "recall": pl.Float64,
    }
    return pl.DataFrame(rows, schema, orient="row")


def test_precision_recall_shows_positives_and_means(tmp_path):
    metrics = {
        "validation": {
            "micro": {"precision": 0.72, "recall": 0.68},
            "macro": {"precision": 0.6, "recall": 0.5},
        }
    }
    written = drawn(precision_recall.draw(scored([0.7, None]), metrics), tmp_path)
    assert "precision 0.72, recall 0.68" in written
    assert "AU1   10 / 10" in written
    assert "AU2   0 / 0" in written
    assert written.count("no positive") == 4


def test_precision_of_what_is_never_predicted():
    table = scored([0.7, 0.0]).with_columns(
        precision=pl.when(pl.col("action_unit") == "AU1").then("precision")
    )
    written = texts(precision_recall.draw(table, {}))
    assert written.count("never predicted") == 2
    assert "no positive" not in written


@pytest.mark.parametrize("table", [scored([None]), scored([])], ids=["no positive", "no rows"])
def test_precision_recall_of_nothing(table, tmp_path):
    assert "Nothing to score" in drawn(precision_recall.draw(table, {}), tmp_path)
