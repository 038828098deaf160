"""The gap between frames fed and frames held out: its size, its parts, its cause, in words.

No statement is made that its 95 % interval does not support: a gap is named where its interval, or
that of what is lost on the same people, lies above 0, and a cause where that of its part does.
Where the interval holds both 0 and a gap worth naming, there is not enough data to say. The figures
are made in `train.gap.dissect`, their intervals in `train.gap.intervals`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from curate.base.console import Summary
from curate.base.errors import DamagedInputError
from curate.base.files import read_json
from curate.base.text import format_interval, plural
from train.gap.losses import FEW_FRAMES

FILE = "gap.json"  # in the folder of `train fit`
NO_GAP = 0.1  # a gap of less than this share of the loss on seen frames is not worth a cause
NONE, UNKNOWN = "none", "unknown"  # causes that name no part
NAMES = {
    "memorised": "memorised frames",
    "near_duplicate_moments": "near-duplicate moments",
    "people": "people it never saw",
    "same_people": "memorised frames and near-duplicate moments together",
}
_CAUSE = Field(pattern=f"^({'|'.join([*NAMES, NONE, UNKNOWN])})$")
_FINE = ("memorised", "near_duplicate_moments")
_FRACTIONS = {0.0625: "1/16", 0.125: "1/8", 0.25: "1/4", 0.5: "1/2", 0.75: "3/4"}


@dataclass(frozen=True)
class Gap:
    """The gap at one time: its size and its parts in nats; None where a probe was missing.

    `gap` leads from seen frames to the worse of the two held-out probes: validation subjects can
    be easier than training's by chance, which does not undo what is lost on other moments.
    `memorised` + `near_duplicate_moments` = `same_people`; `people`, where positive, makes up the
    rest of the gap. After the first epoch no training frame is unseen; dropped frames, which lie
    between the fed ones and were never fed, then stand in for it. `dropped` is dropped - seen.

    `low` and `high` are the ends of each figure's 95 % interval, None where a probe came from one
    clip only; `worth` is the size from which a gap is worth a cause. `cause` is the largest part
    whose interval lies above 0, "none" (no gap) or "unknown" (not enough data to say); `shares` of
    a named gap by part, parts below 0 left out, add up to 1; `shares_low` and `shares_high` are the
    ends of their 95 % intervals, None where some draw has no part above 0.
    """

    epoch: float
    gap: float | None
    memorised: float | None
    near_duplicate_moments: float | None
    same_people: float | None
    people: float | None
    dropped: float | None
    cause: Annotated[str, _CAUSE]
    worth: float | None
    low: dict[str, float | None]
    high: dict[str, float | None]
    shares: dict[str, float]
    shares_low: dict[str, float | None]
    shares_high: dict[str, float | None]

    @classmethod
    def read(cls, folder: Path, when: Literal["early", "final"] = "final") -> Gap:
        """Read the gap of the weights kept, or the early one, from a folder of `train fit`.

        Raises:
            UserError: no gap.json in `folder`, or not one of `train fit`.
        """
        verdict = Verdict.read(folder / FILE)
        return verdict.early if when == "early" else verdict.final

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return asdict(self)

    def bounds(self, name: str) -> tuple[float, float] | tuple[None, None]:
        """Return the ends of a figure's 95 % interval, None where there is none."""
        low, high = self.low[name], self.high[name]
        return (None, None) if low is None or high is None else (low, high)

    def parts(self) -> dict[str, float]:
        """Return the parts that the gap is known to be made of, the finest there are, in nats."""
        fine = [name for name in _FINE if getattr(self, name) is not None]
        values = {name: getattr(self, name) for name in (*(fine or ["same_people"]), "people")}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def finding(self) -> str:
        """What the gap is and how large, without its parts: a title."""
        return f"{_when(self.epoch)}: {_conclusion(self)}."

    @property
    def sentence(self) -> str:
        """What the gap is, in plain words, with all figures that it rests on."""
        parts = ", ".join(f"{NAMES[part]} {_figure(self, part)}" for part in self.parts())
        if self.low["gap"] is None or self.cause == NONE:
            parts = ""
        elif self.cause != UNKNOWN:
            parts = f" in all, of it {parts}"
        else:
            parts = f": {parts}"
        return f"{_when(self.epoch)}: {_conclusion(self)}{parts}{_missing(self)}."


@dataclass(frozen=True)
class Verdict:
    """What gap.json holds: the gap early in training, that of the weights kept, and their epoch."""

    early: Gap
    final: Gap
    kept_epoch: int

    @classmethod
    def from_json(cls, content: object) -> Verdict:
        """Check what was parsed of gap.json; keys beside the figures are left out.

        Raises:
            ValidationError: something is missing or of another type; a ValueError.
        """
        return TypeAdapter(cls).validate_python(content)

    @classmethod
    def read(cls, path: Path) -> Verdict:
        """Read gap.json.

        Raises:
            UserError: no such file, or not one of `train fit`.
        """
        content = read_json(path, "train fit")
        try:
            return cls.from_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            wrong = f"lacks '{key}'" if first["type"] == "missing" else f"{key}: {first['msg']}"
            raise DamagedInputError(
                f"{path}: {wrong}; make it again with 'train fit'", path=path, key=key
            ) from None

    @property
    def cause(self) -> str:
        """The cause to treat: the early one, unless only the end shows a gap."""
        return self.final.cause if self.early.cause in (NONE, UNKNOWN) else self.early.cause

    @property
    def sentence(self) -> str:
        """Both gaps in plain words, with all figures that they rest on."""
        return f"{self.early.sentence} {self.final.sentence}"

    def as_dict(self) -> dict[str, Any]:
        """Return what gap.json holds: the figures, and the words that follow from them."""
        return {
            "early": self.early.as_dict(),
            "final": self.final.as_dict(),
            "early_verdict": self.early.sentence,
            "final_verdict": self.final.sentence,
            "early_finding": self.early.finding,
            "final_finding": self.final.finding,
            "verdict": self.sentence,
            "kept_epoch": self.kept_epoch,
        }


def _conclusion(gap: Gap) -> str:
    if gap.gap is None or gap.worth is None:
        return f"not enough data to say; a probe holds fewer than {FEW_FRAMES} frames"
    if gap.low["gap"] is None:
        return f"not enough data to say; {gap.gap:+.3f} is the gap of a single clip"
    size = _figure(gap, "gap")
    if gap.cause == NONE:
        return f"no gap to speak of: {size}, under {gap.worth:.3f}, {NO_GAP:.0%} of the loss"
    if gap.cause != UNKNOWN:
        share = f" ({gap.shares[gap.cause]:.0%} of it)" if gap.cause in gap.shares else ""
        return f"the gap is {NAMES[gap.cause]}{share}: {size}"
    if gap.low["gap"] > 0:
        return f"a gap of {size}, but not enough data to say of what"
    worth = f"may be nothing or worth naming (from {gap.worth:.3f})"
    return f"not enough data to say; the gap of {size} {worth}"


def _figure(gap: Gap, name: str) -> str:
    """Write a figure with the ends of its interval: "+0.170 (0.120 to 0.210)"."""
    interval = format_interval(*gap.bounds(name))
    return f"{getattr(gap, name):+.3f}" + (f" ({interval})" if interval else "")


def _missing(gap: Gap) -> str:
    """Describe which part of a known gap stays unknown because frames to compare are missing."""
    if gap.gap is None or gap.people is not None:
        return ""
    if gap.same_people is None:
        return "; what other moments cost is unknown: too few frames are held out of training clips"
    return f"; what new people cost is unknown: fewer than {FEW_FRAMES} validation frames"


def _when(epoch: float) -> str:
    if epoch in _FRACTIONS:
        return f"After {_FRACTIONS[epoch]} of the first epoch"
    return f"After {plural(float(epoch), 'epoch')}"


def summarize(output: Path, verdict: Verdict) -> Summary:
    """Lay out the early and the final gap: a row a part; its figure and interval at each time."""
    labels = {"gap": "gap: held out - seen", **NAMES, "dropped": "dropped - seen"}
    columns = ["part"]
    rows: dict[str, list[Any]] = {name: [label] for name, label in labels.items()}
    gaps = {"early": verdict.early, "final": verdict.final}
    for gap in gaps.values():
        columns += [f"epoch {gap.epoch:g}", "95 % interval"]
        for name, row in rows.items():
            row += [getattr(gap, name), format_interval(*gap.bounds(name))]
    return Summary(
        f"{output}: the gap, in nats of loss",
        columns,
        [tuple(row) for row in rows.values()],
        {name: gap.as_dict() for name, gap in gaps.items()},
        closing=[gap.sentence for gap in gaps.values()],
    )
