"""The command `train ablate`: experiments one after the other, each on its own, then compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from curate.base import console
from curate.base.cli import AsJson
from curate.base.console import Summary
from curate.base.files import check_folder
from curate.base.text import plural

if TYPE_CHECKING:
    from train.ablate.grid import Grid
    from train.ablate.run import Outcome


def ablate(
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "-S",
            "--set-param",
            metavar="KEY=VALUE[,VALUE...]",
            help="a key with several values: each combination is an experiment; with one: it "
            "holds in every experiment",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="list the experiments, run nothing")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="experiments at a time")] = 1,
    force: Annotated[
        bool, typer.Option("--force", help="run again, and replace, experiments of these names")
    ] = False,
    output: Annotated[Path, typer.Option(help="folder of the comparison")] = Path("comparison"),
    as_json: AsJson = False,
) -> None:
    """Run settings against each other as DVC experiments, one after the other, and compare them.

    Without -S it tells the project's story: all frames and none of the measures; then capping,
    the stride, near-duplicates, dropout, augmentation and a lower learning rate, each added to the
    step before, with the values of params.yaml. What no experiment changes runs first, once, in
    the workspace (data/, dvc.lock). Each experiment then runs in a copy of its own: the project may
    be edited meanwhile.

    Ctrl-C ends what runs; the same command goes on and runs nothing twice.

    Examples:

    - `train ablate`: the story

    - `train ablate -S epochs=4`: the story in short runs

    - `train ablate -S lr=0.001,0.0005 -S dropout=0,0.5`: four experiments, lr-0.001_dropout-0 ...

    - `train ablate -S units=[100],[1000,1000] --dry-run`: what would be run
    """
    from train.ablate.grid import make_grid
    from train.compare.stage import FILES

    check_folder(output, *FILES)  # now, and not after hours of training
    grid = make_grid(settings or [])
    if dry_run:
        console.show(_list_experiments(grid), as_json=as_json)
        return
    for sentence in grid.notes:
        console.note(sentence)
    from train.ablate.run import ablate as run

    with _live_line() as show:
        say = partial(console.say, stderr=as_json)
        outcomes = run(grid, jobs, force, say, show, console.note)
    _show(outcomes, output, as_json=as_json)
    if any(one.result == "failed" for one in outcomes):
        raise typer.Exit(1)


def _list_experiments(grid: Grid) -> Summary:
    rows = [(one.name, " ".join(one.overrides)) for one in grid.experiments]
    data = [
        {"name": one.name, "settings": one.settings, "command": one.command}
        for one in grid.experiments
    ]
    return Summary(
        f"{plural(len(rows), 'experiment')}, none run",
        ["experiment", "other than params.yaml"],
        rows,
        {"experiments": data},
        grid.notes,
        closing=[one.command for one in grid.experiments],
    )


@contextmanager
def _live_line() -> Iterator[Callable[[str], None] | None]:
    """Keep one line on the terminal that shows what goes on; None where there is no terminal."""
    terminal = Console(stderr=True, highlight=False)
    if not terminal.is_terminal:
        yield None
        return
    with terminal.status("") as line:
        yield lambda text: line.update(text.replace("[", r"\["))


def _show(outcomes: list[Outcome], output: Path, *, as_json: bool) -> None:
    """Print what became of each experiment, and the comparison of those that have a result."""
    from train.compare.stage import run as compare

    finished = [one.experiment.name for one in outcomes if one.result != "failed"]
    if as_json:
        compared = compare(finished, output).as_dict() if finished else None
        data = {"experiments": [one.as_dict() for one in outcomes], "comparison": compared}
        console.show_json(data)
        return
    console.show(_summarize(outcomes), as_json=False)
    if finished:
        console.show(compare(finished, output).summary(), as_json=False)


def _summarize(outcomes: list[Outcome]) -> Summary:
    from train.ablate.progress import format_duration

    rows = [
        (
            one.experiment.name,
            one.result,
            "" if one.seconds is None else format_duration(one.seconds),
            " ".join(one.experiment.overrides),
        )
        for one in outcomes
    ]
    failed = sum(one.result == "failed" for one in outcomes)
    title = f"{plural(len(rows), 'experiment')}, {failed} failed"
    notes = [
        f"{one.experiment.name} failed: {one.reason[-1].strip()} (all of it: {one.log})"
        for one in outcomes
        if one.reason
    ]
    return Summary(
        title, ["experiment", "result", "took", "other than params.yaml"], rows, {}, notes
    )
