"""What the probes of the gap cost: their share of a training's time.

python -m benchmarks.probes [SHARDS] [--epochs 16] [--json]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from curate.base import console
from curate.base.console import Summary
from curate.base.params import load_parameters


def main(
    shards: Annotated[Path, typer.Argument(help="folder of curate shards")] = Path(
        "data/tfrecords"
    ),
    epochs: Annotated[int | None, typer.Option(help="epochs to train")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Train once with the parameters of params.yaml, and time what the probes take of it."""
    parameters = load_parameters(Path("params.yaml"), epochs=epochs)
    with console.quiet_tensorflow():
        from train.fit import loop
        from train.fit.stage import run as fit
    spent: dict[str, float] = {"features": 0.0, "scores": 0.0}
    build = loop.build_probes

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*given)
            finally:
                spent[part] += time.perf_counter() - start

        return run

    def build_timed(*given: Any) -> Any:
        probes = timed("features", build)(*given)
        return SimpleNamespace(points=probes.points, score=timed("scores", probes.score))

    loop.build_probes = build_timed  # type: ignore[assignment]
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        fit(shards, Path(folder) / "fit", parameters)
        whole = time.perf_counter() - start
    both = sum(spent.values())
    rows = [(name, seconds, f"{seconds / whole:.1%}") for name, seconds in spent.items()]
    rows += [("probes", both, f"{both / whole:.1%}"), ("train fit, all of it", whole, "100.0%")]
    summary = Summary(
        f"{shards}: {parameters.epochs} epochs",
        ["part", "seconds", "share"],
        rows,
        {**spent, "all": whole, "share": both / whole},
    )
    console.show(summary, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
