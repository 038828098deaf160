"""Train, be killed at random moments, train on: `python -m tests.train.killed SHARDS CASES`.

CASES is JSON: for each output folder, the parameters and a seed of the moments. Each attempt is a
fork of this process, which has imported TensorFlow but not used it: so that the import is paid for
once. Prints, as JSON, how many steps the three killed attempts of each case had reached.
"""

from __future__ import annotations

import json
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
from train.fit.stage import run as fit

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
        fit(shards, output, parameters, seconds_between_checkpoints=EVERY_STEP)
        code = 0
    finally:
        os._exit(code)


def wait_until(checkpoint: Path, steps: int, child: int) -> None:
    """Wait until the checkpoint has reached so many steps, or the training has ended."""
    written = 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        latest = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        if latest != written and reached(checkpoint) >= steps:
            return
        written = latest
        time.sleep(0.001)


def killed(shards: Path, output: Path, parameters: Parameters, draws: random.Random) -> list[int]:
    """Kill three attempts, each some steps on from where it began, and let the fourth end.

    Returns the steps that each of the three had reached.

    Raises:
        SystemExit: the fourth attempt failed.
    """
    checkpoint = output.with_name(f".{output.name}.checkpoint") / "state.npz"
    places = []
    for _ in range(3):
        child = attempt(shards, output, parameters)
        wait_until(checkpoint, reached(checkpoint) + draws.randint(1, 8), child)
        time.sleep(draws.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        places.append(reached(checkpoint))
    child = attempt(shards, output, parameters)
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(code)
    return places


def main() -> None:
    """Run the cases one after the other."""
    logging.basicConfig(level=logging.INFO)
    shards, places = Path(sys.argv[1]), {}
    for output, case in json.loads(sys.argv[2]).items():
        parameters = Parameters.model_validate_json(case["parameters"])
        places[output] = killed(shards, Path(output), parameters, random.Random(case["seed"]))
    print(json.dumps(places))


if __name__ == "__main__":
    main()
