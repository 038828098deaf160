"""DVCLive's files: written in any folder, whatever git and DVC know of it."""

from __future__ import annotations

import subprocess

import pytest

from train.fit.recorder import LiveLog


@pytest.mark.parametrize("git", [False, True], ids=["no repository", "repository without a commit"])
def test_it_writes_its_tables_and_makes_no_dvc_project(git, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if git:
        subprocess.run(["git", "init", "--quiet"], check=True)
    before = {path.name for path in tmp_path.iterdir()}
    with LiveLog(tmp_path / "log") as live:
        live.log_metric("train/loss", 0.5, timestamp=False)
    assert {path.name for path in tmp_path.iterdir()} - before == {"log"}
    table = tmp_path / "log" / "plots" / "metrics" / "train" / "loss.tsv"
    assert table.read_text() == "step\tloss\n0\t0.5\n"
