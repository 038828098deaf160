"""Folds: every subject in one, whichever is asked for; published ones by name; wrong ones said."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.base.errors import UserError
from curate.split.folds import (
    choose_validation,
    lacking_subjects,
    published_folds,
    stratified_folds,
)
from curate.split.published_folds import PUBLISHED_FOLDS
from curate.tables import frame_id

RULE: dict[str, Any] = {"fraction": 0.2, "least": 10, "seed": 0}


def kept_table(frames: dict[str, int], dropped: frozenset[str] = frozenset()) -> pl.DataFrame:
    """Make decisions on one clip a subject; those of `dropped` have no kept frame."""
    rows = [
        (frame_id(f"{subject}-1", index), subject, f"{subject}-1", index, subject not in dropped)
        for subject, count in frames.items()
        for index in range(count)
    ]
    return pl.DataFrame(
        rows, ["id", "subject", "clip", "index", "keep"], orient="row", infer_schema_length=None
    ).cast({"index": pl.Int32})


def labelled(table: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    cells = np.random.default_rng(seed).integers(0, 4, (len(table), 2)) == 0
    units = [pl.Series(f"AU{n + 1}", cells[:, n].astype(np.int8)) for n in range(2)]
    return table.select("id", "subject", "clip", "index").with_columns(units)


NAMES = [f"s{number}" for number in range(9)]


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.integers(1, 30), min_size=3),
    st.sets(st.sampled_from(NAMES), max_size=2),
    st.integers(2, 4),
    st.integers(0, 2**20),
)
def test_the_folds_part_the_subjects_in_any_order_of_rows(
    frames: dict[str, int], dropped: set[str], folds: int, seed: int
) -> None:
    table = kept_table(frames, frozenset(dropped))
    labels = labelled(table)
    if len(set(frames) - dropped) < folds:
        with pytest.raises(UserError, match="is more than the subjects with kept frames"):
            choose_validation(table, labels, folds=folds, fold=1, **RULE)
        return
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    chosen = []
    for fold in range(1, folds + 1):
        held = choose_validation(table, labels, folds=folds, fold=fold, **RULE)
        assert set(held) - dropped
        assert held == choose_validation(shuffled, labels.reverse(), folds=folds, fold=fold, **RULE)
        chosen += held
    assert sorted(chosen) == sorted(frames)


def test_folds_are_numbered_by_their_first_subject() -> None:
    table = kept_table(dict.fromkeys(NAMES, 20))
    by_subject = stratified_folds(table, labelled(table), 3, 0)
    assert list(dict.fromkeys(by_subject[name] for name in NAMES)) == [1, 2, 3]


def test_the_seed_leaves_folds_as_they_are() -> None:
    table = kept_table(dict.fromkeys(NAMES, 20))
    labels = labelled(table)
    held = [
        choose_validation(table, labels, folds=3, fold=2, fraction=0.2, least=10, seed=seed)
        for seed in range(3)
    ]
    assert held[0] == held[1] == held[2]


@pytest.mark.parametrize(("name", "sizes"), [("disfa", [9, 9, 9]), ("bp4d", [13, 14, 14])])
def test_published_folds_are_whole(name: str, sizes: list[int]) -> None:
    tested = PUBLISHED_FOLDS[name].tested
    assert [len(subjects) for subjects in tested] == sizes
    assert len({s for subjects in tested for s in subjects}) == sum(sizes)
    assert all(PUBLISHED_FOLDS[name].subject(s) == s for subjects in tested for s in subjects)


@pytest.mark.parametrize(
    ("folds", "name", "fold"),
    [
        ("disfa", "SN003", 1),
        ("disfa", "sn013", 2),
        ("disfa", "SN1", 3),
        ("disfa", "LeftVideoSN032_comp", 3),
        ("disfa", "RightVideoSN032_Comp", 3),
        ("bp4d", "f007", 1),
        ("bp4d", "M011_T3", 2),
        ("bp4d", "F001", 3),
    ],
)
def test_a_subject_is_found_in_its_published_fold(folds: str, name: str, fold: int) -> None:
    others = {"disfa": ["SN004", "SN024", "SN016"], "bp4d": ["F014", "M005", "M008"]}[folds]
    table = kept_table(dict.fromkeys([*others, name], 2))
    assert published_folds(table, folds)[name] == fold
    for asked in (1, 2, 3):
        held = choose_validation(table, labelled(table), folds=folds, fold=asked, **RULE)
        assert (name in held) == (asked == fold)


def test_subjects_of_no_published_fold_are_named() -> None:
    table = kept_table(dict.fromkeys(["SN001", "SN014", "Anna", "SN0011", "SN099"], 2))
    with pytest.raises(UserError, match="disfa: Anna, SN014, SN099 are in no published fold of"):
        published_folds(table, "disfa")
    many = kept_table({f"p{number:02d}": 1 for number in range(12)})
    with pytest.raises(UserError, match="p09 and 2 more are in no published fold of BP4D"):
        published_folds(many, "bp4d")
    one = kept_table({"xf001": 1, "F002": 1, "F0023": 1})
    with pytest.raises(UserError, match="bp4d: xf001 is in no published fold"):
        published_folds(one, "bp4d")


def test_a_stranger_without_a_kept_frame_is_let_be() -> None:
    table = kept_table({"SN001": 2, "SN013": 2, "Anna": 2}, frozenset({"Anna"}))
    assert published_folds(table, "disfa") == {"SN001": 3, "SN013": 2}


def test_published_subjects_that_the_footage_lacks_are_listed() -> None:
    everyone = [s for tested in PUBLISHED_FOLDS["disfa"].tested for s in tested]
    assert lacking_subjects(kept_table(dict.fromkeys(everyone, 1)), "disfa") == []
    table = kept_table(dict.fromkeys([s.lower() for s in everyone[2:]], 1))
    assert lacking_subjects(table, "disfa") == ["SN003", "SN029"]


@pytest.mark.parametrize(
    ("folds", "fold", "said"),
    [
        (1, 1, "folds: 1 is not allowed, for one fold leaves nobody to train on; must be 0"),
        (3, 4, "fold: 4 is not allowed with folds: 3, must be 1 to 3"),
        ("disfa", 4, "fold: 4 is not allowed with folds: disfa, must be 1 to 3"),
        (0, 2, "fold: 2 is not allowed with folds: 0, must be 1; set folds to 2 to 100"),
        (4, 1, "folds: 4 is more than the subjects with kept frames, 2; set folds to at most 2,"),
        ("disfa", 1, "fold: 1 of disfa holds none of the footage's subjects"),
        ("disfa", 3, "fold: 3 of disfa holds all of the footage's subjects"),
    ],
)
def test_folds_that_there_cannot_be_are_said(folds: int | str, fold: int, said: str) -> None:
    table = kept_table({"SN001": 3, "SN002": 3})
    with pytest.raises(UserError, match=said):
        choose_validation(table, labelled(table), folds=folds, fold=fold, **RULE)


def test_one_subject_has_no_folds() -> None:
    table = kept_table({"SN001": 3})
    with pytest.raises(UserError, match=r"kept frames, 1; set folds to 0 \(validation_fraction"):
        choose_validation(table, labelled(table), folds=2, fold=1, **RULE)
