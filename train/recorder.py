"""What training leaves behind on its way: probe scores, epoch losses, and the gap they tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import polars as pl
from dvclive import Live

from curate.errors import UserError
from train import gap
from train.probes import Probes
from train.verdict import Gap, dissect, sentence

_EARLY = 0.25  # of the first epoch: where the source of the gap shows before it is memorised


class Recorder(keras.callbacks.Callback):
    """Scores the probes at their steps, and writes down what they and the epochs say."""

    def __init__(self, probes: Probes, live: Live, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._probes, self._live, self._advance = probes, live, advance
        self._step = 0
        self.scores: list[dict[str, float | int | None]] = []
        self.history: list[dict[str, float | int]] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count the step; score where the schedule says so; stop when the loss has run away."""
        self._step += 1
        self._advance(1)
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            raise UserError(
                f"the training loss is no longer a number at step {self._step}; lower lr"
            )
        if self._step in self._probes.points:
            self._record(self._probes.points[self._step])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write down the epoch's training loss."""
        rate = float(self.model.optimizer.learning_rate)
        self.history.append(
            {"epoch": epoch + 1, "loss": float((logs or {})["loss"]), "learning_rate": rate}
        )
        self._live.log_metric("train/loss", self.history[-1]["loss"])

    def _record(self, epoch: float) -> None:
        losses, plain, frames = self._probes.score(self._step)
        row: dict[str, float | int | None] = {
            "epoch": epoch,
            "frames_fed": self._step * self._probes._batch_size,
        }
        row |= losses
        row |= {f"{name}_frames": n for name, n in frames.items()}
        row |= {f"{name}_plain": loss for name, loss in plain.items()}
        self.scores.append(row)
        self._live.step = self._step
        for name, loss in losses.items():
            if loss is not None:
                self._live.log_metric(f"probe/{name}", loss)


def write_scores(scores: list[dict], history: list[dict], folder: Path) -> list[Gap]:
    """Write probes.csv, history.csv and gap.json; answer the gap early and at the end."""
    pl.DataFrame(scores, infer_schema_length=None).write_csv(
        folder / "probes.csv", float_precision=6
    )
    pl.DataFrame(history).write_csv(folder / "history.csv", float_precision=6)
    early = next((s for s in scores if s["epoch"] >= _EARLY), scores[-1])
    gaps = [_gap(early), _gap(scores[-1])]
    words = [sentence(g) for g in gaps]
    content = {
        "early": gaps[0].as_dict(),
        "final": gaps[1].as_dict(),
        "early_verdict": words[0],
        "final_verdict": words[1],
        "verdict": " ".join(words),
    }
    (folder / "gap.json").write_text(json.dumps(content, indent=2) + "\n")
    return gaps


def _gap(row: dict) -> Gap:
    losses = {name: row[name] for name in gap.PROBES}
    frames = {name: row[f"{name}_frames"] for name in gap.PROBES}
    unseen = "unseen" if row["epoch"] < 1 else "dropped"
    return dissect(row["epoch"], losses, frames, unseen)
