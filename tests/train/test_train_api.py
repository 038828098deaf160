"""`import train`: lazily loaded, keywords checked, the stages' own results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import curate
import framewise
import train

LATE: Any = "late"


def test_importing_it_loads_neither_tensorflow_nor_keras():
    heavy = {"tensorflow", "keras", "polars", "numpy", "scipy", "pydantic", "matplotlib"}
    code = f"import sys, train; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_functions_named_like_rooms_stay_functions_however_rooms_are_imported():
    code = (
        "import train.gap.losses, train.evaluate.result, train\n"
        "from train.fit import schedule\n"
        "from train import gap\n"
        "print([type(f).__name__ for f in (gap, train.fit, train.evaluate, train.load)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{['function'] * 4}\n"


def test_every_public_name_is_there_and_documented():
    for name in train.__all__:
        assert getattr(train, name).__doc__.splitlines()[0].endswith(".")
    with pytest.raises(AttributeError, match="module 'train' has no attribute 'nothing'"):
        train.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("call", "kind", "key"),
    [
        (lambda: train.fit("no", "fit", lr=0), curate.BadParameterError, "lr"),
        (lambda: train.fit("no", "fit", rate=1), curate.BadParameterError, "rate"),
        (lambda: train.evaluate("no", "no", threshold=1), curate.BadParameterError, "threshold"),
        (lambda: train.load("no"), curate.MissingInputError, None),
        (lambda: train.gap("no", LATE), curate.BadParameterError, "when"),
        (lambda: train.gap("no"), curate.MissingInputError, None),
    ],
)
def test_an_error_says_its_kind_and_its_key(call, kind, key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as raised:
        call()
    assert raised.value.key == key
    assert raised.value.path == (None if key else Path("no") / raised.value.path.name) or (
        raised.value.path == Path("no")
    )


def test_what_is_public_can_be_completed_by_a_shell():
    assert set(train.__all__) <= set(dir(train))
    assert {"curate", "train"} <= set(dir(framewise))


def test_threads_that_load_tensorflow_together_leave_standard_error_where_it_was():
    code = (
        "import os, threading\n"
        "from curate.base.console import quiet_tensorflow\n"
        "before = os.fstat(2).st_ino\n"
        "def load():\n"
        "    with quiet_tensorflow():\n"
        "        import tensorflow\n"
        "threads = [threading.Thread(target=load) for _ in range(4)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "print(os.fstat(2).st_ino == before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
