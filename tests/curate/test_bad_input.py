"""The command line: a user's mistake ends in one sentence and exit code 2, never a traceback."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import polars as pl
import pytest

from curate.cli.app import app
from curate.tables import DEDUP, KEY, SPLIT

Curate = Callable[..., CompletedProcess[str]]
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


def assert_refused(ran: CompletedProcess[str], *parts: str) -> None:
    """Check that the one line on standard error holds all `parts`, and nothing else is said."""
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("curate: ")
    assert ran.stderr.count("\n") == 1
    for part in parts:
        assert part in ran.stderr


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Format what is wrong with footage: each case is a folder or file below it."""
    files = {
        "bare/readme.md": "no footage",
        "badrow/Videos/LeftVideoSN001_comp.avi": "",
        "badrow/ActionUnit_Labels/SN001/SN001_au1.txt": "1,0\n2,9\n",
        "unlabelled/LeftVideoSN001_comp.avi": "",
        "table/bob.mp4": "",
        "table/labels.csv": "clip,frame,AU1\nbob,0,1\nbob,1,smile\n",
        "openface/bob.mp4": "",
        "openface/bob.csv": "frame,AU01_c\n1,yes\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("labels gone", ["gone: no such footage; give an existing folder or video"]),
        ("frames gone", ["gone: no such footage"]),
        ("dedup gone", ["gone: no such footage"]),
        ("labels bare", ["bare: holds no video (.avi, .mp4"]),
        ("frames bare --source images", ["bare: holds no image (.jpg, .jpeg"]),
        ("dedup bare", ["bare: holds no footage: no video (.avi", "no image (.jpg"]),
        ("labels table", ["table: no left camera video named like LeftVideoSN001_comp.avi"]),
        ("labels badrow", ["SN001_au1.txt, row 2: '2,9' is not 'frame,intensity'", "0 to 5"]),
        ("labels unlabelled", ["unlabelled: no label file named like ActionUnit_Labels/SN001"]),
        ("labels table --source videos", ["labels.csv, row 3: AU1 is 'smile'; allowed are an"]),
        ("labels openface --source openface", ["bob.csv, row 2: AU01_c is 'yes', not a number"]),
        ("frames table --source videos --crop landmarks", ["bob: crop is 'landmarks' but the"]),
        ("labels table --source affwild", ["option: source: 'affwild' is not allowed, must be '"]),
        ("dedup --stride 0", ["option: stride: 0 is not allowed, must be greater than or equal"]),
        ("dedup bare --to bare/kept", ["bare/kept: lies inside bare, which is never changed"]),
        ("dedup bare --output bare/kept.csv", ["bare/kept.csv: lies inside bare, which is never"]),
    ],
)  # fmt: skip
def test_bad_footage_and_options(
    curate: Curate, footage: Path, arguments: str, parts: list[str]
) -> None:
    assert_refused(curate(*arguments.split()), *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("strid: 5", ["params.yaml: unknown parameter 'strid': did you mean 'stride'?"]),
        ("stride: 0", ["params.yaml: stride: 0 is not allowed", "greater than or equal to 1"]),
        ("stride: true", ["params.yaml: stride: True is not allowed, must be a number, not true"]),
        ("stride: [5", ["params.yaml: not a YAML file: while parsing a flow sequence"]),
        ("words", ["params.yaml: must hold one 'key: value' a line"]),
        ("stride: 0\ncap: -1", ["params.yaml: stride: 0 is", "; params.yaml: cap: -1 is"]),
    ],
)
def test_bad_parameters(curate: Curate, tmp_path: Path, text: str, parts: list[str]) -> None:
    (tmp_path / "params.yaml").write_text(text)
    assert_refused(curate("dedup"), *parts)


def test_a_parameter_file_that_is_not_there_or_a_folder(curate: Curate, tmp_path: Path) -> None:
    assert_refused(curate("dedup", "--params", "mine.yaml"), "mine.yaml: no such parameter file")
    assert_refused(curate("dedup", "--params", tmp_path), f"{tmp_path}: Is a directory")


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("dedup", "data/frames: holds no frames; make them with 'curate frames'"),
        ("split", "data/labels.parquet: no such table; make it with 'curate labels'"),
        ("cap", "data/labels.parquet: no such table; make it with 'curate labels'"),
        ("shards", "data/cap.parquet: no such table; make it with 'curate cap'"),
    ],
)
def test_a_missing_table_tells_how_to_make_it(curate: Curate, command: str, missing: str) -> None:
    assert_refused(curate(command), missing)


def test_a_table_without_its_columns_or_that_is_none(curate: Curate, tmp_path: Path) -> None:
    (tmp_path / "data" / "frames").mkdir(parents=True)
    pl.DataFrame({"id": ["a"]}).write_parquet(tmp_path / "data" / "labels.parquet")
    assert_refused(curate("cap"), "data/labels.parquet: lacks the column 'subject'; make it with")
    (tmp_path / "data" / "labels.parquet").write_text("no Parquet")
    assert_refused(curate("cap"), "data/labels.parquet: not a readable Parquet table")
    pl.DataFrame({"id": ["a"]}).write_parquet(tmp_path / "data" / "frames" / "a.parquet")
    assert_refused(curate("dedup"), "data/frames/a.parquet: lacks the column 'subject'; make it")


def test_an_output_that_cannot_be_written(
    curate: Curate, tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    write_video(tmp_path / "in" / "a.avi", 2)
    (tmp_path / "taken.csv").mkdir()
    assert_refused(curate("dedup", "in", "--output", "taken.csv"), "taken.csv: Is a directory")
    sentence = "d.xlsx: a table is written as .parquet or .csv; choose such a name"
    assert_refused(curate("dedup", "in", "--output", "d.xlsx"), sentence)
    (tmp_path / "file").touch()
    ran = curate("dedup", "in", "--output", "file/out.csv")
    assert_refused(ran, "file/out.csv: ", "file is a file, not a folder; choose another place")
    assert not list(tmp_path.glob("**/*.partial"))


def test_an_unknown_option_or_command_is_a_usage_error(curate: Curate) -> None:
    for words in (["dedup", "--strid", "5"], ["dedupe"]):
        ran = curate(*words)
        assert ran.returncode == 2
        assert "No such" in ran.stderr
        assert "Traceback" not in ran.stderr


def pipeline(curate: Curate, *commands: str) -> list[CompletedProcess[str]]:
    ran = [curate(*command.split()) for command in commands]
    assert [process.returncode for process in ran] == [0] * len(ran), ran[-1].stderr
    return ran


def test_an_empty_video_is_one_unreadable_frame(curate: Curate, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mp4").touch()
    frames, dedup = pipeline(
        curate,
        "frames in --source videos --workers 1 --json",
        "dedup in --json",
    )
    assert json.loads(frames.stdout)["frames"] == {"frames in": 1, "unreadable": 1, "usable": 0}
    assert {"frames in": 1, "unreadable": 1, "kept": 0}.items() <= json.loads(dedup.stdout).items()


def test_more_labels_than_frames_are_noted(
    curate: Curate, tmp_path: Path, write_disfa: Callable[..., Path]
) -> None:
    write_disfa(tmp_path / "in", subjects=1, frames=20, labels=23)
    *_, dedup = pipeline(curate, "labels in", "frames in --workers 1", "dedup --json")
    assert dedup.stderr == (
        "note: LeftVideoSN001_comp: 3 labels have no frame; the video is shorter than its labels\n"
    )
    assert json.loads(dedup.stdout)["frames in"] == 20


def test_labels_without_video_are_noted(
    curate: Curate, tmp_path: Path, write_disfa: Callable[..., Path]
) -> None:
    write_disfa(tmp_path / "in", subjects=2, frames=4)
    (tmp_path / "in" / "Videos_LeftCamera" / "LeftVideoSN002_comp.avi").unlink()
    (ran,) = pipeline(curate, "labels in --json")
    sentence = "label files but no video; left out: SN002"
    assert ran.stderr == f"note: {sentence}\n"
    assert json.loads(ran.stdout)["notes"] == [sentence]


def test_an_action_unit_that_nobody_labelled(
    curate: Curate, tmp_path: Path, write_disfa: Callable[..., Path]
) -> None:
    write_disfa(tmp_path / "in", subjects=1, frames=4)
    (tmp_path / "params.yaml").write_text("action_units: [2, 44]\n")
    ran = curate("labels", "in")
    assert_refused(ran, "action_units: AU44 is not labelled in in; there are: AU1, AU2")
    (tmp_path / "params.yaml").write_text("action_units: [2]\n")
    pipeline(curate, "labels in")
    columns = pl.read_parquet_schema(tmp_path / "data" / "labels.parquet")
    assert list(columns) == [*KEY, "AU2", "AU2_intensity"]


def test_an_interruption_says_how_to_go_on(curate: Curate, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("curate.cap.stage.run", interrupt)
    ran = curate("cap")
    assert (ran.returncode, ran.stdout) == (130, "")
    assert ran.stderr == "curate: interrupted; run it again to resume\n"


def test_an_option_that_folds_overrule_is_said_to_decide_nothing(curate: Curate) -> None:
    said = "note: --validation-fraction decides nothing with folds: 3"
    share = ("split", "--validation-fraction", 0.3)
    assert said in curate(*share, "--folds", 3).stderr.splitlines()
    assert said not in curate(*share).stderr.splitlines()


def test_one_subject_and_an_action_unit_without_positives_are_noted(
    curate: Curate, tmp_path: Path, write_disfa: Callable[..., Path]
) -> None:
    write_disfa(tmp_path / "in", subjects=1, frames=20)
    for unit, intensity in ((1, 3), (2, 0)):
        path = tmp_path / "in" / "ActionUnit_Labels" / "SN001" / f"SN001_au{unit}.txt"
        path.write_text("".join(f"{index},{intensity}\n" for index in range(1, 21)))
    *_, split, cap = pipeline(
        curate,
        "labels in",
        "frames in --workers 1",
        "dedup --stride 1",
        "split --margin 1",
        "cap --json",
    )
    assert split.stderr.splitlines() == [
        "note: one subject only: nobody is left to validate on; validation stays empty",
        "note: no positive in train: AU2; cannot be learnt",
        "note: no positive in moments: AU2; cannot be judged there",
    ]
    assert json.loads(cap.stdout)["frames"]["validation"] == 0


def test_nothing_kept_runs_through_to_shards_and_is_said_there(
    curate: Curate, tmp_path: Path, write_disfa: Callable[..., Path]
) -> None:
    write_disfa(tmp_path / "in", subjects=2, frames=5)
    schema: Any = KEY | {"AU1": pl.Int8, "AU2": pl.Int8}
    pl.DataFrame(schema=schema).write_parquet(tmp_path / "none.parquet")
    _, _, dedup, split, cap = pipeline(
        curate,
        "labels in",
        "frames in --workers 1",
        "dedup --labels none.parquet --json",
        "split --labels none.parquet --json",
        "cap --labels none.parquet --json",
    )
    assert json.loads(dedup.stdout) == {"frames in": 10, "unlabelled": 10, "kept": 0}
    assert split.stderr == "note: no frame was kept by dedup; there is nothing to split\n"
    assert json.loads(cap.stdout)["frames"]["train after"] == 0
    ran = curate("shards", "--labels", "none.parquet")
    assert_refused(ran, "no frame is labelled, so there is nothing to learn; check the notes of")


def test_json_alone_on_standard_output_and_tables_written(
    curate: Curate, tmp_path: Path, write_disfa: Callable[..., Path]
) -> None:
    write_disfa(tmp_path / "in", subjects=2, frames=30)
    labels, frames, dedup, split, cap, again = pipeline(
        curate,
        "labels in --json",
        "frames in --workers 2 --json",
        "dedup --stride 2 --distance 4 --json",
        "split --margin 1 --json",
        "cap --cap 5 --json",
        "frames in --workers 1 --json",
    )
    assert json.loads(labels.stdout)["labels"]["AU1"] == {
        "present": 40, "absent": 20, "unknown": 0
    }  # fmt: skip
    assert json.loads(frames.stdout) == {
        "clips": 2, "done_already": 0, "frames": {"frames in": 60, "usable": 60}, "notes": []
    }  # fmt: skip
    assert json.loads(again.stdout)["done_already"] == 2
    counts = json.loads(dedup.stdout)
    assert counts["frames in"] == 60 == sum(counts.values()) - 60
    assert counts["stride"] == 30
    assert sum(json.loads(split.stdout)["frames"].values()) <= counts["kept"]
    assert json.loads(cap.stdout)["AU1"]["train after"] <= 5
    for name, schema in (("dedup", DEDUP), ("split", SPLIT)):
        assert dict(pl.read_parquet_schema(tmp_path / "data" / f"{name}.parquet")) == schema


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_an_example(curate: Curate, command: str) -> None:
    ran = curate(command, "--help")
    assert ran.returncode == 0
    assert "Example" in ran.stdout
    assert ran.stderr == ""


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    heavy = "{'tensorflow', 'polars', 'cv2', 'pyarrow', 'scipy', 'numpy'}"
    code = (
        "import sys; sys.argv = ['curate', '--help']\n"
        "import curate.cli.app\n"
        "try: curate.cli.app.main()\n"
        f"finally: print('loaded:', {heavy} & set(sys.modules))\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran.stdout.endswith("loaded: set()\n")
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


def test_the_process_itself_ends_with_two_and_one_line(tmp_path: Path) -> None:
    code = "from curate.cli.app import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "dedup", "gone"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert_refused(ran, "gone: no such footage")
