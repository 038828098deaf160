"""What training leaves behind on its way: probe scores, epoch losses, and the gap they tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import polars as pl
from dvclive import Live

from curate.base.files import write_json
from train.fit.tensorboard import write_events
from train.gap.choice import EARLY
from train.gap.dissect import dissect
from train.gap.losses import PROBES
from train.gap.probes import Probes, Scores
from train.gap.verdict import FILE, Gap, Verdict

Row = dict[str, Any]
# A share of the gap as metrics.json names it: short enough for a column of `dvc exp show`.
_SHARES = {
    "memorised": "share_memorised",
    "near_duplicate_moments": "share_moments",
    "people": "share_people",
    "same_people": "share_same_people",
}


class Recorder(keras.callbacks.Callback):
    """Scores the probes at their steps, and writes down what they and the epochs say.

    Each of `scores` is a row of probes.csv, and each of `gaps` what those probes tell; each of
    `history` is a row of history.csv.
    """

    def __init__(
        self, probes: Probes, batch_size: int, live: LiveLog, advance: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._probes, self._batch_size = probes, batch_size
        self._live, self._advance = live, advance
        self._step = 0
        self.scores: list[Row] = []
        self.gaps: list[Gap] = []
        self.history: list[Row] = []

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to resume from here, as JSON takes it."""
        gaps = [gap.as_dict() for gap in self.gaps]
        return {
            "step": self._step,
            "scores": self.scores,
            "gaps": gaps,
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a `state`; what it holds is logged again, in the same order."""
        self._step = state["step"]
        self.scores[:], self.history[:] = state["scores"], state["history"]
        self.gaps[:] = [Gap(**gap) for gap in state["gaps"]]
        ended = {row["epoch"]: row for row in self.history}
        for row in self.scores:
            self._log_scores(row)
            if row["epoch"] in ended:
                self._log_epoch(ended[row["epoch"]])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count the step; score where the schedule says so."""
        self._step += 1
        self._advance(1)
        if self._step not in self._probes.points:
            return
        epoch, scores = self._probes.points[self._step], self._probes.score(self._step)
        fed = self._step * self._batch_size
        self.scores.append({"epoch": epoch, "frames_fed": fed} | _columns(scores))
        # Once all of training is fed none is unseen; dropped frames, never fed, lie between.
        unseen = "unseen" if epoch < 1 else "dropped"
        self.gaps.append(dissect(epoch, scores.losses, scores.frames, unseen))
        self._log_scores(self.scores[-1])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write down the epoch's training loss."""
        rate = float(self.model.optimizer.learning_rate)
        self.history.append(
            {"epoch": epoch + 1, "loss": float((logs or {})["loss"]), "learning_rate": rate}
        )
        self._log_epoch(self.history[-1])

    def write(self, folder: Path, kept_epoch: int) -> Verdict:
        """Write what was recorded; return the gap early and at the epoch whose weights are kept.

        probes.csv and history.csv, the same for TensorBoard, gap.json, and of it metrics.json for
        DVC.
        """
        probes = pl.DataFrame(self.scores, infer_schema_length=None)
        probes.write_csv(folder / "probes.csv", float_precision=6)
        epochs = [{name: _significant(v) for name, v in row.items()} for row in self.history]
        pl.DataFrame(epochs, infer_schema_length=None).write_csv(folder / "history.csv")
        write_events(self.scores, self.history, folder / "tensorboard")
        early = next((gap for gap in self.gaps if gap.epoch >= EARLY), self.gaps[-1])
        final = next((gap for gap in self.gaps if gap.epoch == kept_epoch), self.gaps[-1])
        write_json(_metrics(early, final) | {"kept_epoch": kept_epoch}, folder / "metrics.json")
        verdict = Verdict(early, final, kept_epoch)
        write_json(verdict.as_dict(), folder / FILE)
        return verdict

    def _log_scores(self, row: Row) -> None:
        self._live.step = row["frames_fed"] // self._batch_size
        for name in PROBES:
            if row[name] is not None:
                self._live.log_metric(f"probe/{name}", row[name])

    def _log_epoch(self, row: Row) -> None:
        for name in ("loss", "learning_rate"):
            self._live.log_metric(f"train/{name}", row[name])


def _columns(scores: Scores) -> Row:
    """Format scores as the columns of probes.csv: losses, their bands, frames, plain losses."""
    row: Row = {}
    for name, loss in scores.losses.items():
        low, high = loss.bounds() if loss else (None, None)
        row |= {name: loss and loss.value, f"{name}_low": low, f"{name}_high": high}
    row |= {f"{name}_frames": frames for name, frames in scores.frames.items()}
    return row | {f"{name}_plain": loss for name, loss in scores.plain.items()}


def _significant(value: Any) -> Any:
    """Cut a float to six significant digits: of a learning rate six decimals may all be 0."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _metrics(early: Gap, final: Gap) -> Row:
    """Return the gap in the few figures that one compares runs by; shares are of the final one."""
    return {
        "gap": final.gap,
        "gap_low": final.low["gap"],
        "gap_high": final.high["gap"],
        "gap_early": early.gap,
        "gap_early_low": early.low["gap"],
        "gap_early_high": early.high["gap"],
        **{name: final.shares.get(part) for part, name in _SHARES.items()},
    }


class LiveLog(Live):
    """Writes a training's figures below a folder as DVCLive's tables, and touches nothing else."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), dvcyaml=None, save_dvc_exp=False)

    def _init_dvc(self) -> None:
        """Look for no repository.

        DVCLive 3.49.1 wants one only to save experiments and to write dvc.yaml, both of which
        `dvc exp run` does here. Looking for it fails in a git repository without a commit, and
        makes a DVC project of one that is none.
        """
