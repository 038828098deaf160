"""`from framewise import curate, train` works from any folder, whatever files lie there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run_python(tmp_path):
    """Run code in a folder that holds files named as our packages are; return what it printed."""
    for name in ("train", "curate"):
        (tmp_path / f"{name}.py").write_text("mine = True\n")

    def run(code: str) -> subprocess.CompletedProcess[str]:
        found = f"import sys; sys.path.append({str(ROOT)!r})\n"  # where an install would put it
        command = [sys.executable, "-c", found + code]
        return subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True)

    return run


def test_the_door_finds_the_packages_past_files_of_their_names(run_python):
    done = run_python(
        "from framewise import curate, train\n"
        "from curate.base.errors import UserError\n"
        "import train as again\n"
        "print(curate.UserError is UserError, again is train, hasattr(train, 'mine'))"
    )
    assert (done.stdout, done.stderr) == ("True True False\n", "")


def test_what_train_stands_on_is_found_too(run_python):
    done = run_python(
        "from framewise import train\n"
        "from train.gap.verdict import Gap\n"
        "import curate\n"
        "print(hasattr(curate, 'mine'), Gap.__name__)"
    )
    assert (done.stdout, done.stderr) == ("False Gap\n", "")


def test_a_module_of_the_same_name_imported_before_is_named(run_python):
    done = run_python("import train\nassert train.mine\nfrom framewise import train")
    assert done.returncode == 1
    assert "train.py: was imported as 'train' before" in done.stderr


def test_it_has_two_names_and_says_so_of_others(run_python):
    done = run_python("import framewise\nprint(framewise.__all__)\nframewise.nothing")
    assert done.stdout == "['curate', 'train']\n"
    assert "module 'framewise' has no attribute 'nothing'" in done.stderr
