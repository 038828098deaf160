"""Pictures of evaluation: they draw, and show the numbers that scikit-learn would."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve

from curate.viz.style import save
from train.evaluate.calibration import RELIABILITY, reliability_rows
from train.evaluate.predictions import Predictions, as_table, of_split
from train.evaluate.scorecard import COLUMNS, scorecard
from train.report.charts import calibration, confusion, precision_recall, precision_recall_curves

NAMES = [f"AU{n}" for n in (1, 2, 4, 12, 25)]
SPLITS = ("validation", "validation_balanced")


def made(frames: int, present: float = 0.3) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Make predictions, scores and reliability as evaluation writes them."""
    rng = np.random.default_rng(0)
    tables, scores, bins = [], [], []
    for split in SPLITS:
        labels = (rng.random((frames, len(NAMES))) < present).astype(np.int8)
        chances = (0.4 * labels + 0.6 * rng.random(labels.shape)).astype(np.float32)
        labels[rng.random(labels.shape) < 0.1] = -1
        subjects = [f"S{i % 6}" for i in range(frames)]
        predictions = Predictions(NAMES, labels, chances, subjects)
        tables.append(as_table(predictions, [f"{i}" for i in range(frames)], split))
        units, _ = scorecard(predictions, 0.5, np.full(len(NAMES), 0.35), 0)
        scores += [{"split": split, **row} for row in units]
        bins += [{"split": split, **row} for row in reliability_rows(labels, chances, NAMES)]

    return pl.concat(tables), pl.DataFrame(scores, COLUMNS), pl.DataFrame(bins, RELIABILITY)


@pytest.fixture(scope="module")
def tables():
    return made(200)


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def drawn(figure: Figure, folder) -> str:
    """Draw to a file, because layout fails late, and return what is written."""
    save(figure, folder / "chart.png")
    return texts(figure)


@pytest.mark.filterwarnings("error")
def test_the_curves_are_scikit_learns(tables, tmp_path):
    predictions, scores, _ = tables
    figure = precision_recall_curves.draw(predictions, scores)
    written = drawn(figure, tmp_path)
    natural = of_split(predictions, "validation")
    for unit, axes in enumerate(figure.axes[: len(NAMES)]):
        known = natural.labels[:, unit] >= 0
        truth, chances = natural.labels[known, unit], natural.probabilities[known, unit]
        precision, recall, _ = precision_recall_curve(truth, chances)
        line = axes.get_lines()[0]
        np.testing.assert_allclose(line.get_xdata()[1:], recall[:-1][::-1])
        np.testing.assert_allclose(line.get_ydata()[1:], precision[:-1][::-1])
        assert f"{NAMES[unit]}   {average_precision_score(truth, chances):.2f} /" in written
    assert "fixed threshold" in written
    assert "chosen threshold" in written


@pytest.mark.filterwarnings("error")
def test_the_squares_are_scikit_learns(tables, tmp_path):
    predictions, scores, _ = tables
    written = drawn(confusion.draw(predictions, scores, 0.5), tmp_path)
    natural = of_split(predictions, "validation")
    for unit, name in enumerate(NAMES):
        known = natural.labels[:, unit] >= 0
        predicted = natural.probabilities[known, unit] >= 0.5
        expected = confusion_matrix(natural.labels[known, unit], predicted, labels=[1, 0])
        np.testing.assert_array_equal(confusion.count_confusion(natural, name, 0.5), expected)
        assert f"{name}   at 0.5" in written
        for count, share in zip(
            expected.ravel(), (expected / expected.sum(1, keepdims=True)).ravel(), strict=True
        ):
            assert f"{count:,}\n{share:.0%}" in written
    assert written.count("chosen, 0.35") == len(NAMES)


@pytest.mark.filterwarnings("error")
def test_calibration_draws_every_bin_and_says_which_way(tables, tmp_path):
    _, scores, reliability = tables
    figure = calibration.draw(reliability, scores)
    written = drawn(figure, tmp_path)
    assert "too high" in written or "too low" in written
    for name, axes in zip(NAMES, figure.axes, strict=False):
        bins = reliability.filter(split="validation", action_unit=name)
        np.testing.assert_allclose(
            axes.get_lines()[1].get_xydata(), bins.select("probability", "present").to_numpy()
        )
        error = scores.filter(split="validation", action_unit=name)["calibration_error"][0]
        assert f"{name}   off by {error:.2f}" in written


@pytest.mark.filterwarnings("error")
def test_without_positives_there_is_a_sentence_or_only_absent_frames(tmp_path):
    predictions, scores, reliability = made(50, present=0)
    assert "No curve" in drawn(precision_recall_curves.draw(predictions, scores), tmp_path)
    assert "0 missed" in drawn(confusion.draw(predictions, scores, 0.5), tmp_path)
    assert "off by" in drawn(calibration.draw(reliability, scores), tmp_path)


@pytest.mark.filterwarnings("error")
def test_without_frames_there_is_a_sentence(tmp_path):
    predictions, scores, reliability = made(0)
    assert "No curve" in drawn(precision_recall_curves.draw(predictions, scores), tmp_path)
    assert "Nothing to confuse" in drawn(confusion.draw(predictions, scores, 0.5), tmp_path)
    assert "No calibration" in drawn(calibration.draw(reliability, scores), tmp_path)


def test_precision_and_recall_draw_their_intervals(tables, tmp_path):
    scores = tables[1]
    figure = precision_recall.draw(scores, {})
    drawn(figure, tmp_path)
    for axes, score in zip(figure.axes, ("precision", "recall"), strict=True):
        bars = np.concatenate(
            [np.asarray(bars.get_segments())[:, :, 0] for bars in axes.collections]
        )
        expected = scores.select(f"{score}_low", f"{score}_high").to_numpy()
        np.testing.assert_allclose(bars, expected)
