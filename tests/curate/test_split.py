"""Split: no subject on both sides, held-out moments whole, margins dropped with their reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.search.across import count_across
from curate.split import stage
from curate.split.rule import decide
from curate.tables import DEDUP, KEY, SPLIT, frame_id, write_table

RULE: dict[str, Any] = {
    "validation_fraction": 0.25, "moments_fraction": 0.15, "margin": 3, "seed": 0
}  # fmt: skip


def dedup_table(clips: dict[str, int], stride: int = 1) -> pl.DataFrame:
    """Make decisions on clips of so many frames; the subject is the clip's name up to '-'."""
    rows = [
        {
            "id": frame_id(clip, index),
            "subject": clip.split("-")[0],
            "clip": clip,
            "index": index,
            "keep": index % stride == 0,
            "reason": None if index % stride == 0 else "stride",
        }
        for clip, frames in clips.items()
        for index in range(frames)
    ]
    return pl.DataFrame(rows, schema={n: DEDUP[n] for n in [*KEY, "keep", "reason"]})


def labelled(dedup: pl.DataFrame, rate: Callable[[str], float] = lambda _: 0.3) -> pl.DataFrame:
    generator = np.random.default_rng(5)
    positive = [int(generator.random() < rate(subject)) for subject in dedup["subject"]]
    return dedup.select(list(KEY)).with_columns(pl.Series("AU1", positive, pl.Int8))


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(st.sampled_from(["a-1", "a-2", "b-1", "c-1", "d-1"]), st.integers(1, 60)),
    st.integers(1, 4),
    st.integers(0, 8),
    st.sampled_from([0.0, 0.15, 0.4]),
    st.integers(0, 2**20),
)
def test_every_frame_is_placed_once_and_no_neighbour_of_a_moment_is_learnt(
    clips: dict[str, int], stride: int, margin: int, moments: float, seed: int
) -> None:
    dedup = dedup_table(clips, stride)
    labels = labelled(dedup)
    rule = RULE | {"margin": margin, "moments_fraction": moments}
    table = decide(dedup, labels, **rule)
    assert table["id"].to_list() == dedup["id"].to_list()
    assert (table["keep"] == table["reason"].is_null()).all()
    assert table["split"].is_in(["train", "validation", "moments", "margin"]).all()
    before = dict(zip(dedup["id"], dedup["reason"], strict=True))
    for row in table.rows(named=True):
        own = "margin" if row["split"] == "margin" and before[row["id"]] is None else None
        assert row["reason"] == (before[row["id"]] or own)

    validation = set(table.filter(pl.col("split") == "validation")["subject"])
    assert validation.isdisjoint(table.filter(pl.col("split") != "validation")["subject"])
    assert len(validation) >= (len(set(dedup["subject"])) > 1)
    for _, clip in table.group_by("clip"):
        held = sorted(clip.filter(pl.col("split") == "moments")["index"])
        assert held == list(range(held[0], held[-1] + 1)) if held else True
        for index in clip.filter(pl.col("split") == "train")["index"]:
            assert not held or min(abs(index - held[0]), abs(index - held[-1])) > margin

    shuffled = dedup.sample(fraction=1, shuffle=True, seed=seed)
    again = decide(shuffled, labels.reverse(), **rule)
    assert again.sort("clip", "index").equals(table.sort("clip", "index"))


def test_moments_are_one_block_of_the_share_with_margins_dropped() -> None:
    dedup = dedup_table({"a-1": 200, "b-1": 200})
    table = decide(dedup, labelled(dedup), **RULE)
    (clip,) = set(table.filter(pl.col("split") == "moments")["clip"])
    counts = dict(table.filter(pl.col("clip") == clip).group_by("split").len().rows())
    assert counts["moments"] == 30
    assert counts["margin"] in (3, 4, 5, 6)
    margins = table.filter(pl.col("split") == "margin")
    assert set(margins["reason"]) == {"margin"}
    assert not margins["keep"].any()


def test_a_dropped_frame_in_the_margin_keeps_its_first_reason() -> None:
    dedup = dedup_table({"a-1": 200, "b-1": 200}, stride=2)
    table = decide(dedup, labelled(dedup), **RULE | {"margin": 10})
    assert set(table.filter(pl.col("split") == "margin")["reason"]) == {"stride", "margin"}


@pytest.mark.parametrize(
    ("frames", "margin", "held"), [(100, 20, 15), (100, 35, 15), (100, 36, 0), (3, 0, 0)]
)
def test_a_clip_too_short_gives_no_block(frames: int, margin: int, held: int) -> None:
    dedup = dedup_table({"a-1": frames})
    table = decide(dedup, labelled(dedup), **RULE | {"margin": margin})
    assert (table["split"] == "moments").sum() == held
    if not held:
        assert set(table["split"]) == {"train"}


def test_validation_has_the_wished_share_and_everyones_rates() -> None:
    dedup = dedup_table({f"s{number:02d}-1": 100 for number in range(20)})
    labels = labelled(dedup, lambda subject: 0.05 * (int(subject[1:]) % 10))
    table = decide(dedup, labels, **RULE).join(labels.select("id", "AU1"), on="id")
    validation = table.filter(pl.col("split") == "validation")
    assert validation["subject"].n_unique() == 5
    assert validation["AU1"].mean() == pytest.approx(table["AU1"].mean(), abs=0.01)


def test_an_action_unit_that_two_people_show_is_on_both_sides() -> None:
    # Rates alone would choose somebody who never shows it: 0 is nearer to 1 in 5 than 1 is.
    dedup = dedup_table({f"s{number}-1": 20 for number in range(10)})
    labels = labelled(dedup, lambda subject: float(subject in ("s1", "s2")))
    table = decide(dedup, labels, **RULE | {"moments_fraction": 0, "validation_fraction": 0.1})
    validation = set(table.filter(pl.col("split") == "validation")["subject"])
    assert len(validation & {"s1", "s2"}) == 1


def test_seed_moves_the_blocks_and_nothing_else_does() -> None:
    dedup = dedup_table({f"s{number}-1": 200 for number in range(6)})
    labels = labelled(dedup)
    first = decide(dedup, labels, **RULE)
    assert first.equals(decide(dedup, labels, **RULE))
    assert not first.equals(decide(dedup, labels, **RULE | {"seed": 1}))
    fewer = decide(dedup.filter(pl.col("subject") != "s5"), labels, **RULE)
    one, other = (t.filter(pl.col("split") == "moments") for t in (first, fewer))
    assert one.join(other, on="clip", how="semi").equals(other.join(one, on="clip", how="semi"))
    assert set(one["clip"]) & set(other["clip"])


def held_indices(table: pl.DataFrame) -> dict[str, list[int]]:
    held = table.filter(pl.col("split") == "moments").group_by("clip").agg("index")
    return {clip: sorted(indices) for clip, indices in held.rows()}


def test_a_clip_s_block_is_drawn_by_its_name_and_stays_where_it_was() -> None:
    table = decide(dedup_table({"a-1": 200}), labelled(dedup_table({"a-1": 200})), **RULE)
    assert held_indices(table) == {"a-1": list(range(65, 95))}


@pytest.mark.parametrize("right", [600, 601, 598, 580, 630])
def test_both_cameras_hold_out_the_same_moment(right: int) -> None:
    clips = {
        f"{subject}-{side}": frames
        for subject in ("SN001", "SN002", "SN003")
        for side, frames in (("LeftVideo", 600), ("RightVideo", right))
    }
    dedup = dedup_table(clips)
    table = decide(dedup, labelled(dedup), **RULE | {"margin": 20})
    held = held_indices(table)
    assert len(held) == 4
    validation = set(table.filter(pl.col("split") == "validation")["clip"])
    assert {clip.split("-")[1] for clip in validation} == {"LeftVideo", "RightVideo"}
    for subject in {clip.split("-")[0] for clip in held}:
        assert held[f"{subject}-LeftVideo"] == held[f"{subject}-RightVideo"]
        assert len(held[f"{subject}-LeftVideo"]) == round(0.15 * min(600, right))
    assert len({indices[0] for indices in held.values()}) == 2


def test_clips_of_other_lengths_are_other_moments() -> None:
    dedup = dedup_table({"a-T1": 400, "a-T2": 500, "a-T3": 700})
    blocks = held_indices(decide(dedup, labelled(dedup), **RULE))
    assert [len(blocks[clip]) for clip in sorted(blocks)] == [60, 75, 105]
    alone = dedup.filter(pl.col("clip") == "a-T2")
    assert held_indices(decide(alone, labelled(alone), **RULE))["a-T2"] == blocks["a-T2"]


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 4), st.integers(0, 1), st.integers(0, 2**20))
def test_folds_hold_every_frame_out_once(folds: int, views: int, seed: int) -> None:
    clips = {f"s{n}-{view}": 30 + n for n in range(5) for view in range(views + 1)}
    dedup = dedup_table(clips, stride=2)
    labels = labelled(dedup)
    shuffled = dedup.sample(fraction=1, shuffle=True, seed=seed)
    held: list[str] = []
    for fold in range(1, folds + 1):
        table = decide(dedup, labels, **RULE, folds=folds, fold=fold)
        assert (table["keep"] == table["reason"].is_null()).all()
        validation = table.filter(pl.col("split") == "validation")
        training = table.filter(pl.col("split") != "validation")
        assert len(training)
        assert set(validation["subject"]).isdisjoint(training["subject"])
        again = decide(shuffled, labels.reverse(), **RULE, folds=folds, fold=fold)
        assert again.sort("clip", "index").equals(table.sort("clip", "index"))
        held += validation["id"].to_list()
    assert sorted(held) == sorted(dedup["id"])


def test_many_subjects_are_sampled_the_same_each_time() -> None:
    dedup = dedup_table({f"s{number:02d}-1": 2 for number in range(40)})
    tables = [decide(dedup, labelled(dedup), **RULE) for _ in range(2)]
    assert tables[0].equals(tables[1])
    assert tables[0].filter(pl.col("split") == "validation")["subject"].n_unique() == 10


def lay(
    folder: Path, dedup: pl.DataFrame, labels: pl.DataFrame, hashes: list[int]
) -> tuple[Path, ...]:
    paths = (folder / "dedup.parquet", folder / "labels.parquet", folder / "frames")
    extra = [pl.lit(None).alias("duplicate_of"), pl.lit(None).alias("distance")]
    write_table(dedup.with_columns(extra), paths[0], DEDUP)
    labels.write_parquet(paths[1])
    frames = dedup.select(list(KEY)).with_columns(pl.Series("hash", hashes, pl.UInt64))
    paths[2].mkdir()
    frames.write_parquet(paths[2] / "part.parquet")
    return paths


def run(folder: Path, dedup: pl.DataFrame, labels: pl.DataFrame, **given: Any) -> Any:
    kept, labelled_frames, frames = lay(folder, dedup, labels, list(range(len(dedup))))
    parameters = Parameters.model_validate({"margin": 3, **given})
    return stage.run(kept, labelled_frames, frames, folder / "split.parquet", parameters)


def test_stage_writes_the_table_and_counts_kept_frames(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 100, "b-1": 100}, stride=2)
    result = run(tmp_path, dedup, labelled(dedup))
    table = pl.read_parquet(tmp_path / "split.parquet")
    assert dict(table.schema) == SPLIT
    counts = dict(table.filter("keep").group_by("split").len().rows())
    assert result.data["frames"] == {s: counts[s] for s in ("train", "validation", "moments")}
    assert result.data["subjects"] == {"train": 1, "validation": 1, "moments": 1}


def test_one_subject_leaves_validation_empty_with_a_note(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 100, "a-2": 100})
    result = run(tmp_path, dedup, labelled(dedup))
    assert result.data["frames"]["validation"] == 0
    assert "one subject only: nobody is left to validate on; validation stays empty" in result.notes


def test_no_kept_frame_is_said_to_be_that(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 10, "b-1": 10}).with_columns(
        pl.lit(False).alias("keep"), pl.lit("unlabelled").alias("reason")
    )
    result = run(tmp_path, dedup, labelled(dedup))
    assert result.data["frames"] == {"train": 0, "validation": 0, "moments": 0}
    assert result.notes == ["no frame was kept by dedup; there is nothing to split"]


def test_an_action_unit_without_a_positive_is_noted(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 40, "b-1": 40})
    labels = labelled(dedup, lambda subject: float(subject == "a"))
    result = run(tmp_path, dedup, labels, moments_fraction=0)
    without = {"train", "validation"} - {
        split for split, rate in result.data["AU1 rate"].items() if rate
    }
    assert result.notes[-1].startswith(f"no positive in {without.pop()}: AU1; cannot be ")


def test_few_positives_in_validation_are_noted_in_one_sentence(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 40, "b-1": 40})
    zeros = [pl.lit(0, pl.Int8).alias(name) for name in ("AU2", "AU4", "AU9")]
    labels = dedup.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"), *zeros)
    seldom = pl.col("index") < pl.when(pl.col("subject") == "a").then(4).otherwise(3)
    labels = labels.with_columns(seldom.cast(pl.Int8).alias("AU2"))
    labels = labels.with_columns((pl.col("index") < 5).cast(pl.Int8).alias("AU9"))
    given = {"moments_fraction": 0, "validation_positives": 7, "folds": 2, "fold": 2}
    result = run(tmp_path, dedup, labels, **given)
    thin, never, *rest = result.notes
    assert thin == (
        "fewer than 7 positives in validation: AU2 (3), AU9 (5); their precision and recall say "
        "little, so let more people validate"
    )
    assert never == "no positive in train: AU4; cannot be learnt"
    assert len(rest) == 1
    short = {"AU2": 3, "AU4": 0, "AU9": 5}
    assert result.data["validation positives"] == {"wanted": 7, "short": short}
    assert result.data["AU2 positives"] == {"train": 4, "validation": 3, "moments": 0}
    assert result.data["validation subjects"] == ["b"]
    rows = {row[0]: row[-1] for row in result.rows}
    assert (rows["AU1 rate"], rows["AU2 rate"], rows["frames"]) == (40, 3, None)


def test_enough_positives_are_not_noted(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 40, "b-1": 40})
    labels = dedup.select(list(KEY)).with_columns(pl.lit(1, pl.Int8).alias("AU1"))
    result = run(tmp_path, dedup, labels, moments_fraction=0, validation_positives=40)
    assert result.notes == []
    assert result.data["validation positives"] == {"wanted": 40, "short": {}}


def test_clips_too_short_for_a_block_are_counted(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 7, "a-2": 5, "a-3": 100, "b-1": 7, "b-2": 5, "b-3": 100})
    labels = labelled(dedup, lambda _: 1.0)
    result = run(tmp_path, dedup, labels, folds=2, validation_positives=0)
    (note,) = result.notes
    assert note == (
        "2 clips are too short to hold out 15% with a margin of 3 frames on either side, and all "
        "in training (b-1, ...)"
    )
    assert result.data["clips without moments"] == 2


def test_published_folds_by_name_say_who_is_lacking(tmp_path: Path) -> None:
    dedup = dedup_table({"sn003-1": 60, "SN013-1": 60, "SN002-1": 60})
    labels = labelled(dedup, lambda _: 1.0)
    result = run(tmp_path, dedup, labels, folds="disfa", fold=1)
    (note,) = result.notes
    assert note.startswith("of the published folds' subjects, the footage lacks 24: SN001, SN004,")
    assert result.data["validation subjects"] == ["sn003"]


def test_near_duplicates_across_splits_are_counted() -> None:
    table = pl.DataFrame(
        {
            "id": list("abcde"),
            "keep": [True, True, True, True, False],
            "split": ["train", "train", "validation", "moments", "moments"],
        }
    )
    values = pl.Series("hash", [0, 1, 1, 7, 0], dtype=pl.UInt64)
    hashes = table.select("id").with_columns(values)
    assert count_across(table, hashes, 1) == {"validation": 2, "moments": 0}
    assert count_across(table, hashes, 2) == {"validation": 2, "moments": 1}
    assert count_across(table, hashes, -1) == {"validation": 1, "moments": 0}


def test_decisions_on_other_frames_are_refused(tmp_path: Path) -> None:
    dedup = dedup_table({"a-1": 4, "b-1": 4})
    kept, labels, frames = lay(tmp_path, dedup, labelled(dedup), list(range(8)))
    part = pl.read_parquet(frames / "part.parquet")
    part.filter(pl.col("index") > 0).write_parquet(frames / "part.parquet")
    with pytest.raises(UserError, match="frames: lacks the frame a-1/000000; make the decisions"):
        stage.run(kept, labels, frames, tmp_path / "split.parquet", Parameters())
    assert not (tmp_path / "split.parquet").exists()
