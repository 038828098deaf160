"""A small project under git and DVC, with experiments that ended in every way they can end.

Its stages train nothing: they write what the real ones write, by the same functions, and move the
gap and macro F1 with the parameters.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl

from tests.repository import commit, run, start
from train.evaluate.predictions import Predictions, as_table
from train.evaluate.result import EVALUATED, Evaluation, score_split, write_evaluation
from train.gap.dissect import dissect
from train.gap.intervals import Estimate
from train.gap.losses import PROBES
from train.gap.verdict import Verdict

FRAMES = {"train": 120, "validation": 40}

_STAGES = """
import json, pathlib, shutil, sys

def number(word):
    return float(word) if word.replace(".", "").isdigit() else word

lines = pathlib.Path("params.yaml").read_text().splitlines()
p = {key: number(value.strip()) for key, value in (line.split(":") for line in lines)}
stage, output = sys.argv[1], pathlib.Path(sys.argv[2])
if p["lr"] > 0.4 and stage == "fit":
    sys.exit("the loss is no number any more")
shutil.rmtree(output, ignore_errors=True)
shutil.copytree(pathlib.Path("recorded") / stage, output)
if stage == "fit":
    gap = json.loads((output / "gap.json").read_text())
    for part in (gap["final"], gap["final"]["low"], gap["final"]["high"]):
        part["gap"] += round(p["lr"] - p["dropout"] / 10, 4)
    (output / "gap.json").write_text(json.dumps(gap))
if stage == "evaluation":
    metrics = json.loads((output / "metrics.json").read_text())
    macro = metrics["validation"]["macro"]
    for key in ("f1", "f1_low", "f1_high"):
        macro[key] = round(macro[key] - p["lr"] / 10, 4)
    if p["threshold"] > 0.9:
        macro.update(f1=None, f1_low=None, f1_high=None)
    (output / "metrics.json").write_text(json.dumps(metrics))
"""

_PIPELINE = """
stages:
  shards:
    cmd: {python} stages.py shards data/tfrecords
    deps: [recorded/shards]
    outs: [data/tfrecords]
  fit:
    cmd: {python} stages.py fit data/fit
    deps: [stages.py, recorded/fit, data/tfrecords]
    params: [lr, dropout]
    outs: [data/fit]
  evaluate:
    cmd: {python} stages.py evaluation data/evaluation
    deps: [stages.py, recorded/evaluation, data/fit]
    params: [threshold, lr]
    outs: [data/evaluation]
metrics:
  - data/evaluation/metrics.json
"""


def make_project(root: Path) -> None:
    """Make the project and run its pipeline; its one commit is on the branch main."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "stages.py").write_text(_STAGES)
    (root / "dvc.yaml").write_text(_PIPELINE.format(python=sys.executable))
    (root / "params.yaml").write_text("lr: 0.001\ndropout: 0.5\nthreshold: 0.5\n")
    record_fit(root / "recorded/fit")
    record_evaluation(root / "recorded/evaluation")
    (root / "recorded/shards").mkdir()
    splits = [{"name": name, "shardLengths": [str(n - 7), "7"]} for name, n in FRAMES.items()]
    (root / "recorded/shards/dataset_info.json").write_text(json.dumps({"splits": splits}))
    start(root)
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    run(root, "dvc", "repro", "-q")
    commit(root, "Run the pipeline")


def record_fit(folder: Path) -> None:
    """Write gap.json and probes.csv as `train fit` does, of losses drawn at random."""
    folder.mkdir(parents=True)
    rng, rows, gaps = np.random.default_rng(0), [], []
    frames = dict.fromkeys(PROBES, 100)
    for epoch in (0.25, 1.0, 2.0):
        losses: dict[str, Estimate | None] = {}
        for place, probe in enumerate(PROBES):
            loss = 0.5 - 0.1 * epoch + 0.06 * place * epoch
            losses[probe] = Estimate(loss, loss + rng.normal(0, 0.01, 1000))
        if epoch >= 1:
            losses["unseen"] = None
        gaps.append(dissect(epoch, losses, frames, "unseen" if epoch < 1 else "dropped"))
        row: dict[str, float | None] = {"epoch": epoch, "frames_fed": 120 * epoch}
        for probe, one in losses.items():
            low, high = one.bounds() if one else (None, None)
            row |= {probe: one.value if one else None, f"{probe}_low": low, f"{probe}_high": high}
        rows.append(row)
    pl.DataFrame(rows, infer_schema_length=None).write_csv(folder / "probes.csv")
    content = Verdict(gaps[0], gaps[-1], kept_epoch=2).as_dict()
    (folder / "gap.json").write_text(json.dumps(content))


def record_evaluation(folder: Path) -> None:
    """Write what `train evaluate` writes, of predictions drawn at random."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, (40, 2)).astype(np.int8)
    chances = np.clip(0.5 * labels + rng.uniform(0, 0.6, labels.shape), 0, 1).astype(np.float32)
    subjects = [f"S{number % 4}" for number in range(40)]
    predictions = Predictions(["AU1", "AU12"], labels, chances, subjects)
    scores = score_split(EVALUATED[0], predictions, 0.5, np.array([0.5, 0.5]), seed=0)
    table = as_table(predictions, [f"{number:02}" for number in range(40)], EVALUATED[0])
    write_evaluation(Evaluation(table, [scores]), folder)
