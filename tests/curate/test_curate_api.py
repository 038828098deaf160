"""`import curate`: its examples run, its keywords are checked, and it prints and loads nothing."""

from __future__ import annotations

import doctest
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import curate
from curate import dedup

FUNCTIONS = [name for name in curate.__all__ if name.islower()]


def anything(value: Any) -> Any:
    """Hide a value's type from the type checker, as a caller without one does."""
    return value


@pytest.fixture
def folder(tmp_path, monkeypatch, write_image, write_video):
    """A folder as the examples have it: faces (each picture three times), others, footage."""
    monkeypatch.chdir(tmp_path)
    for number in range(60):
        write_image(tmp_path / "faces" / f"{number}.jpg", number // 3)
    for number in range(5):
        write_image(tmp_path / "others" / f"{number}.jpg", 4 * number)
    write_video(tmp_path / "footage" / "ann" / "first.avi", 3)
    table = "clip,frame,AU1,AU12\nann/first,0,0,1\nann/first,1,1,\nann/first,2,0,0\n"
    (tmp_path / "footage" / "labels.csv").write_text(table)
    return tmp_path


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_examples_of_a_functions_documentation_hold(name, folder):
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    known = {"curate": curate, "np": np, "imagehash": imagehash}
    for example in finder.find(getattr(curate, name), name, globs=known):
        assert runner.run(example).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_returns_and_raises(name):
    text = getattr(curate, name).__doc__
    assert text.splitlines()[0].endswith(".")
    assert "Example:" in text or name == "explain"


def test_importing_it_loads_nothing_heavy():
    heavy = {"tensorflow", "keras", "polars", "cv2", "numpy", "scipy", "pydantic", "matplotlib"}
    code = f"import sys, curate; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_functions_named_like_rooms_stay_functions_however_rooms_are_imported():
    code = (
        "import curate.audit.checks, curate.suggest.choice, curate\n"
        "from curate.dedup.rule import decide\n"
        "from curate.explain import story\n"
        "from curate import dedup\n"
        "print([type(f).__name__ for f in (dedup, curate.audit, curate.suggest, curate.explain)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{['function'] * 4}\n"


@pytest.mark.parametrize("written", [str, Path], ids=["text", "Path"])
def test_decisions_are_those_of_the_command(folder, curate, written):
    decisions = dedup(written("faces"), stride=2, distance=4, cache=False)
    curate("dedup", "faces", "--stride", 2, "--distance", 4, "--output", "d.parquet")
    assert decisions.table.select(pl.read_parquet("d.parquet").columns).equals(
        pl.read_parquet("d.parquet")
    )
    assert decisions["keep"].sum() == len(decisions.kept) == decisions.counts["kept"] == 20
    assert sum(decisions.counts.values()) == 2 * len(decisions) == 2 * 60
    assert repr(decisions) == (
        "Decisions('faces': frames in 60, stride 30, near_duplicate 10, kept 20)"
    )


def test_decisions_are_written_and_their_frames_gathered(folder):
    decisions = curate.dedup("faces", stride=20, cache=False)
    assert curate.dedup("faces", stride=20, cache=False).write("a.csv") == Path("a.csv")
    assert pl.read_csv("a.csv")["keep"].to_list() == decisions["keep"].to_list()
    assert decisions.export("thin", link=True) == Path("thin")
    kept = {path.name: path.stat().st_nlink for path in Path("thin").iterdir()}
    assert kept == {"0.jpg": 2, "20.jpg": 2, "40.jpg": 2}
    with pytest.raises(curate.UserError, match="thin: is not empty"):
        decisions.export("thin")
    with pytest.raises(curate.UserError, match="lies inside faces"):
        decisions.export("faces/thin")


@pytest.mark.parametrize("change", ["renamed", "new", "gone"])
def test_frames_of_footage_that_has_changed_are_not_gathered(folder, change):
    decisions = curate.dedup("faces", stride=20, cache=False)
    if change == "new":
        (folder / "faces" / "00.jpg").write_bytes((folder / "faces" / "1.jpg").read_bytes())
    elif change == "renamed":
        (folder / "faces" / "1.jpg").rename(folder / "faces" / "01.jpg")
    else:
        (folder / "faces" / "59.jpg").unlink()
    with pytest.raises(curate.DamagedInputError, match="faces: has changed since") as raised:
        decisions.export("thin")
    assert raised.value.path == Path("faces")
    assert not Path("thin").exists()


def test_decisions_have_the_columns_that_are_promised(folder):
    table = curate.dedup("faces", cache=False).table
    key, decided = ["id", "subject", "clip", "index"], ["keep", "reason", "duplicate_of"]
    assert table.columns == [*key, *decided, "distance"]


def test_a_distance_may_be_numpys_own_number():
    hashes = np.array([5, 4, 255], np.uint64)
    assert curate.near_duplicates(hashes, np.int64(1))[0].tolist() == [0]


def test_the_source_may_stand_in_a_file_of_parameters(folder):
    (folder / "p.yaml").write_text("source: videos\npositive_at: 1\n")
    assert curate.read_labels("footage", params="p.yaml")["AU12"].to_list() == [1, None, 0]


def test_a_process_without_standard_error_can_thin(folder):
    code = "import sys\nsys.stderr = None\nimport curate\nprint(len(curate.dedup('faces').kept))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "12\n")


def test_what_deserves_a_look_is_a_note(folder):
    (folder / "faces" / "7.jpg").write_bytes(b"")
    decisions = curate.dedup("faces", stride=1, cache=False)
    assert decisions.counts["unreadable"] == 1
    assert decisions.notes == ["faces: unreadable frames in 1 file: 7.jpg (empty file)"]


def test_notes_of_an_export_and_of_labels_are_warnings(folder, write_video):
    write_video(folder / "footage" / "bea" / "second.avi", 2)
    decisions = curate.dedup("footage", stride=1, cache=False)
    with pytest.warns(UserWarning, match="5 frames of no image file were written, not linked"):
        decisions.export("thin", link=True)
    tracked = "frame,confidence,success,AU12_r,AU12_c\n1,0.98,1,2.5,1\n2,0.98,1,0,0\n"
    (folder / "footage" / "bea" / "second.csv").write_text(tracked)
    with pytest.warns(UserWarning, match="ann/first: has no CSV beside its video"):
        labels = curate.read_labels("footage", source="openface")
    assert labels["AU12"].to_list() == [1, 0]


def test_only_the_action_units_asked_for_are_read(folder):
    labels = curate.read_labels("footage", source="videos", action_units=[12])
    assert [name for name in labels.columns if name.startswith("AU")] == ["AU12", "AU12_intensity"]
    with pytest.raises(curate.UserError, match="action_units: AU2 is not labelled in footage"):
        curate.read_labels("footage", source="videos", action_units=[2])


def test_nothing_is_printed(folder, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curate.dedup("faces", cache=False).export("thin")
        curate.suggest("faces")
        curate.audit("faces", "others")
        curate.read_labels("footage", "videos", positive_at=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("call", "kind", "path", "key"),
    [
        (lambda: curate.dedup("faces", stride=0), curate.BadParameterError, None, "stride"),
        (lambda: curate.suggest("faces", keep="x"), curate.BadParameterError, None, "keep"),
        (lambda: curate.audit("faces", dist=1), curate.BadParameterError, None, "dist"),
        (lambda: curate.read_labels("no", camera="x"), curate.BadParameterError, None, "camera"),
        (lambda: curate.dedup("no"), curate.MissingInputError, "no", None),
        (lambda: curate.dedup("faces", params="no"), curate.MissingInputError, "no", None),
        (lambda: curate.hash_images(["no.jpg"]), curate.MissingInputError, "no.jpg", None),
        (lambda: curate.read_labels("no"), curate.MissingInputError, "no", None),
        (lambda: curate.explain("ann/7", "no"), curate.MissingInputError, "no/frames", None),
        (lambda: curate.hash_images(["footage/labels.csv"]), curate.DamagedInputError,
         "footage/labels.csv", None),
        (lambda: curate.hash_images(np.zeros((1, 4, 4))), curate.DamagedInputError, None, None),
        (lambda: curate.near_duplicates(np.zeros(2, np.uint64), 33), curate.BadParameterError,
         None, "distance"),
        (lambda: curate.near_duplicates(anything(np.zeros(2))), curate.DamagedInputError, None,
         None),
        (lambda: curate.to_imagehash(np.array([-1])), curate.DamagedInputError, None, None),
        (lambda: curate.from_imagehash(anything([5])), curate.DamagedInputError, None, None),
        (lambda: curate.suggest("faces", strides=[0]), curate.BadParameterError, None, "stride"),
        (lambda: curate.suggest("faces", distances=[64]), curate.BadParameterError, None,
         "distance"),
        (lambda: curate.prepare("footage", "footage/work"), curate.UserError, Path("footage/work"),
         None),
    ],
)  # fmt: skip
def test_an_error_says_its_kind_its_path_and_its_key(folder, call, kind, path, key):
    with pytest.raises(kind) as raised:
        call()
    assert type(raised.value) is kind
    assert (raised.value.path, raised.value.key) == (path and Path(path), key)


def test_pictures_may_be_files_pillow_images_or_arrays(folder):
    paths = [f"faces/{number}.jpg" for number in range(0, 60, 3)]
    images = [Image.open(path) for path in paths]
    arrays = [np.asarray(image) for image in images]
    assert (
        curate.hash_images(paths, decode="full") == curate.hash_images(images, decode="full")
    ).all()
    assert (curate.hash_images(images) == curate.hash_images(arrays)).all()
    theirs = curate.from_imagehash(imagehash.phash(image) for image in images)
    assert (curate.hash_images(paths, decode="full") == theirs).all()
    assert np.bitwise_count(curate.hash_images(paths) ^ theirs).mean() <= 1
    assert curate.hash_images([]).shape == (0,)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=12))
def test_hashes_go_to_imagehash_and_back(values):
    hashes = np.array(values, np.uint64)
    theirs = curate.to_imagehash(hashes)
    assert [int(str(one), 16) for one in theirs] == values
    assert (curate.from_imagehash(theirs) == hashes).all()


@given(st.lists(st.integers(0, 255), max_size=30), st.integers(0, 3))
def test_near_duplicates_are_all_pairs_within_the_distance(values, distance):
    hashes = np.array(values, np.uint64)
    theirs = curate.to_imagehash(hashes)
    expected = sorted(
        (int(theirs[i] - theirs[j]), i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if theirs[i] - theirs[j] <= distance
    )
    i, j, bits = curate.near_duplicates(theirs, distance)
    assert list(zip(bits.tolist(), i.tolist(), j.tolist(), strict=True)) == expected


def test_a_hash_of_another_size_is_refused():
    big = imagehash.phash(Image.new("L", (64, 64)), hash_size=16)
    with pytest.raises(curate.DamagedInputError, match="only 8 x 8"):
        curate.from_imagehash([big])
