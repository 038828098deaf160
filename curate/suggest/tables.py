"""What `curate suggest` shows: its tables, and the same for machines."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curate.base.console import Summary, Table
from curate.base.paths import FRAMES, LABELS, PARAMS
from curate.suggest.candidates import OFF, Candidate
from curate.suggest.choice import Result
from curate.suggest.pace import format_lag
from curate.suggest.reasons import RULE

TableRow = tuple[Any, ...]
_PACE = ["clip", "no near-duplicates from", "unrelated from"]
_UNITS = ["action unit", "positives", "left", "events", "with a frame", "covered"]


def summarize(result: Result, path: Path, command_line: str, picture: Path) -> Summary:
    """Format what was found of the frames at `path`: candidates, action units, clips, reasons.

    `command_line` does as suggested; `picture` is where the chart was written.
    """
    usable = result.tried[0].frames
    columns, rows = _candidates(result)
    more = [Table("how fast pictures change", _PACE, _pace(result))]
    if result.tried[0].least is not None:
        more.insert(0, Table("left as suggested", _UNITS, _units(result)))
    return Summary(
        f"{path}: {result.frames:,} frames, {usable:,} usable",
        columns,
        rows,
        _as_data(result, command_line, picture),
        result.notes,
        more,
        _closing(result, command_line, picture),
    )


def format_distance(distance: int) -> str:
    """Write a distance in bits as the options take it: "off" or a number."""
    return "off" if distance == OFF else str(distance)


def _candidates(result: Result) -> tuple[list[str], list[TableRow]]:
    """Return columns and rows: every stride at the distance suggested, and every distance at the
    stride suggested, after all frames.
    """
    total, chosen = result.tried[0], result.chosen
    columns = ["stride", "distance", "frames", "share"]
    columns += ["least left of", "events", "covered"] if total.least else []
    rows = [
        _candidate_row(candidate, total, candidate is chosen)
        for candidate in result.tried
        if candidate is total
        or candidate.distance == chosen.distance
        or candidate.stride == chosen.stride
    ]
    return [*columns, ""], rows


def _candidate_row(candidate: Candidate, total: Candidate, suggested: bool) -> TableRow:
    row: TableRow = (
        candidate.stride,
        format_distance(candidate.distance),
        candidate.frames,
        f"{candidate.frames / total.frames:.1%}",
    )
    if candidate.least is not None:
        name, covered = candidate.least
        events = f"{candidate.units[name].events} of {total.units[name].events}"
        row += (name, events, f"{covered:.1%}")
    return (*row, "<- suggested" if suggested else "")


def _units(result: Result) -> list[TableRow]:
    """Return, for each action unit, positives and events of all frames and of those suggested."""
    total, chosen = result.tried[0].units, result.chosen.units
    return [
        (
            name,
            total[name].positives,
            left.positives,
            total[name].events,
            left.events,
            "" if left.covered is None else f"{left.covered:.1%}",
        )
        for name, left in chosen.items()
    ]


def _pace(result: Result) -> list[TableRow]:
    """Return a row for all clips together, then for the fastest, middle and slowest of them."""
    pace, clips = result.pace, result.clips
    name = "all clips" if len(clips) > 1 else clips["clip"][0]
    if pace.longest is None:
        return [(name, "not measured", "not measured")]
    rows = [_pace_row(name, pace.changes, pace.unrelated, pace.interval)]
    ordered = clips.drop_nulls("changes").sort("changes", "clip")
    if len(clips) > 1 and len(ordered):
        for place, row in {"fastest": 0, "middle": len(ordered) // 2, "slowest": -1}.items():
            clip, _, _, interval, changes, unrelated = ordered.row(row)
            rows.append(_pace_row(f"{place}: {clip}", changes, unrelated, interval))
    return rows


def _pace_row(
    name: str, changes: int | None, unrelated: int | None, interval: float | None
) -> TableRow:
    lags = (changes, unrelated)
    return (name, *("not reached" if lag is None else format_lag(lag, interval) for lag in lags))


def command(
    result: Result, path: Path | None, frames: Path, labels: Path | None, params: Path
) -> str:
    """Write the command line that does as suggested, with the paths that `suggest` was given.

    Frames without labels go as a PATH: the pipeline's stage does not run without labels.
    """
    chosen = result.chosen
    footage = frames if path is None and not result.labelled else path
    places: list[tuple[str, Path | None, Path | None]] = [("--params", params, PARAMS)]
    if footage is None:
        places += [("--frames", frames, FRAMES), ("--labels", labels or LABELS, LABELS)]
    else:
        places += [("--labels", labels, None)]
    words = ["curate", "dedup", *([] if footage is None else [str(footage)])]
    words += ["--stride", str(chosen.stride), "--distance", str(chosen.distance)]
    words += [
        word for name, place, usual in places if place != usual for word in (name, str(place))
    ]
    return shlex.join(words)


def _closing(result: Result, command_line: str, picture: Path) -> list[str]:
    """Return the suggestion with its reasons, the rule, the command to run and the picture."""
    chosen, total = result.chosen, result.tried[0]
    return [
        "",
        f"Suggested: stride {chosen.stride}, distance {format_distance(chosen.distance)} leave "
        f"{chosen.frames:,} of {total.frames:,} frames ({chosen.frames / total.frames:.1%}).",
        *(f"- {reason}" for reason in result.reasons),
        RULE,
        f"Picture: {picture}",
        f"Run: {command_line}",
    ]


def _as_data(result: Result, command_line: str, picture: Path) -> dict[str, Any]:
    """Return all that was found, for machines; a distance of -1 is off, lags are in frames."""
    chosen, pace = result.chosen, result.pace
    return {
        "frames": result.frames,
        "usable": result.tried[0].frames,
        "labels": result.labelled,
        "pace": asdict(pace) | {"independent": pace.independent},
        "clips": _clips_as_data(result),
        "candidates": [_candidate_as_data(candidate) for candidate in result.tried],
        "suggestion": {
            "stride": chosen.stride,
            "distance": chosen.distance,
            "frames": chosen.frames,
            "reasons": result.reasons,
            "command": command_line,
        },
        "rule": RULE,
        "picture": str(picture),
    }


def _candidate_as_data(candidate: Candidate) -> dict[str, Any]:
    return {
        "stride": candidate.stride,
        "distance": candidate.distance,
        "frames": candidate.frames,
        "action_units": {name: asdict(left) for name, left in candidate.units.items()},
    }


def _clips_as_data(result: Result) -> list[dict[str, Any]]:
    curves = result.lags.clips.group_by("clip", maintain_order=True).agg("lag", "median", "mean")
    joined = result.clips.join(curves, on="clip", how="left", maintain_order="left")
    return joined.rename({"lag": "lags", "median": "medians", "mean": "means"}).to_dicts()
