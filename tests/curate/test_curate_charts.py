"""The charts of `curate` draw, for normal and for degenerate input, and show its numbers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from curate.base.params import Parameters
from curate.search.lag import measure_lags
from curate.suggest import chart as suggest
from curate.suggest.choice import Result, suggest_stage
from curate.tables import FRAMES, frame_id, write_table
from curate.viz import lag, near_duplicates
from curate.viz.style import format_epochs, save, spread


def texts(figure: Figure) -> str:
    """Return all that is written in a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def drawn(figure: Figure, folder: Path) -> str:
    """Draw to a file, because layout fails late, and return what is written."""
    save(figure, folder / "chart.png")
    assert (folder / "chart.png").stat().st_size > 1000
    return texts(figure)


def hashed(clips: int, frames: int, seconds: float | None) -> pl.DataFrame:
    """Make clips in which frame i has the i lowest bits set: distance is lag."""
    rows = [
        (f"c{clip}", i, None if seconds is None else i * seconds, (1 << i) - 1)
        for clip in range(clips)
        for i in range(frames)
    ]
    schema = {"clip": pl.String, "index": pl.Int32, "time": pl.Float64, "hash": pl.UInt64}
    return pl.DataFrame(rows, schema, orient="row")


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (hashed(2, 40, 0.05), "seconds between"),
        (hashed(2, 40, None), "frames between"),
        (hashed(1, 40, None), "differ in 5 of 64 bits"),
        (hashed(3, 1, None), "No two frames"),
        (hashed(2, 4, None).with_columns(hash=pl.lit(None, pl.UInt64)), "No two frames"),
    ],
    ids=["video", "images", "one clip", "single pictures", "nothing readable"],
)
def test_lag_draws(frames, words, tmp_path):
    figure = lag.draw(measure_lags(frames, seed=0), distance=4, stride=5)
    assert words in drawn(figure, tmp_path)


def test_lag_marks_distance_and_stride():
    lags = measure_lags(hashed(2, 40, 0.05), seed=0)
    written = texts(lag.draw(lags, distance=4, stride=5))
    assert "distance 4" in written
    assert "stride 5" in written
    assert "distance" not in texts(lag.draw(lags, distance=-1, stride=5)).replace("Distance", "")


def suggested(
    folder: Path, frames: pl.DataFrame, labels: pl.DataFrame | None, strides=(1, 2, 5)
) -> Result:
    missing = [name for name in FRAMES if name not in frames.columns]
    table = frames.with_columns(pl.lit(None, FRAMES[name]).alias(name) for name in missing)
    write_table(table, folder / "frames.parquet", FRAMES)
    if labels is not None:
        labels.write_parquet(folder / "labels.parquet")
    known = None if labels is None else folder / "labels.parquet"
    return suggest_stage(
        None, folder / "frames.parquet", known, Parameters(), strides, (-1, 0, 2), workers=1
    )


def test_suggest_draws_frames_and_events(frames_table, labels_of, tmp_path):
    frames = frames_table({clip: [(1 << i // 2) - 1 for i in range(60)] for clip in "ab"})
    labels = labels_of(frames, AU1=[int(i % 20 < 10) for i in range(120)])
    result = suggested(tmp_path, frames, labels)
    written = drawn(suggest.draw(result), tmp_path)
    stride, distance = result.chosen.stride, result.chosen.distance
    assert f"Stride {stride} and distance {distance} leave {result.chosen.frames} of 120" in written
    assert "with a frame of 6 of 6 events" in written
    for words in (f"stride {stride}", f"distance {distance}: a near-duplicate", "off", "95%"):
        assert words in written


def test_suggest_draws_frames_alone_without_labels(frames_table, tmp_path):
    frames = frames_table({"a": [(1 << i // 2) - 1 for i in range(60)]})
    written = drawn(suggest.draw(suggested(tmp_path, frames, None)), tmp_path)
    assert "Frames left" in written
    assert "events" not in written


def test_suggest_draws_single_pictures_and_a_single_stride(frames_table, tmp_path):
    frames = frames_table({f"c{i}": [i] for i in range(5)})
    written = drawn(suggest.draw(suggested(tmp_path, frames, None, strides=(1,))), tmp_path)
    assert "No clip holds two frames." in written
    assert "leave 5 of 5 frames (100.0%)" in written


def duplicates(rows: list[tuple[str, int, int]]) -> pl.DataFrame:
    """Make decisions that drop (clip, index, distance) for the clip's first frame."""
    table = [(frame_id(c, i), c, "near_duplicate", frame_id(c, 0), d) for c, i, d in rows]
    schema = {
        "id": pl.String,
        "subject": pl.String,
        "reason": pl.String,
        "duplicate_of": pl.String,
        "distance": pl.Int32,
    }
    return pl.DataFrame(table, schema, orient="row")


def test_chosen_pairs_spread_over_distances_and_subjects():
    table = duplicates([(c, i, i % 3) for c in "abcd" for i in range(1, 31)])
    chosen = near_duplicates.choose_pairs(table, 12)
    assert [bits for _, _, bits in chosen] == [0] * 4 + [1] * 4 + [2] * 4
    subjects = [dropped[0] for _, dropped, _ in chosen]
    assert {subject: subjects.count(subject) for subject in "abcd"} == dict.fromkeys("abcd", 3)
    assert near_duplicates.choose_pairs(table.reverse(), 12) == chosen


def test_fewer_near_duplicates_than_places():
    assert len(near_duplicates.choose_pairs(duplicates([("a", 1, 0), ("a", 2, 3)]), 12)) == 2


def test_near_duplicates_shows_ids_and_distance(tmp_path):
    gray = np.full((16, 16, 3), 90, np.uint8)
    pairs = [near_duplicates.Pair("a/000000", "a/000005", bits, gray, gray) for bits in (1, 4)]
    written = drawn(near_duplicates.draw(pairs, 1234), tmp_path)
    for words in ("1,234 frames", "1 bit: a/000000\nand a/000005", "4 bits"):
        assert words in written


def test_no_near_duplicates(tmp_path):
    assert "No near-duplicates" in drawn(near_duplicates.draw([], 0), tmp_path)


def test_difference_is_amplified_on_white():
    one, other = np.full((2, 2, 3), 100, np.uint8), np.full((2, 2, 3), 97, np.uint8)
    expected = 255 - 3 * near_duplicates.AMPLIFIED
    assert (near_duplicates.difference(one, other) == expected).all()
    assert (near_duplicates.difference(one, one) == 255).all()


def test_a_long_id_keeps_clip_and_number():
    short = near_duplicates.shorten("a_very_long_name_of_a_clip_in_a_folder/000123")
    assert len(short) <= 34
    assert short.startswith("a_very")
    assert short.endswith("/000123")


def test_labels_are_spread_as_little_as_can_be():
    assert spread([0.0, 1.0], 0.5) == [0.0, 1.0]
    assert spread([1.0, 1.0], 0.5) == [0.75, 1.25]
    assert spread([], 0.5) == []


def test_epochs_are_written_as_people_say_them():
    assert [format_epochs(e) for e in (0.25, 1.0, 8.0)] == ["1/4 epoch", "1 epoch", "8 epochs"]


def test_no_chart_has_colours_or_sizes_of_words_of_its_own():
    root = Path(near_duplicates.__file__).parents[2]
    modules = [path for room in ("curate", "train") for path in root.glob(f"{room}/**/*.py")]
    charts = [path for path in modules if "import matplotlib" in path.read_text()]
    charts += [path for path in modules if "from matplotlib" in path.read_text()]
    assert len(charts) > 15
    own = re.compile(r"""["']#[0-9A-Fa-f]{3,8}["']|fontsize=[\d.]""")
    assert {p.name for p in charts if own.search(p.read_text())} <= {"style.py"}


def test_a_photograph_is_written_as_jpeg_the_same_twice(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    for name in ("one.jpg", "other.jpg"):
        save(
            near_duplicates.draw([near_duplicates.Pair("a", "b", 1, picture, picture)], 1),
            tmp_path / name,
        )
    written = (tmp_path / "one.jpg").read_bytes()
    assert written[:3] == b"\xff\xd8\xff"
    assert written == (tmp_path / "other.jpg").read_bytes()
