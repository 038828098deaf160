"""The functions of `import train`: paths and keywords in, plain results out, nothing printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from curate.base.arguments import PathLike, as_path, checked, warn

if TYPE_CHECKING:
    from train.evaluate.result import Evaluation
    from train.gap.verdict import Gap


def fit(
    shards: PathLike, output: PathLike, *, params: PathLike | None = None, **parameters: Any
) -> Gap:
    """Train from shards, write model, history, probes and gap, and return the gap at the end.

    A training that was killed is resumed, and ends as it would have ended.

    Args:
        shards: the folder that `curate.prepare` or `curate shards` wrote.
        output: a new folder, or one of an earlier training, which is replaced as a whole.
        params: a file of parameters, over which the keywords win [none is read].
        parameters: of stage fit, such as `lr`, `epochs`, `units` and `dropout`.

    Raises:
        BadParameterError: a value that is not allowed; its `key` says which.
        UserError: no or damaged shards, no known label, or a loss that is no longer a number.
    """
    from curate.base.console import quiet_tensorflow

    with quiet_tensorflow():
        from train.fit.stage import run

    summary = run(as_path(shards), as_path(output), checked(params, **parameters))
    warn(summary.notes)
    return gap(output)


def evaluate(
    model: PathLike,
    shards: PathLike,
    *,
    split: str | None = None,
    output: PathLike | None = None,
    params: PathLike | None = None,
    **parameters: Any,
) -> Evaluation:
    """Score a model on people it never saw: by action unit and mean, with 95 % intervals.

    Args:
        model: the file, or the folder that `fit` wrote.
        shards: a folder of shards.
        split: the split to score [validation, and its balanced subset].
        output: a folder for tables and predictions [nothing is written].
        params: a file of parameters, over which the keywords win [none is read].
        parameters: of stage evaluate: `threshold`, `seed`.

    Returns:
        The evaluation: `.units` and `.means` (a row a dict), `.metrics`, `.predictions` (polars).

    Raises:
        BadParameterError: a value that is not allowed; its `key` says which.
        UserError: no or damaged model or shards, or ones that do not go together.
    """
    from curate.base.console import quiet_tensorflow

    with quiet_tensorflow():
        from train.evaluate.result import write_evaluation
        from train.evaluate.stage import evaluate_model

    p = checked(params, **parameters)
    evaluation = evaluate_model(as_path(model), as_path(shards), split, p)
    if output is not None:
        write_evaluation(evaluation, as_path(output))
    warn(evaluation.notes)
    return evaluation


def gap(folder: PathLike, when: Literal["early", "final"] = "final") -> Gap:
    """Read the gap of a training taken apart, from the folder that `fit` wrote.

    Args:
        folder: such as data/fit.
        when: at the end, or early: a quarter through the first epoch.

    Returns:
        The gap: `.cause`, `.shares` of its parts, sizes in nats with the ends of their 95 %
        intervals in `.low` and `.high`.

    Raises:
        BadParameterError: another `when`.
        MissingInputError: no gap.json in the folder.
        DamagedInputError: one of something else.
    """
    from curate.base.errors import BadParameterError
    from train.gap.verdict import Gap

    if when not in ("early", "final"):
        raise BadParameterError(
            f"when: {when!r} is not allowed, must be early or final", key="when"
        )
    return Gap.read(as_path(folder), when)
