"""What one run of the pipeline left behind: parameters, gap, probes, scores and training frames.

Files are read at a revision, from git and DVC's cache: nothing is checked out, so the workspace
stays as it is. A file that is missing, or that was made with other parameters than params.yaml
says, is a reason, not an error.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from train.gap.losses import COLUMNS
from train.gap.verdict import Gap, Verdict

PARAMETERS, LOCK = "params.yaml", "dvc.lock"
_GAP, _PROBES = "data/fit/gap.json", "data/fit/probes.csv"
_SCORES, _SHARDS = "data/evaluation/metrics.json", "data/tfrecords/dataset_info.json"


@dataclass
class Results:
    """What a run left behind; what is not there is empty or None, and `problems` says why.

    `gap` is the gap of the weights kept, `probes` the losses of probes.csv with
    their 95 % intervals, `scores` those of the natural validation set, `frames` how many frames
    were trained on.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    gap: Gap | None = None
    probes: pl.DataFrame | None = None
    scores: dict[str, Any] = field(default_factory=dict)
    frames: int | None = None
    problems: list[str] = field(default_factory=list)


class _MissingError(Exception):
    """A file is not there or not what it should be; the text says which and why."""


def read_results(files: Any) -> Results:
    """Read what a run left behind from `files`, a `dvc.api.DVCFileSystem` at its revision."""
    results = Results()
    results.parameters = _try(results, lambda: _yaml(files, PARAMETERS)) or {}
    lock = _try(results, lambda: _yaml(files, LOCK)) or {}
    stale = outdated(lock, results.parameters)

    def read(path: str, parse: Callable[[bytes], Any]) -> Any:
        return _try(results, lambda: _current(files, path, parse, stale))

    results.gap = read(_GAP, _parse_gap)
    results.probes = read(_PROBES, _parse_probes)
    results.scores = read(_SCORES, _parse_scores) or {}
    results.frames = read(_SHARDS, _parse_frames)
    results.problems = list(dict.fromkeys(results.problems))
    return results


def read_parameters(files: Any) -> dict[str, Any]:
    """Read params.yaml alone; empty where there is none: a run that was never begun has no more."""
    return _try(Results(), lambda: _yaml(files, PARAMETERS)) or {}


def _try(results: Results, read: Callable[[], Any]) -> Any:
    """Return what is read, or None, with the reason among the problems."""
    try:
        return read()
    except _MissingError as error:
        results.problems.append(str(error))
        return None


def _current(files: Any, path: str, parse: Callable[[bytes], Any], stale: dict[str, str]) -> Any:
    for out, reason in stale.items():
        if path == out or path.startswith(f"{out}/"):
            raise _MissingError(reason)
    return _parse(path, _read(files, path), parse)


def _read(files: Any, path: str) -> bytes:
    """Read a file.

    Raises:
        _MissingError: no run made it, or the cache lacks it.
    """
    try:
        with files.open(path, "rb") as file:
            return bytes(file.read())
    except Exception as error:  # a remote that the cache lacks it of fails in its own library's way
        if isinstance(error, FileNotFoundError) and not files.exists(path):
            raise _MissingError(f"{path}: not there; run it to its end with 'dvc repro'") from None
        raise _MissingError(f"{path}: not in the cache; 'dvc pull' or run it again") from None


def _yaml(files: Any, path: str) -> dict[str, Any]:
    from dvc.utils.serialize import parse_yaml  # DVC writes 2e-05, which PyYAML takes for a word

    return _parse(path, _read(files, path), lambda content: dict(parse_yaml(content, path) or {}))


def _parse(path: str, content: bytes, parse: Callable[[bytes], Any]) -> Any:
    from dvc.utils.serialize import ParseError

    wrong = (ValueError, KeyError, TypeError, AttributeError, ParseError)
    try:
        return parse(content)
    except (*wrong, pl.exceptions.PolarsError):
        raise _MissingError(f"{path}: not what the pipeline writes; run it again") from None


def _parse_gap(content: bytes) -> Gap:
    gap = Verdict.from_json(json.loads(content)).final
    if gap.gap is None:
        raise _MissingError(f"{_GAP}: knows no gap, too few frames were held out")
    return gap


def _parse_probes(content: bytes) -> pl.DataFrame:
    table = pl.read_csv(io.BytesIO(content), infer_schema=False)
    return table.select(pl.col(list(COLUMNS)).cast(pl.Float64)).sort("epoch")


def _parse_scores(content: bytes) -> dict[str, Any]:
    scores = dict(json.loads(content)["validation"])
    if scores["macro"]["f1"] is None:
        raise _MissingError(f"{_SCORES}: has no macro F1, nothing in validation could be scored")
    return scores


def _parse_frames(content: bytes) -> int:
    """Count the training frames by what TensorFlow Datasets writes beside the shards."""
    shards = {split["name"]: split["shardLengths"] for split in json.loads(content)["splits"]}
    return sum(int(length) for length in shards["train"])


def outdated(lock: dict[str, Any], parameters: dict[str, Any]) -> dict[str, str]:
    """Return, for each output of dvc.lock that is out of date, the reason.

    An output is out of date where its stage ran with other values, where what it was made from
    has been made anew since, or is out of date itself. Stages need not be in order.
    """
    stages = dict(lock.get("stages") or {})
    made = {out["path"]: out.get("md5") for stage in stages.values() for out in _outs(stage)}
    stale: dict[str, str] = {}
    for _ in stages:  # a chain is no longer than there are stages
        for name, stage in stages.items():
            reason = _other_parameters(name, stage, parameters) or _other_inputs(
                name, stage, made, stale
            )
            stale |= {out["path"]: reason for out in _outs(stage)} if reason else {}
    return stale


def _outs(stage: dict[str, Any]) -> list[dict[str, Any]]:
    return list(stage.get("outs") or [])


def _other_parameters(name: str, stage: dict[str, Any], parameters: dict[str, Any]) -> str | None:
    ran_with = (stage.get("params") or {}).get(PARAMETERS) or {}
    changed = [key for key in ran_with if ran_with[key] != parameters.get(key)]
    if not changed:
        return None
    return (
        f"stage {name} ran with another {' and '.join(changed)} than params.yaml has; "
        "run 'dvc repro'"
    )


def _other_inputs(
    name: str, stage: dict[str, Any], made: dict[str, str | None], stale: dict[str, str]
) -> str | None:
    for dependency in stage.get("deps") or []:
        path = dependency["path"]
        if path in stale:
            return stale[path]
        if path in made and made[path] != dependency.get("md5"):
            return f"stage {name} has not run since {path} changed; run 'dvc repro'"
    return None
