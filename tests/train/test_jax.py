"""What runs on any Keras backend runs on JAX: the tests of it, once more, in a process of JAX."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = [HERE / f"test_{name}.py" for name in ("augment", "loss", "model", "model_file")]


@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="JAX is not installed: pip install -c constraints.txt -e '.[jax]'",
)
def test_augmentation_loss_and_model_on_jax():
    """A process runs Keras on one backend only, so this one, on TensorFlow, starts another."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-k", "not keras_alone"]  # minutes on JAX, for files that are the same
    done = subprocess.run(
        [*command, *map(str, FILES)],
        cwd=HERE.parents[1],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
