"""Where a report comes from: git's commit, dvc.lock's hashes, commands that make it again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from curate.base.params import Parameters
from train.report.provenance import Code, commands, data_table, format_code, read_code

PACKAGE = {"PYTHONPATH": str(Path(__file__).parents[2])}
SETTINGS = yaml.safe_dump(Parameters().model_dump())


def git(folder: Path, *command: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def project(tmp_path):
    """A committed project: code, parameters and dvc.lock."""
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("1\n")
    (tmp_path / "params.yaml").write_text(SETTINGS)
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "code")
    return tmp_path


def test_committing_the_lock_does_not_change_the_commit(project):
    before = read_code(project)
    assert before.commit == git(project, "rev-parse", "HEAD")
    (project / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    assert read_code(project) == before
    git(project, "commit", "-qam", "record the run")
    assert read_code(project) == before
    assert before.commit is not None
    assert format_code(before) == f"Code: commit {before.commit}"


def test_a_change_of_code_is_said_and_other_parameters_are_not_one(project):
    (project / "params.yaml").write_text(SETTINGS + "# stride\n")
    (project / "new.txt").touch()
    assert not read_code(project).changed
    (project / "code.py").write_text("2\n")
    assert read_code(project).changed
    assert "uncommitted changes" in format_code(read_code(project))


def test_a_project_below_a_repository_is_told_its_own_commit(project):
    inner = project / "inner"
    inner.mkdir()
    (inner / "code.py").touch()
    git(project, "add", ".")
    git(project, "commit", "-qm", "inner")
    own = git(project, "rev-parse", "HEAD")
    (project / "code.py").write_text("3\n")
    git(project, "commit", "-qam", "outer")
    assert read_code(inner) == Code(own)


def test_without_git_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_code(tmp_path) == Code(None)
    monkeypatch.setenv("PATH", "")
    assert read_code(tmp_path) == Code(None)
    assert "not under git" in format_code(Code(None))
    assert commands(Code(None), Parameters())[-1] == "dvc repro report"


def test_the_commands_check_out_install_and_run(project):
    code = read_code(project)
    assert commands(code, Parameters()) == [
        f"git checkout {code.commit}",
        "pip install -c constraints.txt -e .",
        "dvc repro report",
    ]


def test_settings_that_differ_are_given_as_hydra_and_the_shell_read_them(project):
    parameters = Parameters(
        stride=1, units=[64], flip=False, lr=2e-05, footage="my films/a", backbone="a/b.keras"
    )
    (command,) = commands(read_code(project), parameters)[2:]
    assert command == (
        """dvc exp run report -S 'footage="my films/a"' -S stride=1 -S backbone=a/b.keras """
        """-S 'units=[64]' -S lr=0.00002 -S flip=false"""
    )


def test_settings_are_read_by_dvc_as_they_are_written(project):
    """What a shell and Hydra make of the command is what the report ran with."""
    import shlex

    from dvc.utils.hydra import apply_overrides

    given = Parameters(
        units=[8, 4], footage="my films/é, (1)", lr=1e-05, action_units=[1, 12], flip=False
    )
    words = shlex.split(commands(read_code(project), given)[-1])
    path = project / "params.yaml"
    apply_overrides(path, [word for word in words[4:] if word != "-S"])
    assert Parameters(**yaml.safe_load(path.read_text())) == given


PIPELINE = """
stages:
  labels: {cmd: "true", deps: [films, labels.py], outs: [labels.parquet]}
  report: {cmd: "true", deps: [labels.parquet], outs: [report]}
"""
LOCK = """
schema: '2.0'
stages:
  report:
    cmd: 'true'
    deps: [{path: labels.parquet, hash: md5, md5: 900150983cd24fb0d6963f7d28e17f72, size: 3}]
    outs: [{path: report, hash: md5, md5: dddd.dir, size: 5, nfiles: 2}]
  labels:
    cmd: 'true'
    deps: [{path: films, hash: md5, md5: aaaa.dir, size: 2500000, nfiles: 7},
           {path: labels.py, hash: md5, md5: cccc, size: 1}]
    outs: [{path: labels.parquet, hash: md5, md5: 900150983cd24fb0d6963f7d28e17f72, size: 3}]
"""
NO_STAGES = "schema: '2.0'\n"
READ = [Path("labels.parquet")]


@pytest.fixture
def dvc_project(tmp_path):
    """A project under DVC whose labels stage and report ran; the labels hold "abc"."""
    with Repo.init(str(tmp_path), no_scm=True):
        pass
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / "labels.parquet").write_text("abc")
    return tmp_path


def test_data_is_listed_footage_first_without_the_reports_own_entry(dvc_project):
    table = data_table(dvc_project, "films", READ)
    assert table is not None
    assert table.rows == [
        ["films", "aaaa.dir", "7", "2.5 MB"],
        ["labels.parquet", "900150983cd24fb0d6963f7d28e17f72", "1", "3 bytes"],
    ]


@pytest.mark.parametrize("content", ["abd", None], ids=["other", "gone"])
def test_data_that_is_not_what_the_lock_records_is_noted(dvc_project, content):
    (dvc_project / "labels.parquet").unlink()
    if content:
        (dvc_project / "labels.parquet").write_text(content)
    table = data_table(dvc_project, "films", READ)
    assert table is not None
    assert [row[4] for row in table.rows] == [
        "",
        "changed since, by something else than 'dvc repro'",
    ]
    unread = data_table(dvc_project, "films", [])
    assert unread is not None
    assert "now" not in unread.columns


@pytest.mark.parametrize("text", [None, NO_STAGES, "- [damaged", NO_STAGES + "stages:\n"])
def test_without_a_record_there_is_no_table(text, dvc_project):
    (dvc_project / "dvc.lock").unlink()
    if text is not None:
        (dvc_project / "dvc.lock").write_text(text)
    assert data_table(dvc_project, "films", []) is None


def test_without_dvc_there_is_no_table(tmp_path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    assert data_table(tmp_path, "films", []) is None


def test_a_pipeline_below_the_project_is_not_its_data(dvc_project):
    below = dvc_project / "other"
    below.mkdir()
    for name in ("dvc.yaml", "dvc.lock"):
        (below / name).write_text((dvc_project / name).read_text())
    table = data_table(dvc_project, "films", READ)
    assert table is not None
    assert [row[0] for row in table.rows] == ["films", "labels.parquet"]


def test_the_record_is_read_while_dvc_runs_the_report(dvc_project):
    """`dvc repro` holds its locks then, and has just written what came before the report."""
    program = (
        "from pathlib import Path; from train.report.provenance import data_table; "
        "table = data_table(Path(), 'films', [Path('labels.parquet')]); "
        "Path('report').write_text(repr(table.rows))"
    )
    (dvc_project / "films").write_text("film")
    (dvc_project / "labels.py").touch()
    stages = yaml.safe_load(PIPELINE)["stages"]
    stages["labels"]["cmd"] = "cp films labels.parquet"
    stages["report"]["cmd"] = f'{sys.executable} -c "{program}"'
    (dvc_project / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    run = [sys.executable, "-m", "dvc", "repro"]
    subprocess.run(run, cwd=dvc_project, env=os.environ | PACKAGE, check=True, capture_output=True)
    md5 = hashlib.md5(b"film").hexdigest()
    assert (dvc_project / "report").read_text() == repr(
        [["films", md5, "1", "4 bytes"], ["labels.parquet", md5, "1", "4 bytes"]]
    )
