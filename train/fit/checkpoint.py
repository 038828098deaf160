"""What a killed training is resumed from: its whole state, written every few seconds.

It lies in a hidden folder beside the output (data/.fit.checkpoint beside data/fit), for DVC empties
the output before a run, and is removed once the output is there. Weights, optimizer, random
generators, the place in the data and all that was recorded are in it, so that a training which was
cut short ends as it would have ended, to the byte.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from curate.base.files import atomic_write, digest, remove_leftovers
from curate.base.stage_params import FitParameters
from train.fit.monitor import Monitor
from train.model.network import Network

logger = logging.getLogger(__name__)
Arrays = list[NDArray[Any]]
_STATE = "state.npz"
_FINGERPRINT = "fingerprint"


class Stateful(Protocol):
    """Something that keeps a record of a training beside the weights."""

    def state(self) -> dict[str, Any]:
        """Return all that it recorded, as JSON takes it."""

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a `state`."""


def fingerprint(shards: Path, parameters: FitParameters) -> str:
    """Sum up all that a training depends on: shards, its parameters, backbone file and code.

    Parameters of other stages, such as `threshold`, do not count.
    """
    own = parameters.model_dump_json(include=set(FitParameters.model_fields))
    backbone = Path(parameters.backbone)
    files = sorted(path for path in shards.iterdir() if path.is_file())
    files += [backbone] if backbone.is_file() else []
    code = Path(__file__).parents[1]
    versions = f"keras {keras.__version__} {keras.backend.backend()}"
    return hashlib.sha256(f"{own} {versions} {digest(code, *files)}".encode()).hexdigest()


def open_folder(output: Path, expected: str) -> Path:
    """Open the checkpoint folder of an output; one of another fingerprint is removed, and noted.

    What a killed run left half-written beside the output is removed too.
    """
    folder = output.with_name(f".{output.name}.checkpoint")
    written = folder / _FINGERPRINT
    if folder.exists() and not (written.is_file() and written.read_text() == expected):
        logger.warning("%s: is of other shards, parameters or code; starting over", folder)
        shutil.rmtree(folder)
    remove_leftovers(output.parent.glob(f".{output.name}.*.partial"))
    remove_leftovers(folder.glob(".*.partial"))
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(written) as partial:
        partial.write_text(expected)
    return folder


class Checkpoint(keras.callbacks.Callback):
    """Writes the state of a training at the end of a step, once `seconds` have passed since.

    `model` is the one that trains, compiled; `records` is what else has a state, by name, `monitor`
    what keeps the best weights. `epoch` and `step` say how far training is: complete epochs, and
    steps of the next.
    """

    def __init__(
        self,
        folder: Path,
        network: Network,
        model: keras.Model,
        records: Mapping[str, Stateful],
        monitor: Monitor | None,
        seconds: float,
    ) -> None:
        super().__init__()
        self._path, self._seconds = folder / _STATE, seconds
        self._records = {**records, **({"monitor": monitor} if monitor else {})}
        self._monitor = monitor
        frozen = {id(variable) for variable in network.backbone.variables}
        self._weights = [v for v in network.training.variables if id(v) not in frozen]
        model.optimizer.build(model.trainable_variables)
        self._optimizer = model.optimizer.variables
        self._epoch_means: Arrays = []
        self._written = time.monotonic()
        self.epoch, self.step = 0, 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Restore the epoch's mean loss where one is resumed: Keras has just begun a new mean."""
        if self._epoch_means:
            _assign(self._metrics(), self._epoch_means)
            self._epoch_means = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count the step; what the last one of an epoch leaves is written at the epoch's end."""
        self.step += 1
        if batch + 1 < self.params["steps"]:
            self._write_when_due()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Count the epoch."""
        self.epoch, self.step = epoch + 1, 0
        self._write_when_due()

    def _metrics(self) -> list[keras.Variable]:
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _write_when_due(self) -> None:
        if time.monotonic() - self._written < self._seconds:
            return
        state = {
            "epoch": self.epoch,
            "step": self.step,
            "records": {name: record.state() for name, record in self._records.items()},
        }
        groups = {
            "weights": self._weights,
            "optimizer": self._optimizer,
            "epoch_means": self._metrics() if self.step else [],
            "best": self._monitor.best_weights if self._monitor else [],
        }
        with atomic_write(self._path) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, state=np.array(json.dumps(state)), **_named(groups))
        self._written = time.monotonic()

    def resume(self) -> None:
        """Resume from the state that a killed run left, if it left one, and log it."""
        if not self._path.is_file():
            return
        try:
            state, groups = _read(self._path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("%s: not readable (%s); starting over", self._path, error)
            return
        _assign(self._weights, groups["weights"])
        _assign(self._optimizer, groups["optimizer"])
        self._epoch_means = groups["epoch_means"]
        for name, record in self._records.items():
            record.restore(state["records"][name])
        if self._monitor:
            self._monitor.best_weights = groups["best"]
        self.epoch, self.step = state["epoch"], state["step"]
        place = (self.epoch + 1, self.step + 1, self._path)
        logger.info("resuming at epoch %d, step %d: %s", *place)


def _named(groups: Mapping[str, Sequence[Any]]) -> dict[str, NDArray[Any]]:
    """Name each variable's value by its group and place."""
    return {
        f"{group}/{place}": keras.ops.convert_to_numpy(variable)
        for group, variables in groups.items()
        for place, variable in enumerate(variables)
    }


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Arrays]]:
    groups: dict[str, Arrays] = {"weights": [], "optimizer": [], "epoch_means": [], "best": []}
    with np.load(path) as archive:
        state = json.loads(str(archive["state"]))
        for name in archive.files:  # in the order in which they were written
            if name != "state":
                groups[name.partition("/")[0]].append(archive[name])
    return state, groups


def _assign(variables: Sequence[keras.Variable], values: Arrays) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
