"""The gap taken apart: its parts, its cause, its wording, and its way to JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.base.errors import UserError
from tests.train.made_gaps import make_verdict
from train.gap.dissect import dissect
from train.gap.intervals import Estimate
from train.gap.losses import FEW_FRAMES
from train.gap.verdict import Gap, Verdict, summarize

ENOUGH = dict.fromkeys(("seen", "unseen", "dropped", "moments", "people"), 500)
DRAWS = np.linspace(-1, 1, 101)


def _losses(seen, unseen, moments, people, dropped=None, spread=None, people_spread=None):
    """Losses whose 95 % intervals reach about `spread` to either side of the one of seen.

    None: tight ones. `people_spread` is that of people, if it is another.
    """
    values = {
        "seen": seen, "unseen": unseen, "dropped": dropped, "moments": moments, "people": people,
    }  # fmt: skip
    wide = dict.fromkeys(values, 0.001 if spread is None else spread) | {"seen": 0.0}
    wide["people"] = people_spread if people_spread is not None else wide["people"]
    return {
        name: None if value is None else Estimate(value, value + wide[name] * DRAWS)
        for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("losses", "cause"),
    [
        (_losses(0.2, 0.22, 0.39, 0.4), "near_duplicate_moments"),
        (_losses(0.2, 0.38, 0.4, 0.4), "memorised"),
        (_losses(0.2, 0.21, 0.22, 0.5), "people"),
        (_losses(0.2, 0.2, 0.205, 0.209), "none"),
        (_losses(0.2, None, 0.5, 0.6), "same_people"),
        (_losses(0.2, 0.25, 0.5, None), "near_duplicate_moments"),
        (_losses(None, None, None, None), "unknown"),
    ],
)
def test_the_cause_is_the_largest_part(losses, cause):
    assert dissect(0.25, losses, ENOUGH).cause == cause


@pytest.mark.parametrize(
    ("losses", "cause", "words"),
    [
        # holds both 0 and a gap worth naming (0.02)
        (_losses(0.2, 0.2, 0.21, 0.21, spread=0.05), "unknown", "may be nothing or worth naming"),
        (_losses(0.2, 0.22, 0.24, 0.24, spread=0.05), "unknown", "may be nothing or worth naming"),
        # holds 0, but nothing worth naming
        (_losses(0.2, 0.2, 0.205, 0.205, spread=0.01), "none", "no gap to speak of: +0.005 (-0.0"),
        # above 0, and small
        (_losses(0.2, 0.2, 0.215, 0.215, spread=0.01), "none", "no gap to speak of: +0.015 (0.0"),
        # a gap, of which no part is sure
        (_losses(0.2, 0.25, 0.3, 0.35, people_spread=0.01)
         | {"unseen": Estimate(0.25, 0.25 - 0.1 * DRAWS), "moments": Estimate(0.3, 0.3 + DRAWS)},
         "unknown", "0.160), but not enough data to say of what:"),
        # new people leave the gap open, the same people do not
        (_losses(0.2, 0.2, 0.3, 0.35, people_spread=0.3), "near_duplicate_moments", "(67% of it)"),
        # which of two parts is not clear, their sum is
        (_losses(0.2, 0.26, 0.3, None) | {"unseen": Estimate(0.26, 0.26 + 0.1 * DRAWS)},
         "same_people", "frames and near-duplicate moments together"),
    ],
    ids=["noise", "wide", "none", "small", "no part", "few people", "together"],
)  # fmt: skip
def test_nothing_is_said_that_the_band_does_not_carry(losses, cause, words):
    gap = dissect(0.25, losses, ENOUGH)
    assert gap.cause == cause
    assert words in gap.sentence


def test_a_cause_must_stand_out_of_the_noise_even_if_it_is_not_the_largest():
    losses = _losses(0.2, 0.28, 0.28, 0.4, people_spread=0.19)
    assert dissect(0.25, losses, ENOUGH).cause == "memorised"


def test_of_one_clip_nothing_is_said():
    clip = Estimate(0.5, np.full_like(DRAWS, np.nan))
    gap = dissect(0.25, _losses(0.2, 0.3, None, None) | {"moments": clip}, ENOUGH)
    assert (gap.cause, gap.low["gap"], gap.high["gap"]) == ("unknown", None, None)
    assert "not enough data to say; +0.300 is the gap of a single clip" in gap.sentence


def test_shares_add_up_and_leave_out_what_is_below_zero():
    shares = dissect(0.25, _losses(0.2, 0.25, 0.4, 0.3), ENOUGH).shares
    assert shares == {"memorised": 0.25, "near_duplicate_moments": 0.75, "people": 0.0}
    assert dissect(0.25, _losses(0.2, 0.2, 0.2, 0.2), ENOUGH).shares == {}


def test_a_shares_interval_is_that_of_its_draws():
    losses = _losses(0.2, 0.3, 0.5, None, spread=0.0)
    losses["unseen"] = Estimate(0.3, 0.3 + 0.2 * DRAWS)  # 0.1 to 0.5: memorised -0.1 to 0.3
    gap = dissect(0.25, losses, ENOUGH)
    assert gap.shares == pytest.approx({"memorised": 1 / 3, "near_duplicate_moments": 2 / 3}, 1e-3)
    assert gap.shares_low == pytest.approx({"memorised": 0, "near_duplicate_moments": 1 / 30}, 0.1)
    assert gap.shares_high == pytest.approx(
        {"memorised": 29 / 30, "near_duplicate_moments": 1}, 0.1
    )
    none = dissect(0.25, _losses(0.2, 0.2, 0.2, 0.2), ENOUGH)
    assert none.shares == none.shares_low == none.shares_high == {}


def test_a_share_has_no_interval_where_a_draw_has_no_gap():
    losses = _losses(0.2, 0.25, 0.3, None)
    losses["moments"] = Estimate(0.3, np.r_[0.1, np.full(100, 0.3)])
    losses["unseen"] = Estimate(0.25, np.r_[0.15, np.full(100, 0.25)])
    gap = dissect(0.25, losses, ENOUGH)
    assert gap.shares["memorised"] == 0.5
    assert gap.shares_low["memorised"] is gap.shares_high["memorised"] is None


def test_intervals_are_those_of_the_figures():
    gap = dissect(0.25, _losses(0.2, 0.3, 0.4, None, spread=0.1), ENOUGH)
    assert (gap.low["memorised"], gap.high["memorised"]) == pytest.approx((0.005, 0.195))
    # The same draws: what moves unseen moves moments.
    assert (gap.low["near_duplicate_moments"], gap.high["near_duplicate_moments"]) == (0.1, 0.1)


def _verdict():
    early, final = (dissect(epoch, _losses(0.2, 0.22, 0.39, None), ENOUGH) for epoch in (0.25, 2))
    return Verdict(early, final, kept_epoch=2)


def test_it_comes_back_from_json_as_it_was(tmp_path):
    verdict = _verdict()
    (tmp_path / "gap.json").write_text(json.dumps(verdict.as_dict()))
    assert Verdict.read(tmp_path / "gap.json") == verdict
    assert Gap.read(tmp_path) == verdict.final
    assert Gap.read(tmp_path, "early") == verdict.early


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"early": None}, "early: Input should be"),
        ({"final": {}}, "lacks 'final.epoch'"),
        ({"kept_epoch": "last"}, "kept_epoch: Input should be a valid integer"),
    ],
)
def test_a_gap_json_of_something_else_is_refused_with_its_key(change, message, tmp_path):
    (tmp_path / "gap.json").write_text(json.dumps(_verdict().as_dict() | change))
    with pytest.raises(UserError, match=rf"gap\.json: {message}.*make it again with 'train fit'"):
        Gap.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b"{", "not JSON"), (b"[1]", "not a JSON object")],
)
def test_a_gap_json_that_is_missing_or_damaged_is_refused(content, message, tmp_path):
    if content is not None:
        (tmp_path / "gap.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"gap\.json: {message}"):
        Verdict.read(tmp_path / "gap.json")


@pytest.mark.parametrize(
    ("early", "final", "cause"),
    [("memorised", "people", "memorised"), ("none", "people", "people"), ("none", "none", "none")],
)
def test_the_cause_to_treat_is_the_early_one_unless_only_the_end_shows_a_gap(early, final, cause):
    verdict = _verdict()
    gaps = (replace(verdict.early, cause=early), replace(verdict.final, cause=final))
    assert Verdict(*gaps, kept_epoch=2).cause == cause


def test_parts_add_up_to_the_gap():
    gap = dissect(0.25, _losses(0.2, 0.25, 0.45, 0.6), ENOUGH)
    assert gap.gap == pytest.approx(0.4)
    assert gap.memorised + gap.near_duplicate_moments == pytest.approx(gap.same_people)
    assert gap.same_people + gap.people == pytest.approx(gap.gap)


def test_easy_validation_subjects_do_not_hide_what_other_moments_cost():
    gap = dissect(0.25, _losses(0.3, 0.31, 0.4, 0.3), ENOUGH)
    assert gap.gap == pytest.approx(0.1)
    assert gap.people == pytest.approx(-0.1)
    assert gap.cause == "near_duplicate_moments"


def test_a_probe_of_few_frames_is_not_believed():
    few = ENOUGH | {"people": FEW_FRAMES - 1}
    gap = dissect(0.25, _losses(0.2, 0.25, 0.45, 9.0), few)
    assert gap.people is None
    assert gap.gap == pytest.approx(0.25)


def test_dropped_frames_stand_in_for_unseen_ones_after_the_first_epoch():
    gap = dissect(3.0, _losses(0.2, None, 0.5, 0.6, dropped=0.25), ENOUGH, "dropped")
    assert gap.memorised == pytest.approx(0.05)
    assert gap.near_duplicate_moments == pytest.approx(0.25)
    assert gap.cause == "near_duplicate_moments"


def test_the_sentence_carries_its_figures():
    words = dissect(0.25, _losses(0.2, 0.22, 0.39, 0.4), ENOUGH).sentence
    assert words.startswith(
        "After 1/4 of the first epoch: the gap is near-duplicate moments (85% of it): +0.200 ("
    )
    assert "near-duplicate moments +0.170 (0.170 to 0.170)" in words
    assert "memorised frames +0.020 (0.019 to 0.021)" in words


def test_what_is_missing_is_said():
    assert dissect(0.25, _losses(0.2, 0.3, 0.4, None), ENOUGH).sentence.endswith(
        "; what new people cost is unknown: fewer than 30 validation frames."
    )
    nowhere = dissect(0.25, _losses(0.2, 0.3, None, 0.4), ENOUGH)
    assert (nowhere.cause, nowhere.shares) == ("unknown", {})  # near-duplicates, or people?
    assert "what other moments cost is unknown" in nowhere.sentence


def test_table_and_sentence_round_alike():
    gap = dissect(0.25, _losses(0.2, 0.2, 0.2, 0.24748), ENOUGH)
    rows = summarize(Path("fit"), make_verdict(gap, gap)).rows
    assert f"{rows[0][1]:+.3f}" == "+0.048"
    assert "+0.048" in gap.sentence


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        (_losses(0.2, 0.2, 0.205, 0.209), "no gap to speak of"),
        (_losses(None, None, None, None), "not enough data to say"),
    ],
)
def test_it_says_when_there_is_nothing_to_say(losses, words):
    assert words in dissect(1.0, losses, ENOUGH).sentence


def test_the_table_has_two_columns_a_time():
    gaps = [dissect(e, _losses(0.2, 0.22, 0.39, 0.4), ENOUGH) for e in (0.25, 8.0)]
    summary = summarize(Path("fit"), make_verdict(*gaps))
    columns, rows = summary.columns, summary.rows
    assert summary.closing == [gap.sentence for gap in gaps]
    assert columns == ["part", "epoch 0.25", "95 % interval", "epoch 8", "95 % interval"]
    assert rows[0][:3] == ("gap: held out - seen", 0.2, "0.199 to 0.201")
