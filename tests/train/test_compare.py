"""What a comparison concludes, names and draws, of experiments made up by hand."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from curate.viz.html import Picture
from tests.train.made_gaps import make_gap
from train.compare import chart_causes, chart_losses, chart_scores
from train.compare.best import GAP, MACRO_F1, Measured, find_best
from train.compare.label_layout import Box, around, place_labels
from train.compare.stage import draw_charts, judge, render_page
from train.compare.words import cautions, explanation, headline
from train.experiments.names import differing, labels
from train.experiments.read import Experiment
from train.experiments.results import Results
from train.gap.losses import COLUMNS

PARAMETERS = {"lr": 0.001, "dropout": 0.5, "units": [100]}
SPREAD = 0.02
F1 = MACRO_F1.title


def _experiment(name, f1=0.5, gap=0.2, parameters=None, baseline=False, frames=40):
    parts = {"memorised": 0.1 * gap, "near_duplicate_moments": 0.6 * gap, "people": 0.3 * gap}
    entry = make_gap(
        1.0, "near_duplicate_moments", gap=gap, **parts, same_people=0.7 * gap,
        low={"gap": gap - SPREAD}, high={"gap": gap + SPREAD}, shares={"people": 0.3},
    )  # fmt: skip
    scores = {"macro": {"f1": f1, "f1_low": f1 - SPREAD, "f1_high": f1 + SPREAD}}
    scores |= {"micro": {"f1": f1}, "frames": frames, "subjects": 4}
    rows = [dict.fromkeys(COLUMNS, epoch) for epoch in (0.5, 1.0)]
    results = Results(PARAMETERS | (parameters or {}), entry, pl.DataFrame(rows), scores, 1200)
    return Experiment(name, "0" * 40, "finished", baseline, results)


def _failed(name="broken"):
    results = Results(PARAMETERS | {"lr": 5.0}, problems=["failed: no <number>"])
    return Experiment(name, "1" * 40, "failed", False, results)


def _figures(*values, spread=0.01):
    return [
        Measured(f"e{n}", value, value - spread, value + spread) for n, value in enumerate(values)
    ]


def test_only_parameters_that_differ_are_named():
    two = [_experiment("a"), _experiment("b", parameters={"lr": 0.1, "new": True})]
    assert differing(two) == ["lr", "new"]
    unread = Experiment("c", None, "failed", False, Results())
    assert differing([two[0], unread]) == []


def test_labels_are_names_and_what_these_do_not_tell():
    experiments = [
        _experiment("main", baseline=True),
        _experiment("gentle", parameters={"lr": 0.00002}),
        _experiment("dropout-0_units-8", parameters={"dropout": 0, "units": [8]}),
        _experiment("all", parameters={"dropout": 0, "units": [8], "lr": 0.1, "seed": 1}),
        _experiment("same"),
    ]
    assert labels(experiments) == [
        "main (baseline)", "gentle (lr=0.00002)", "dropout-0_units-8 (units=[8])", "all", "same"
    ]  # fmt: skip
    assert labels(experiments[1:3]) == [
        "gentle (lr=0.00002 dropout=0.5 units=[100])",
        "dropout-0_units-8 (lr=0.001 units=[8])",
    ]


@pytest.mark.parametrize(
    ("f1", "gap", "sentence"),
    [
        ((0.5, 0.4), (0.2, 0.3),
         "e0 has both the best macro F1 (0.500) and the smallest gap (+0.200 nats); both are "
         "clear of all others by the 95 % intervals"),
        ((0.5, 0.4), (0.3, 0.2),
         "e0 has the best macro F1 (0.500), e1 has the smallest gap (+0.200 nats); both are "
         "clear of all others by the 95 % intervals"),
        ((0.5, 0.49), (0.3, 0.29),
         "e0 has the best macro F1 (0.500), e1 has the smallest gap (+0.290 nats); neither is "
         "clear of all others by the 95 % intervals: not enough data to say which is best"),
        ((0.5, 0.49), (0.2, 0.3),
         "e0 has both the best macro F1 (0.500) and the smallest gap (+0.200 nats); in gap it is "
         "clear of all others by the 95 % intervals, in F1 not: not enough data to say which is "
         "best there"),
        ((0.5, 0.5), (0.2, 0.3),
         "e0 and e1 have the best macro F1 (0.500), e0 has the smallest gap (+0.200 nats); in "
         "gap it is clear of all others by the 95 % intervals, in F1 not: not enough data to say "
         "which is best there"),
        ((), (0.2, 0.3),
         "e0 has the smallest gap (+0.200 nats); it is clear of all others by the 95 % intervals"),
        ((0.5,), (0.2, 0.3),
         "e0 has the smallest gap (+0.200 nats); it is clear of all others by the 95 % intervals; "
         "only e0 has a macro F1"),
        ((0.5,), (0.2,), "Only e0 can be compared: there is nothing to set beside it"),
        ((), (), "There is nothing to compare: no experiment has a macro F1 or a gap"),
    ],
    ids=["one-leads", "two-lead", "chance", "gap-only", "tie", "no-f1", "one-f1", "one", "none"],
)  # fmt: skip
def test_the_verdict_names_the_best_and_how_sure_that_is(f1, gap, sentence):
    leads = find_best(MACRO_F1, _figures(*f1)), find_best(GAP, _figures(*gap))
    assert headline(*leads) == sentence


def test_without_intervals_nothing_is_sure():
    lead = find_best(MACRO_F1, [Measured("a", 0.9, None, None), *_figures(0.1), None])
    assert not lead.sure
    assert explanation(lead) == f"{F1}: a 0.900; no interval is known of a."


def test_the_explanation_names_whom_the_leader_is_clear_of():
    lead = find_best(MACRO_F1, _figures(0.5, 0.49, 0.3))
    assert explanation(lead) == (
        f"{F1}: e0 0.500 (0.490 to 0.510); clear of e2; its interval overlaps that of e1."
    )
    many = find_best(MACRO_F1, _figures(0.9, *(0.1 + 0.01 * n for n in range(8))))
    assert explanation(many).endswith("clear of all 8 others.")


def test_other_validation_frames_are_a_caution():
    assert cautions([_experiment("a"), _experiment("b", parameters={"lr": 1.0})]) == []
    (caution,) = cautions([_experiment("a"), _experiment("b", parameters={"stride": 1})])
    assert "different validation frames (stride differs)" in caution
    (caution,) = cautions([_experiment("a"), _experiment("b", frames=50)])
    assert "different validation frames (they differ in size)" in caution


def test_the_table_has_what_differs_and_leaves_blank_what_is_missing():
    compared = judge([_experiment("a"), _experiment("b", f1=0.4, gap=0.3), _failed()])
    summary = compared.summary()
    rows = summary.rows
    assert summary.columns == [
        "", "state", "gap", "gap, 95 %", "people", "macro F1", "macro F1, 95 %", "micro F1",
        "training\nframes", "lr",
    ]  # fmt: skip
    assert rows[0] == (
        "1 a (lr=0.001)", None, 0.2, "0.180 to 0.220", "30%", 0.5, "0.480 to 0.520", 0.5, 1200,
        "0.001",
    )  # fmt: skip
    assert rows[2] == ("3 broken (lr=5.0)", "failed", *(None,) * 7, "5.0")
    assert summary.notes == ["broken (lr=5.0): failed: no <number>"]


def test_the_page_begins_with_the_verdict_describes_pictures_and_fetches_nothing():
    compared = judge([_experiment("a <b>"), _experiment("c", f1=0.4, gap=0.3), _failed()])
    names = ("scores", "causes", "losses")
    pictures = {name: Picture("data:image/png;base64,", f"shows {name}", 1, 1) for name in names}
    page = render_page(compared, pictures)
    body = re.sub(r"<[^>]+>", " ", page.partition("<main>")[2])
    assert " ".join(body.split()).startswith("a &lt;b&gt; (lr=0.001) has both the best macro")
    assert re.findall(r'<img [^>]*alt="([^"]+)"', page) == [f"shows {name}" for name in names]
    assert "failed: no &lt;number&gt;" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


def test_every_chart_is_drawn_of_one_of_many_and_of_none():
    many = [_experiment(f"e{n}", f1=0.3 + 0.01 * n, gap=0.1 + 0.02 * (n % 7)) for n in range(25)]
    for experiments in ([_experiment("a")], [*many, _failed()], [_failed()]):
        charts = draw_charts(judge(experiments))
        assert list(charts) == ["scores", "causes", "losses"]
        assert all(figure.get_suptitle() for figure in charts.values())


def test_dots_are_named_without_overlap_and_the_better_corner_is_named():
    many = [
        _experiment(f"some-experiment-{n}", f1=0.5 + 0.002 * (n % 4), gap=0.2 + 0.001 * n)
        for n in range(12)
    ]
    figure = draw_charts(judge(many))["scores"]
    figure.draw_without_rendering()
    (axes,) = figure.axes
    texts = [text for text in axes.texts if text.get_text() and text.get_visible()]
    words = [" ".join(text.get_text().split()) for text in texts]
    assert "better: higher F1, smaller gap" in words
    names = {name.replace("- ", "-") for name in words}
    assert {experiment.name for experiment in many} <= names
    boxes = [text.get_window_extent() for text in texts]
    pairs = [(a, b) for n, a in enumerate(boxes) for b in boxes[:n]]
    # An annotation's extent takes its arrow in; the corner's is the only one that has one.
    assert not any(a.overlaps(b) for a, b in pairs)


@pytest.mark.parametrize("seed", range(5))
def test_no_name_covers_a_name_or_a_dot(seed):
    rng = np.random.default_rng(seed)
    dots = [(float(x), float(y)) for x, y in rng.normal(300, 40, (20, 2))]
    sizes = [(float(width), 12.0) for width in rng.uniform(20, 120, 20)]
    inside, taken = Box(0, 0, 600, 600), [Box(200, 200, 260, 260)]
    placed = place_labels(dots, sizes, [], inside, taken)
    assert None not in placed
    full = [*taken, *(around(x, y, 10, 10) for x, y in dots), *placed]
    for number, box in enumerate(placed):
        assert box.within(inside)
        others = full[: 1 + len(dots) + number]
        assert not any(box.overlaps(other) for other in others)


def test_a_name_that_fits_nowhere_has_no_place():
    assert place_labels([(5.0, 5.0)], [(100.0, 10.0)], [], Box(0, 0, 50, 50)) == [None]


def test_bars_are_the_parts_of_the_gap_and_one_without_says_why():
    gap = _experiment("a").results.gap
    figure = chart_causes.draw([chart_causes.Bar("a", gap), chart_causes.Bar("b", None, "failed")])
    (axes,) = figure.axes
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == pytest.approx([0.02, 0.12, 0.06])
    assert "  failed" in [text.get_text() for text in axes.texts]
    assert figure.get_suptitle().endswith("near-duplicate moments in 1 of 1")


def test_panels_share_their_axes():
    rows = [dict.fromkeys(COLUMNS, 0.1 * n) | {"epoch": n} for n in (0.5, 2.0)]
    tall = [dict.fromkeys(COLUMNS, 3.0) | {"epoch": n} for n in (0.5, 9.0)]
    curves = [chart_losses.Curves(name, pl.DataFrame(t)) for name, t in (("a", rows), ("b", tall))]
    figure = chart_losses.draw(curves)
    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    assert first.get_xlim() == second.get_xlim()
    assert [len(axes.lines) for axes in figure.axes] == [3, 3]
    assert (
        figure.get_suptitle()
        == "Losses end at 0.200 to 3.000 on frames seen, 0.200 to 3.000 on new people"
    )


def test_a_dot_without_intervals_is_drawn():
    point = chart_scores.Point(1, Measured("a", 0.5, None, None), Measured("a", 0.1, None, None))
    (axes,) = chart_scores.draw([point], "title").axes
    assert axes.get_xlim()[0] < 0.5 < axes.get_xlim()[1]


def test_neither_tensorflow_nor_dvc_is_imported_before_it_is_needed():
    code = (
        "import sys, train.cli.app, train.compare; print({'tensorflow', 'dvc'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
