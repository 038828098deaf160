"""What the probes of the gap cost: their share of a training's time.

python -m benchmarks.probes [SHARDS] [--epochs 16] [--json]
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from curate.base import console
from curate.base.params import load_parameters


def main(
    shards: Annotated[Path, typer.Argument(help="folder of curate shards")] = Path(
        "data/tfrecords"
    ),
    epochs: Annotated[int | None, typer.Option(help="epochs to train")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Train once with the parameters of params.yaml, and time what the probes take of it."""
    console.configure(as_json=as_json)
    parameters = load_parameters(Path("params.yaml"), epochs=epochs)
    with console.quiet_tensorflow():
        from train.fit import loop as training
        from train.fit.stage import fit_stage
    spent: dict[str, float] = {"features": 0.0, "scores": 0.0}

    class Timed(training.Probes):
        """The probes, with a stop watch."""

        def __init__(self, *given: Any) -> None:
            start = time.perf_counter()
            super().__init__(*given)
            spent["features"] += time.perf_counter() - start

        def score(self, step: int) -> Any:
            """Score, and add up how long it takes."""
            start = time.perf_counter()
            scores = super().score(step)
            spent["scores"] += time.perf_counter() - start
            return scores

    training.Probes = Timed  # type: ignore[misc, assignment]
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        fit_stage(shards, Path(folder) / "fit", parameters)
        whole = time.perf_counter() - start
    both = sum(spent.values())
    rows = [(name, seconds, f"{seconds / whole:.1%}") for name, seconds in spent.items()]
    rows += [("probes", both, f"{both / whole:.1%}"), ("train fit, all of it", whole, "100.0%")]
    console.report(
        f"{shards}: {parameters.epochs} epochs",
        ["part", "seconds", "share"],
        rows,
        {**spent, "all": whole, "share": both / whole},
    )


if __name__ == "__main__":
    typer.run(main)
