"""Compare experiments: which is best, how sure that is, three charts and a page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from natsort import natsort_keygen

from curate.base.errors import UserError
from curate.base.files import atomic_folder, check_folder
from curate.base.text import format_cell
from curate.viz import html as page
from curate.viz.html import Table
from curate.viz.style import save
from train.compare import chart_causes as compare_causes
from train.compare import chart_losses as compare_losses
from train.compare import chart_scores as compare_scores
from train.compare.table import rows_of
from train.compare.words import best, cautions, explanation, final_gap, headline, macro_f1
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

    `labels` are what `experiments` are called; `verdict` is the one sentence, `explanations` are
    the figures that it rests on, `problems` what is missing, as (label, reason); `paths` are the
    files written, the page last.
    """

    experiments: list[Experiment]
    labels: list[str]
    differing: list[str]
    verdict: str
    explanations: list[str]
    problems: list[tuple[str, str]]
    paths: list[Path] = field(default_factory=list)

    def table(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Format a row an experiment: gap, its shares, scores, frames, and what differs."""
        return rows_of(self.experiments, self.labels, self.differing)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return {
            "verdict": self.verdict,
            "explanations": self.explanations,
            "differing": self.differing,
            "experiments": [
                {
                    "name": one.name,
                    "label": label,
                    "revision": one.revision,
                    "state": one.state,
                    "baseline": one.baseline,
                    "parameters": one.results.parameters,
                    "gap": one.results.gap and one.results.gap.as_dict(),
                    "validation": one.results.scores or None,
                    "training_frames": one.results.frames,
                    "problems": one.results.problems,
                }
                for one, label in zip(self.experiments, self.labels, strict=True)
            ],
            "files": [str(path) for path in self.paths],
        }


def compare(names: Sequence[str], output: Path, root: Path = Path()) -> Compared:
    """Compare experiments of the DVC project at `root`; write charts and page to `output`, whole.

    `names` are experiments, branches, tags, commits or `workspace`, and keep their order; without
    any, all experiments of the last commit are compared with it. The same experiments give the
    same bytes.

    Raises:
        UserError: no project, no experiments, an unknown name, or nothing in any to compare.
    """
    check_folder(output, *FILES)
    experiments = read_experiments(root, names)
    if not names:
        experiments = _in_order(experiments)
    compared = judge(experiments)
    if not any(one.results.gap or one.results.scores for one in experiments):
        said = "; ".join(f"{label}: {reason}" for label, reason in _first_problems(compared))
        raise UserError(f"nothing to compare: {said}")
    with atomic_folder(output, *FILES) as building:
        pictures = [
            _save(figure, building / f"{name}.png")
            for name, figure in draw_charts(compared).items()
        ]
        (building / "index.html").write_text(render_page(compared, pictures), encoding="utf-8")
    compared.paths.extend(output / f"{picture['name']}.png" for picture in pictures)
    compared.paths.append(output / "index.html")
    return compared


def _first_problems(compared: Compared) -> list[tuple[str, str]]:
    """Keep of each experiment the first thing that is missing."""
    return list(dict(reversed(compared.problems)).items())[::-1]


def _in_order(experiments: list[Experiment]) -> list[Experiment]:
    """Order experiments: the baseline, the workspace, the others by label."""
    by_label = natsort_keygen()
    called = {id(one): label for one, label in zip(experiments, labels(experiments), strict=True)}
    return sorted(
        experiments,
        key=lambda one: (not one.baseline, one.name != WORKSPACE, by_label(called[id(one)])),
    )


def judge(experiments: list[Experiment]) -> Compared:
    """Describe what experiments differ in and which is best; nothing is drawn or written."""
    called = labels(experiments)
    pairs = list(zip(experiments, called, strict=True))
    f1 = best([figure for pair in pairs if (figure := macro_f1(*pair))], highest=True)
    gap = best([figure for pair in pairs if (figure := final_gap(*pair))], highest=False)
    return Compared(
        experiments,
        called,
        differing(experiments),
        f"{headline(f1, gap)}.",
        [
            explanation(f1, "Macro F1, natural validation set"),
            explanation(gap, "Gap at the end, nats"),
            *cautions(experiments),
        ],
        [(label, problem) for one, label in pairs for problem in one.results.problems],
    )


def draw_charts(compared: Compared) -> dict[str, Figure]:
    """Draw every chart: file name without its ending, and figure, in the page's order."""
    pairs = list(zip(compared.experiments, compared.labels, strict=True))
    points = []
    for number, pair in enumerate(pairs, start=1):
        f1, gap = macro_f1(*pair), final_gap(*pair)
        if f1 and gap:
            points.append(compare_scores.Point(number, f1, gap, pair[0].baseline))
    bars = [compare_causes.Bar(label, one.results.gap, _in_short(one)) for one, label in pairs]
    curves = [
        compare_losses.Curves(label, one.results.probes)
        for one, label in pairs
        if one.results.probes is not None
    ]
    return {
        "scores": compare_scores.draw(points, compared.verdict.removesuffix(".")),
        "causes": compare_causes.draw(bars),
        "losses": compare_losses.draw(curves),
    }


def _in_short(experiment: Experiment) -> str:
    return "gap unknown" if experiment.state == FINISHED else experiment.state


def render_page(compared: Compared, pictures: list[dict[str, Any]]) -> str:
    """Render the page: the verdict first, then all that it rests on."""
    columns, rows = compared.table()
    cells = [[format_cell(cell, "–") for cell in row] for row in rows]
    return page.render(
        _TEMPLATE,
        verdict=compared.verdict,
        explanations=compared.explanations,
        pictures={picture["name"]: picture for picture in pictures},
        table=Table("Figures, and the parameters that differ", columns, cells),
        problems=compared.problems,
    )


def _save(figure: Figure, path: Path) -> dict[str, Any]:
    """Save a chart; return it as the page takes it: data URI, alternative text, sides in pixels."""
    save(figure, path)
    said = " ".join(figure.get_suptitle().split())
    width, height = (round(side) for side in figure.get_size_inches() * figure.dpi)
    return {
        "name": path.stem,
        "source": "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii"),
        "alternative": f"{said}. {_SHOWN[path.stem]}",
        "width": width,
        "height": height,
    }
