"""Tables: written whole or not at all, and read with a sentence for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from curate.base.errors import UserError
from curate.base.files import atomic_folder, atomic_write
from curate.tables import (
    DEDUP,
    FRAMES,
    KEY,
    SPLIT,
    action_units,
    clip_of,
    frame_id,
    key_columns,
    part_path,
    read_frames,
    read_jpegs,
    read_own_table,
    read_parts,
    read_rows,
    read_table,
    split_frame_id,
    write_table,
)

ROW = {"id": "a/000000", "subject": "a", "clip": "a", "index": 0}


def test_frame_ids_sort_as_frames_do() -> None:
    assert [frame_id("a/b", n) for n in (7, 10)] == ["a/b/000007", "a/b/000010"]


def test_key_columns_are_those_of_frame_id() -> None:
    table = pl.DataFrame({"index": [0, 7, 1_234_567]}).select(key_columns("a{}/b", "a"))
    assert table["id"].to_list() == [frame_id("a{}/b", index) for index in table["index"]]
    assert table.schema == pl.Schema(KEY)


def test_a_frame_id_comes_apart_as_it_was_made() -> None:
    assert split_frame_id(frame_id("a/b", 7)) == ("a/b", 7)
    assert split_frame_id("a/b/7") == ("a/b", 7)
    assert clip_of(frame_id("a/b", 7)) == "a/b"


@pytest.mark.parametrize("name", ["000007", "/7", "a/", "a/b", "a/-1"])
def test_what_is_no_frame_id_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: not a frame's id, which is CLIP/INDEX"):
        split_frame_id(name)


def test_action_units_by_number_without_intensities() -> None:
    table = pl.DataFrame(schema=["AU12", "AU2", "AU2_intensity", "AUdio", "id"])
    assert action_units(table) == ["AU2", "AU12"]


def test_part_of_a_clip_in_folders_lies_in_folders() -> None:
    assert part_path(Path("frames"), "p/one.two") == Path("frames/p/one.two.parquet")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "table"
    path.parent.mkdir()
    path.write_text("old")

    def fail() -> None:
        with atomic_write(path) as partial:
            partial.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert [p.name for p in path.parent.iterdir()] == ["table"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "CSV"])
def test_columns_and_types_are_those_of_the_schema(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"dedup.{suffix}"
    extra = {"duplicate_of": None, "distance": None, "reason": None, "keep": True, "hash": 3}
    write_table(pl.DataFrame([extra | ROW]), path, DEDUP)
    read = pl.read_parquet(path) if suffix == "parquet" else pl.read_csv(path)
    assert read.columns == list(DEDUP)
    if suffix == "parquet":
        assert dict(read.schema) == DEDUP


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("labels", "curate labels"),
        ("dedup", "curate dedup"),
        ("split", "curate split"),
        ("cap", "curate cap"),
    ],
)
def test_a_missing_table_tells_how_to_make_it(tmp_path: Path, name: str, how: str) -> None:
    with pytest.raises(UserError, match=rf"{name}\.parquet: no such table; make it with '{how}'"):
        read_table(tmp_path / f"{name}.parquet", KEY)


def test_a_missing_table_of_the_users_own_names_no_command_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.parquet: no such table; give a table that a stage"):
        read_table(tmp_path / "mine.parquet", KEY)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "split.parquet"
    pl.DataFrame([ROW]).write_parquet(path)
    with pytest.raises(UserError, match=r"split\.parquet: lacks the column 'split'; make it"):
        read_table(path, SPLIT)


@pytest.mark.parametrize(
    "content", [b"", b"no table", b"PAR1 cut PAR1"], ids=["empty", "text", "cut"]
)
def test_a_file_that_is_no_parquet(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cap.parquet"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"cap\.parquet: not a readable Parquet table"):
        read_table(path, KEY)
    wanted = r"cap\.parquet: not a readable Parquet table \(.*\); make it with 'curate {}'"
    with pytest.raises(UserError, match=wanted.format("cap")):
        read_rows(path, pl.col("id") == "a", columns=["id"])
    for read in (read_frames, lambda part: read_parts([part]), lambda part: read_jpegs(part, "a")):
        with pytest.raises(UserError, match=wanted.format("frames")):
            read(path)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_brackets_in_a_path_are_no_pattern(tmp_path: Path, suffix: str) -> None:
    """Polars takes `[1]` for a class of characters, and finds no such file."""
    path = tmp_path / "take[1]" / f"dedup.{suffix}"
    row = ROW | {"keep": True, "reason": None, "duplicate_of": None, "distance": None}
    write_table(pl.DataFrame([row]), path, DEDUP)
    assert read_own_table(path)["id"].to_list() == [ROW["id"]]
    if suffix == "parquet":
        assert read_table(path, DEDUP)["id"].to_list() == [ROW["id"]]
        assert read_parts([path], list(KEY))["id"].to_list() == [ROW["id"]]


def test_jpegs_are_those_of_the_frames_asked_for(tmp_path: Path) -> None:
    jpegs = {"a/000000": b"0", "a/000001": None, "a/000002": b"2"}
    path = tmp_path / "a.parquet"
    pl.DataFrame({"id": jpegs.keys(), "jpeg": jpegs.values()}).write_parquet(path)
    assert read_jpegs(path, ["a/000001", "a/000002", "b/000000"]) == {"a/000002": b"2"}


def test_parts_are_read_by_clip_and_index_without_pictures(
    tmp_path: Path, frames_table: Callable[..., pl.DataFrame]
) -> None:
    for clip in ("b", "a"):
        table = frames_table({clip: [1, 2]}).reverse()
        missing = [
            pl.lit(None).cast(t).alias(n) for n, t in FRAMES.items() if n not in table.columns
        ]
        table.with_columns(missing).write_parquet(tmp_path / f"{clip}.parquet")
    read = read_frames(tmp_path)
    assert read["id"].to_list() == ["a/000000", "a/000001", "b/000000", "b/000001"]
    assert "jpeg" not in read.columns


@pytest.mark.parametrize("there", [True, False], ids=["empty folder", "no folder"])
def test_no_parts_tell_how_to_make_them(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "frames"
    if there:
        folder.mkdir()
    with pytest.raises(UserError, match="frames: holds no frames; make them with 'curate frames'"):
        read_frames(folder)


def test_a_folder_of_another_kind_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    sentence = "holds something else than model.keras; choose another folder"
    with pytest.raises(UserError, match=sentence), atomic_folder(tmp_path, "model.keras"):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_users_file_beside_an_earlier_output_is_never_lost(tmp_path: Path) -> None:
    for name in ("index.html", "losses.png", "thesis.txt"):
        (tmp_path / name).write_text("mine")
    sentence = r"holds thesis\.txt, which would be lost; choose another folder"
    with pytest.raises(UserError, match=sentence), atomic_folder(tmp_path, "index.html", "*.png"):
        pass
    (tmp_path / "thesis.txt").unlink()
    with atomic_folder(tmp_path, "index.html", "*.png") as building:
        (building / "index.html").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_file_where_a_folder_is_to_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match=r"out: is a file"), atomic_folder(tmp_path / "out", "a"):
        pass


def test_the_folder_that_one_is_in_is_written_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with atomic_folder(Path(), "a") as building:
        (building / "a").write_text("new")
    assert (tmp_path / "a").read_text() == "new"


def test_a_folder_that_fails_half_way_stays_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "fit"
    with atomic_folder(folder, "model.keras") as partial:
        (partial / "model.keras").write_text("first")
    with pytest.raises(RuntimeError), atomic_folder(folder, "model.keras") as partial:  # noqa: PT012
        (partial / "model.keras").write_text("half")
        raise RuntimeError
    assert (folder / "model.keras").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["fit"]
