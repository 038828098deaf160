"""Gallery: the right frames side by side, on a page that is bounded and fetches nothing."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest

from curate.audit.inputs import Material
from curate.gallery.inputs import Inputs
from curate.gallery.page import render_gallery, write_gallery
from curate.gallery.sections import Group, Section, Tile, choose_groups
from curate.tables import DEDUP, KEY

Run = Callable[..., CompletedProcess[str]]


class Page(HTMLParser):
    """What a page shows: its pictures, its words, and the addresses that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str]] = []
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids |= {given["id"]} if "id" in given else set()
        self.links += [given["href"]] if "href" in given else []
        self.images += [given] if tag == "img" else []

    def handle_data(self, data: str) -> None:
        self.words += data


def decisions(groups: dict[str, list[tuple[str, int]]]) -> pl.DataFrame:
    """Make dedup's table of kept frames and what was dropped for each: (id, bits)."""
    rows: list[tuple[Any, ...]] = []
    for kept, dropped in groups.items():
        rows.append((kept, True, None, None, None))
        rows += [(name, False, "near_duplicate", kept, bits) for name, bits in dropped]
    keys = [(name, name[0], name[0], number) for number, (name, *_) in enumerate(rows)]
    table = [(*key, *row[1:]) for key, row in zip(keys, rows, strict=True)]
    return pl.DataFrame(table, schema=DEDUP, orient="row")


def noise(ids: list[str]) -> dict[str, Any]:
    generator = np.random.default_rng(len(ids))
    return {name: generator.integers(0, 256, (200, 200, 3), np.uint8) for name in ids}


def test_subjects_take_turns_and_the_widest_groups_come_first() -> None:
    table = decisions(
        {
            "a1": [("a2", 0)],
            "a3": [("a5", 4), ("a4", 0)],
            "b1": [("b2", 2)],
            "b3": [("b4", 2), ("b5", 2)],
            "c1": [],
        }
    )
    assert choose_groups(table, 3) == [
        ("a3", [("a4", 0), ("a5", 4)]),
        ("b3", [("b4", 2), ("b5", 2)]),
        ("b1", [("b2", 2)]),
    ]
    assert choose_groups(table.reverse(), 99) == choose_groups(table, 99)
    assert len(choose_groups(table, 99)) == 4
    assert choose_groups(table.clear(), 3) == []


def test_a_page_of_noise_stays_below_5_mb_and_counts_what_it_leaves_out(tmp_path: Path) -> None:
    table = decisions(
        {f"{n % 7}k{n}": [(f"{n % 7}d{n}-{i}", i % 5) for i in range(40)] for n in range(60)}
    )
    frames = table.select(list(KEY)).with_columns(
        pl.lit(0, pl.UInt64).alias("hash"),
        pl.lit(None, pl.Float64).alias("time"),
        pl.lit(1.0, pl.Float32).alias("sharpness"),
    )
    half = len(frames) // 2
    usable = frames.select([*KEY, "hash"])
    splits = {"train": usable[:half], "validation": usable[half:]}
    known = frames.select("id", (pl.int_range(pl.len()) % 2).cast(pl.Int8).alias("AU1"))
    shown = Inputs(Material("noise", frames, splits, (), known), table, noise)
    summary = write_gallery(shown, tmp_path / "page.html", distance=0, groups=30)
    assert summary.rows == [("groups", 30), ("crossing", 24), ("frozen", 6), ("labels", 1)]
    text = (tmp_path / "page.html").read_text()
    assert len(text) < 5_000_000
    assert text.count("and 33 more") == 30
    assert len(Page(text).images) == 30 * 8 + 24 * 3 + 6 * 3 + 3


def test_a_page_fetches_nothing_and_can_be_read_without_eyes() -> None:
    groups = [Group("two & more", [Tile("<a>", "kept", "AU1"), Tile("b", "1 bit")], 3, True)]
    sections = [
        Section("groups", "Near-duplicates", "2 found", "Two.", groups),
        Section("crossing", "Pairs", "", "None was found.", []),
    ]
    text = render_gallery("footage <1>", sections, noise(["<a>", "b"]))
    page = Page(text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[^\"]*", "", text))
    assert {"script", "link", "iframe"}.isdisjoint(page.tags)
    assert page.links == ["#groups", "#crossing"]
    assert {"groups", "crossing"} <= page.ids
    assert [image["alt"] for image in page.images] == [
        "kept: <a>",
        "1 bit: b",
        "white where the two are the same",
    ]
    for image in page.images:
        data = base64.b64decode(image["src"].removeprefix("data:image/jpeg;base64,"))
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (int(image["height"]), int(image["width"]), 3)
        assert max(picture.shape) == 112
    for words in ("footage <1>", "2 found", "two & more", "and 3 more", "None was found."):
        assert words in page.words


def test_colours_are_those_of_the_picture() -> None:
    red = np.zeros((50, 50, 3), np.uint8)
    red[:, :, 0] = 255
    group = Group("red", [Tile("a", "kept")])
    page = Page(render_gallery("", [Section("s", "", "", "", [group])], {"a": red}))
    data = base64.b64decode(page.images[0]["src"].partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert np.abs(picture[50, 50].astype(int) - [0, 0, 255]).max() < 15


def test_a_frame_without_picture_is_left_out() -> None:
    group = Group("one is lost", [Tile("a", "first"), Tile("b", "last")], differs=True)
    page = Page(render_gallery("", [Section("s", "", "", "", [group])], noise(["a"])))
    assert [image["alt"] for image in page.images] == ["first: a"]


def test_the_pipelines_near_duplicates(
    tmp_path: Path, write_disfa: Callable[..., Path], curate: Run
) -> None:
    write_disfa(tmp_path / "data/demo", subjects=3, frames=40)
    for words in (
        ["labels"],
        ["frames", "--workers", "1"],
        ["dedup", "--stride", "1", "--distance", "20"],
        ["split", "--margin", "2"],
    ):
        assert curate(*words).returncode == 0
    for name in ("one.html", "two.html"):
        ran = curate("gallery", "--output", name, "--groups", "2", "--json")
        assert ran.returncode == 0
    assert json.loads(ran.stdout)["groups"] == 2
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    table = pl.read_parquet(tmp_path / "data/dedup.parquet")
    (kept, dropped), *_ = choose_groups(table, 2)
    page = Page((tmp_path / "one.html").read_text())
    alternatives = [image["alt"] for image in page.images]
    assert f"kept: {kept}" in alternatives
    assert any(alternative.endswith(dropped[-1][0]) for alternative in alternatives)
    assert "AU1" in page.words


def test_a_folder_is_thinned_and_two_are_compared(
    write_image: Callable[..., Path], tmp_path: Path, curate: Run
) -> None:
    for number, seed in enumerate([1, 1, 2]):
        write_image(tmp_path / "old" / f"{number}.png", seed)
        write_image(tmp_path / "new" / f"{number}.png", seed + 1)
    ran = curate("gallery", "old", "--stride", "1", "--distance", "0")
    assert ran.returncode == 0
    alone = Page((tmp_path / "gallery.html").read_text())
    assert [image["alt"] for image in alone.images] == ["kept: 0.png", "dropped, 0 bits: 1.png"]
    assert "1 near-duplicate dropped" in alone.words

    assert curate("gallery", "old", "new", "--distance", "0").returncode == 0
    both = Page((tmp_path / "gallery.html").read_text())
    named = {image["alt"] for image in both.images}
    assert {"old: old/2.png", "new: new/0.png", "new: new/1.png"} <= named


def test_no_near_duplicates_is_said(
    write_image: Callable[..., Path], tmp_path: Path, curate: Run
) -> None:
    for seed in range(3):
        write_image(tmp_path / "old" / f"{seed}.png", seed)
    assert curate("gallery", "old", "--stride", "1").returncode == 0
    page = Page((tmp_path / "gallery.html").read_text())
    assert page.images == []
    assert "No frame was dropped as a near-duplicate." in page.words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["old", "--output", "page.pdf"], "page.pdf: the page is written as .html"),
        (["old", "--output", "old/page.html"], "old/page.html: lies inside old"),
        (["--stride", "5"], "--stride: goes with a PATH"),
        (["old", "new", "third"], "third: is one path too many"),
        ([], "holds no frames; make them with 'curate frames'"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    write_image: Callable[..., Path],
    tmp_path: Path,
    curate: Run,
    arguments: list[str],
    message: str,
) -> None:
    write_image(tmp_path / "old" / "0.png")
    ran = curate("gallery", *arguments)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert not list(tmp_path.rglob("*.html"))
