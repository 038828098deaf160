"""From probe losses to words: how large the gap is, what it is made of, and the largest cause."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# A gap of less than this share of the loss on seen frames is not worth a cause.
NO_GAP = 0.1
# Fewer frames in a probe than this say nothing.
FEW_FRAMES = 30
WORDS = {
    "memorised": "memorised frames",
    "near_duplicate_moments": "near-duplicate moments",
    "people": "people it never saw",
    "same_people": "memorised frames and near-duplicate moments together",
}


@dataclass(frozen=True)
class Gap:
    """The gap at one time: its size and its parts in nats; None where a probe was missing.

    `gap` leads from seen frames to the worse of the two held-out probes: validation subjects can
    be easier than training's by chance, which does not undo what is lost on other moments.
    `memorised` + `near_duplicate_moments` = `same_people`; `people`, where positive, makes up the
    rest of the gap. After the first epoch no training frame is unseen; dropped frames, which lie
    between the fed ones and were never fed, then stand in for it.
    """

    epoch: float
    gap: float | None
    memorised: float | None
    near_duplicate_moments: float | None
    same_people: float | None
    people: float | None
    dropped: float | None
    cause: str

    def as_dict(self) -> dict[str, Any]:
        """Answer the figures, rounded to 4 digits, for JSON."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def dissect(
    epoch: float, losses: dict[str, float | None], frames: dict[str, int], unseen: str = "unseen"
) -> Gap:
    """Split the gap by cause from the probes' losses at one time.

    `unseen` names the probe of frames near the fed ones that were not fed themselves.
    """
    known = {
        name: loss
        for name, loss in losses.items()
        if loss is not None and frames[name] >= FEW_FRAMES
    }

    def between(lower: str, upper: str) -> float | None:
        return known[upper] - known[lower] if lower in known and upper in known else None

    held_out = [name for name in ("moments", "people") if name in known]
    worse = max(held_out, key=lambda name: known[name], default="people")
    parts = {
        "memorised": between("seen", unseen),
        "near_duplicate_moments": between(unseen, "moments"),
        "people": between("moments", "people"),
    }
    same = between("seen", "moments")
    gap = between("seen", worse)
    return Gap(
        epoch,
        gap,
        **parts,
        same_people=same,
        dropped=between("seen", "dropped"),
        cause=_largest(gap, known.get("seen", 0.0), parts, same),
    )


def _largest(
    gap: float | None, seen: float, parts: dict[str, float | None], same: float | None
) -> str:
    """Name the largest part of a gap that is worth naming."""
    if gap is None:
        return "unknown"
    if gap < NO_GAP * seen:
        return "none"
    measured = {name: part for name, part in parts.items() if part is not None}
    if same is not None and not {"memorised", "near_duplicate_moments"} & set(measured):
        measured["same_people"] = same
    return max(measured, key=lambda name: measured[name]) if measured else "unknown"


def sentence(gap: Gap) -> str:
    """Say in plain words what the gap is, with the figures that it rests on."""
    when = _when(gap.epoch)
    if gap.cause == "unknown" or gap.gap is None:
        return f"{when}: not enough data to say; a probe holds fewer than {FEW_FRAMES} frames."
    if gap.cause == "none":
        return f"{when}: no gap to speak of: {gap.gap:+.3f}, under {NO_GAP:.0%} of the loss."
    # Rounded as in gap.json, so that page, picture and words show the same digits.
    figures = {name: gap.as_dict()[name] for name in WORDS}
    if gap.memorised is not None or gap.near_duplicate_moments is not None:
        del figures["same_people"]
    listed = ", ".join(f"{WORDS[n]} {v:+.3f}" for n, v in figures.items() if v is not None)
    return f"{when}: the gap is {WORDS[gap.cause]}: {gap.gap:+.3f} in all, of it {listed}."


def _when(epoch: float) -> str:
    names = {0.0625: "1/16", 0.125: "1/8", 0.25: "1/4", 0.5: "1/2", 0.75: "3/4"}
    if epoch in names:
        return f"After {names[epoch]} of the first epoch"
    return f"After {epoch:g} epoch{'' if epoch == 1 else 's'}"


def table(gaps: list[Gap]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Lay gaps out as columns and rows: one row a part, one column a time."""
    names = ["gap", *WORDS, "dropped"]
    labels = {"gap": "gap: held out - seen", "dropped": "dropped - seen", **WORDS}
    rows = [(labels[name], *(getattr(gap, name) for gap in gaps)) for name in names]
    return ["part", *(f"epoch {gap.epoch:g}" for gap in gaps)], rows
