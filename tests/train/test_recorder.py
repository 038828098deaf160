"""The recorder: what it writes, and that one restored ends as one that was never interrupted."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from train.fit.recorder import LiveLog, Recorder
from train.gap.intervals import Estimate
from train.gap.probes import Probes, Scores

DRAWS = np.linspace(-0.02, 0.02, 50)


def score(step: int) -> Scores:
    """Make up losses that follow from the step: seen falls, the others stay."""
    values = {
        "seen": 0.5 - 0.02 * step, "unseen": 0.52, "dropped": 0.53, "moments": 0.6, "people": 0.62
    }  # fmt: skip
    losses: dict[str, Estimate | None] = {
        name: Estimate(value, value + DRAWS) for name, value in values.items()
    }
    if step >= 4:
        losses["unseen"] = None
    plain = {name: None if loss is None else loss.value for name, loss in losses.items()}
    return Scores(losses, plain, dict.fromkeys(values, 40) | {"unseen": 40 if step < 4 else 0})


PROBES = cast(Probes, SimpleNamespace(points={1: 0.25, 4: 1.0, 8: 2.0}, score=score))


def steps(recorder: Recorder, first: int, last: int) -> None:
    """Go through steps, four an epoch."""
    recorder.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1)))
    for step in range(first, last + 1):
        recorder.on_train_batch_end((step - 1) % 4, {"loss": 1 / step})
        if step % 4 == 0:
            recorder.on_epoch_end(step // 4 - 1, {"loss": 1 / step})


def recorded(folder, stop: int | None = None) -> Recorder:
    """Record eight steps; after `stop` steps with a new recorder and log, as after a kill."""
    if stop:
        with LiveLog(folder / "killed") as live:
            first = Recorder(PROBES, 10, live, lambda _: None)
            steps(first, 1, stop)
            state = json.loads(json.dumps(first.state()))
    with LiveLog(folder / "live") as live:
        recorder = Recorder(PROBES, 10, live, lambda _: None)
        if stop:
            recorder.restore(state)
        steps(recorder, (stop or 0) + 1, 8)
    return recorder


@pytest.mark.parametrize("stop", [1, 3, 4, 7])
def test_restored_it_ends_as_if_nothing_had_happened(stop, tmp_path):
    whole, resumed = recorded(tmp_path / "a"), recorded(tmp_path / "b", stop)
    assert whole.state() == resumed.state()
    for folder, recorder in (("a", whole), ("b", resumed)):
        recorder.write(tmp_path / folder, 2)
    names = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert len(names) >= 17
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_dvclive_holds_a_row_a_score_and_an_epoch_without_the_time_of_day(tmp_path):
    recorded(tmp_path)
    folder = tmp_path / "live" / "plots" / "metrics"
    people = pl.read_csv(folder / "probe" / "people.tsv", separator="\t")
    assert people.rows() == [(1, 0.62), (4, 0.62), (8, 0.62)]
    assert people.columns == ["step", "people"]
    rate = pl.read_csv(folder / "train" / "learning_rate.tsv", separator="\t")
    assert rate.rows(named=True) == [
        {"step": 4, "learning_rate": 0.1}, {"step": 8, "learning_rate": 0.1},
    ]  # fmt: skip


def test_probes_csv_has_each_loss_with_its_interval(tmp_path):
    recorder = recorded(tmp_path)
    recorder.write(tmp_path, 2)
    table = pl.read_csv(tmp_path / "probes.csv", infer_schema_length=None)
    assert table["epoch"].to_list() == [0.25, 1.0, 2.0]
    assert table["frames_fed"].to_list() == [10, 40, 80]
    assert table["moments_low"].to_list() == pytest.approx([0.581] * 3)
    assert table["moments_high"].to_list() == pytest.approx([0.619] * 3)
    assert table["unseen_low"].null_count() == 2
    assert "gap" not in table.columns


def test_a_small_learning_rate_is_not_written_as_none(tmp_path):
    recorder = recorded(tmp_path)
    recorder.history[0]["learning_rate"] = 3.1234567e-7
    recorder.history[1]["learning_rate"] = 0.00079999998
    recorder.write(tmp_path, 2)
    rates = [line.split(",")[2] for line in (tmp_path / "history.csv").read_text().splitlines()]
    assert rates == ["learning_rate", "3.12346e-7", "0.0008"]


def test_gap_json_tells_early_and_final(tmp_path):
    recorder = recorded(tmp_path)
    verdict = recorder.write(tmp_path, 2)
    content = json.loads((tmp_path / "gap.json").read_text())
    assert [content[when]["epoch"] for when in ("early", "final")] == [0.25, 2.0]
    assert content["early"]["gap"] == pytest.approx(0.14)
    # Once every training frame is fed, dropped ones stand in for those not fed.
    assert content["final"]["memorised"] == pytest.approx(0.53 - 0.34)
    assert content["verdict"] == f"{content['early_verdict']} {content['final_verdict']}"
    assert content["final_verdict"].startswith(content["final_finding"].removesuffix("."))
    assert verdict.as_dict() == content


def test_metrics_json_holds_the_gap_in_few_figures_for_dvc(tmp_path):
    recorder = recorded(tmp_path)
    verdict = recorder.write(tmp_path, 2)
    early, final = verdict.early, verdict.final
    assert json.loads((tmp_path / "metrics.json").read_text()) == {
        "gap": final.gap,
        "gap_low": final.low["gap"],
        "gap_high": final.high["gap"],
        "gap_early": early.gap,
        "gap_early_low": early.low["gap"],
        "gap_early_high": early.high["gap"],
        "share_memorised": final.shares["memorised"],
        "share_moments": final.shares["near_duplicate_moments"],
        "share_people": final.shares["people"],
        "share_same_people": None,
        "kept_epoch": 2,
    }


def test_without_a_gap_its_shares_have_no_figure(tmp_path):
    recorder = recorded(tmp_path)
    recorder.gaps = [replace(gap, cause="none", shares={}) for gap in recorder.gaps]
    recorder.write(tmp_path, 2)
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["gap"] is not None
    assert {content[name] for name in content if name.startswith("share_")} == {None}


def test_tensorboard_gets_what_the_tables_hold(tmp_path):
    recorder = recorded(tmp_path)
    recorder.write(tmp_path, 2)
    probes, history = (pl.read_csv(tmp_path / f"{name}.csv") for name in ("probes", "history"))
    for run, tag, table in (
        ("moments", "loss/probe", probes.select("frames_fed", pl.col("moments").alias("value"))),
        (
            "training",
            "loss/epoch",
            history.select(pl.col("epoch") * 40, pl.col("loss").alias("value")),
        ),
    ):
        (path,) = (tmp_path / "tensorboard" / run).glob("*tfevents*")
        read = [
            (event.step, value.simple_value)
            for event in tf.compat.v1.train.summary_iterator(str(path))
            for value in event.summary.value
            if value.tag == tag
        ]
        assert [step for step, _ in read] == table[:, 0].to_list()
        assert [value for _, value in read] == pytest.approx(table["value"].to_list(), abs=1e-6)
