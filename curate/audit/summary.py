"""What an audit found: every check with its verdict, examples, and what to do."""

from __future__ import annotations

from dataclasses import asdict

from curate.audit.checks import OK, Check, leaks
from curate.audit.inputs import Material
from curate.base.console import Summary
from curate.base.text import plural


def summarize(material: Material, checks: list[Check], distance: int) -> Summary:
    """Format the checks of an audit; `distance` in bits is what counts as a near-duplicate.

    Below the table stand, for each check that is not ok, examples and what to do.
    """
    advice = [sentence for check in checks if check.verdict != OK for sentence in _advise(check)]
    count = leaks(checks)
    result = f"{plural(count, 'check')} found a leak." if count else "No leak found."
    return Summary(
        title(material, distance),
        ["check", "finding", "verdict"],
        [(check.name, check.finding, check.verdict) for check in checks],
        {
            "audited": material.title,
            "frames": len(material.frames),
            "distance": distance,
            "splits": {name: len(frames) for name, frames in material.splits.items()},
            "leaks": count,
            "checks": [asdict(check) for check in checks],
            "notes": material.notes,
        },
        material.notes,
        closing=[*advice, "", result],
    )


def title(material: Material, distance: int) -> str:
    """Describe what was audited, and what counts as a near-duplicate."""
    used = sum(map(len, material.splits.values()))
    return f"{material.title}: {used:,} frames in use, near-duplicates within {distance} bits"


def _advise(check: Check) -> list[str]:
    examples = [f"- {example}" for example in check.examples]
    return ["", f"{check.name} ({check.verdict}): {check.advice}.", *examples]
