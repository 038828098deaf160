"""Train, be killed at random moments, train on: `python -m tests.train.killed SHARDS OUTPUT ...`.

Each attempt is a fork of this process, which has imported TensorFlow but not used it: so that the
import is paid for once. Prints the place (epochs, steps) that each attempt had reached.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import time
import zipfile
from pathlib import Path

import numpy as np

from curate.base.params import Parameters
from train.fit.stage import fit_stage

EVERY_STEP = 0.0


def reached(checkpoint: Path) -> int:
    """Count how often the checkpoint was written, by its steps; 0 before the first."""
    try:
        with np.load(checkpoint) as archive:
            iterations = archive["optimizer/0"]
            return int(iterations)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return 0


def attempt(shards: Path, output: Path, parameters: Parameters) -> int:
    """Start a training in a process of its own; return its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        fit_stage(shards, output, parameters, EVERY_STEP)
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    """Kill three attempts, each some steps on from where it began; let the fourth end."""
    logging.basicConfig(level=logging.INFO)
    shards, output, given, seed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    parameters = Parameters.model_validate_json(given)
    draws = random.Random(int(seed))
    checkpoint = output.with_name(f".{output.name}.checkpoint") / "state.npz"
    for _ in range(3):
        child = attempt(shards, output, parameters)
        aim = reached(checkpoint) + draws.randint(1, 8)
        while reached(checkpoint) < aim and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
        time.sleep(draws.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(reached(checkpoint))
    child = attempt(shards, output, parameters)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
