"""The field's published folds of DISFA and BP4D: three sets of subjects, each validating once.

`check_fold` is here too: `folds` is a number of folds, or one of these names.

Source: the subject-exclusive 3-fold protocol of the AU detection literature, as the code of
ME-GraphAU lists it (Luo et al., "Learning Multi-dimensional Edge Feature-based AU Relation Graph
for Facial Action Unit Recognition", IJCAI 2022; github.com/CVI-SZU/ME-GraphAU,
tool/DISFA_image_label_process.py and tool/BP4D_image_label_process.py). There fold 1 tests part
3, fold 2 part 2 and fold 3 part 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from curate.base.errors import BadParameterError


@dataclass(frozen=True)
class PublishedFolds:
    """A data set's folds: its name, how a subject is written, the subjects tested in each fold.

    `pattern` finds a subject in a name, in any case and with text around it: its first group is
    the letters, its second the number without leading zeros.
    """

    title: str
    pattern: re.Pattern[str]
    tested: tuple[tuple[str, ...], ...]

    def subject(self, name: str) -> str | None:
        """Return the published form of a subject's name (sn1: SN001), or None if it has none."""
        match = self.pattern.search(name)
        return f"{match.group(1).upper()}{int(match.group(2)):03d}" if match else None

    def fold(self, name: str) -> int | None:
        """Return the fold, from 1, in which the subject of this name is tested, if any."""
        subject = self.subject(name)
        return next((i for i, tested in enumerate(self.tested, 1) if subject in tested), None)


def _folds(*tested: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(subjects.split()) for subjects in tested)


PUBLISHED_FOLDS = {
    "disfa": PublishedFolds(
        "DISFA",
        re.compile(r"(SN)0*(\d{1,3})(?!\d)", re.IGNORECASE | re.ASCII),
        _folds(
            "SN003 SN029 SN023 SN025 SN008 SN005 SN007 SN017 SN004",
            "SN013 SN018 SN011 SN028 SN012 SN006 SN031 SN021 SN024",
            "SN002 SN010 SN001 SN026 SN027 SN032 SN030 SN009 SN016",
        ),
    ),
    "bp4d": PublishedFolds(
        "BP4D",
        re.compile(r"(?<![A-Z])([FM])0*(\d{1,3})(?!\d)", re.IGNORECASE | re.ASCII),
        _folds(
            "F007 F015 F006 F019 M006 M009 F012 M003 F004 F021 F017 M015 F014",
            "M011 F003 M010 M002 F005 F022 M018 M017 F013 M016 F020 F011 M013 M005",
            "F001 M007 F018 F008 F002 M004 F010 F009 M012 M001 F016 M014 F023 M008",
        ),
    ),
}


def check_fold(folds: int | str, fold: int) -> None:
    """Refuse a number of folds, or a fold, that there cannot be.

    Raises:
        BadParameterError: one fold only, or a fold beyond the last.
    """
    if folds == 1:
        raise BadParameterError(
            "folds: 1 is not allowed, for one fold leaves nobody to train on; must be 0 "
            "(validation_fraction decides), 2 to 100, disfa or bp4d",
            key="folds",
        )
    if folds == 0 and fold != 1:
        raise BadParameterError(
            f"fold: {fold} is not allowed with folds: 0, must be 1; set folds to 2 to 100, disfa "
            "or bp4d to have folds",
            key="fold",
        )
    most = len(PUBLISHED_FOLDS[folds].tested) if isinstance(folds, str) else max(1, folds)
    if not 1 <= fold <= most:
        raise BadParameterError(
            f"fold: {fold} is not allowed with folds: {folds}, must be 1 to {most}", key="fold"
        )
