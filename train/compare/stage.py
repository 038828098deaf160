"""Compare experiments: which is best, how sure that is, three charts and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from natsort import natsort_keygen

from curate.base.console import Summary
from curate.base.errors import UserError
from curate.base.files import atomic_folder, check_folder
from curate.base.text import format_cell, plural
from curate.viz.html import Picture, Table, render
from curate.viz.style import save_chart
from train.compare import chart_causes, chart_losses, chart_scores
from train.compare.best import GAP, MACRO_F1, Contender, find_best
from train.compare.table import format_table
from train.compare.words import cautions, explanation, headline
from train.experiments.entries import FINISHED
from train.experiments.names import differing, labels
from train.experiments.read import WORKSPACE, Experiment, read_experiments

_TEMPLATE = Path(__file__).with_name("compare.html")
_SHOWN = {
    "scores": "A dot an experiment, its macro F1 across and its gap upright, with 95 % intervals; "
    "the better, the further right and down.",
    "causes": "A bar an experiment, made of the parts of its gap: memorised frames, near-duplicate "
    "moments, people never seen; the gap and its 95 % interval below.",
    "losses": "A panel an experiment, all on the same axes: loss on frames seen, on other moments "
    "of the same people and on people never seen, by epochs fed.",
}
FILES = ("index.html", *(f"{name}.png" for name in _SHOWN))


@dataclass(frozen=True)
class Compared:
    """What a comparison found, row by row of its table.

    `verdict` is the one sentence, `explanations` are the figures that it rests on, `problems` what
    is missing, as (label, reason); `paths` are the files written, the page last.
    """

    contenders: list[Contender]
    differing: list[str]
    verdict: str
    explanations: list[str]
    problems: list[tuple[str, str]]
    paths: list[Path] = field(default_factory=list)

    def summary(self) -> Summary:
        """Format a row an experiment: gap, its shares, scores, frames, and what differs."""
        columns, rows = format_table(self.contenders, self.differing)
        folder = f"{self.paths[-1].parent}: " if self.paths else ""
        return Summary(
            f"{folder}{plural(len(rows), 'experiment')}",
            columns,
            rows,
            self.as_dict(),
            notes=[f"{label}: {problem}" for label, problem in self.problems],
            closing=[self.verdict, *self.explanations, *map(str, self.paths[-1:])],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return {
            "verdict": self.verdict,
            "explanations": self.explanations,
            "differing": self.differing,
            "experiments": [contender.as_dict() for contender in self.contenders],
            "files": [str(path) for path in self.paths],
        }


def run(names: Sequence[str], output: Path, root: Path = Path()) -> Compared:
    """Compare experiments of the DVC project at `root`; write charts and page to `output`.

    `names` are experiments, branches, tags, commits or `workspace`, and keep their order; without
    any, all experiments of the last commit are compared with it. The files are replaced together or
    not at all; the same experiments give the same bytes.

    Raises:
        UserError: no project, no experiments, an unknown name, or nothing in any to compare.
    """
    check_folder(output, *FILES)
    experiments = read_experiments(root, names)
    compared = judge(experiments if names else _in_order(experiments))
    if not any(each.results.gap or each.results.scores for each in experiments):
        first = dict(reversed(compared.problems))  # of each experiment
        reasons = "; ".join(f"{label}: {reason}" for label, reason in reversed(first.items()))
        raise UserError(f"nothing to compare: {reasons}")
    with atomic_folder(output, *FILES) as building:
        pictures = {
            name: save_chart(figure, building / f"{name}.png", _SHOWN[name])
            for name, figure in draw_charts(compared).items()
        }
        (building / "index.html").write_text(render_page(compared, pictures), encoding="utf-8")
    files = [*(f"{name}.png" for name in pictures), "index.html"]
    return replace(compared, paths=[output / file for file in files])


def _in_order(experiments: list[Experiment]) -> list[Experiment]:
    """Order experiments: the baseline, the workspace, the others by label."""
    by_label = natsort_keygen()
    labelled = zip(experiments, labels(experiments), strict=True)
    order = sorted(
        labelled, key=lambda two: (not two[0].baseline, two[0].name != WORKSPACE, by_label(two[1]))
    )
    return [experiment for experiment, _ in order]


def judge(experiments: list[Experiment]) -> Compared:
    """Describe what experiments differ in and which is best; nothing is drawn or written."""
    contenders = [
        Contender(number, label, experiment)
        for number, (label, experiment) in enumerate(
            zip(labels(experiments), experiments, strict=True), start=1
        )
    ]
    f1 = find_best(MACRO_F1, (contender.macro_f1 for contender in contenders))
    gap = find_best(GAP, (contender.gap for contender in contenders))
    return Compared(
        contenders,
        differing(experiments),
        f"{headline(f1, gap)}.",
        [explanation(f1), explanation(gap), *cautions(experiments)],
        [(c.label, problem) for c in contenders for problem in c.experiment.results.problems],
    )


def draw_charts(compared: Compared) -> dict[str, Figure]:
    """Draw every chart: file name without its ending, and figure, in the page's order."""
    points, bars, curves = [], [], []
    for contender in compared.contenders:
        experiment, f1, gap = contender.experiment, contender.macro_f1, contender.gap
        state = "gap unknown" if experiment.state == FINISHED else experiment.state
        bars.append(chart_causes.Bar(contender.label, experiment.results.gap, state))
        if f1 and gap:
            points.append(chart_scores.Point(contender.number, f1, gap, experiment.baseline))
        if experiment.results.probes is not None:
            curves.append(chart_losses.Curves(contender.label, experiment.results.probes))
    return {
        "scores": chart_scores.draw(points, compared.verdict.removesuffix(".")),
        "causes": chart_causes.draw(bars),
        "losses": chart_losses.draw(curves),
    }


def render_page(compared: Compared, pictures: dict[str, Picture]) -> str:
    """Render the page: the verdict first, then all that it rests on."""
    summary = compared.summary()
    cells = [[format_cell(cell, "–") for cell in row] for row in summary.rows]
    return render(
        _TEMPLATE,
        verdict=compared.verdict,
        explanations=compared.explanations,
        pictures=pictures,
        table=Table("Figures, and the parameters that differ", summary.columns, cells),
        problems=compared.problems,
    )
