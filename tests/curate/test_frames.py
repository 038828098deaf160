"""Frames: one part a clip, every frame in it, made once and again only when its input changes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import cv2
import imagehash
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.demo.face import make_identity, render_face
from curate.frames.extract import extract_clip
from curate.frames.stage import extract_frames, run
from curate.frames.summary import ClipCount, count_frames
from curate.media.clip import Clip
from curate.media.decode import Frame, frames_of
from curate.sources.videos import find_clips
from curate.tables import FRAMES

P = Parameters(image_size=48)
HAAR = Parameters(image_size=48, crop="haar")


@pytest.fixture
def clip(tmp_path: Path, write_video: Callable[..., Path]) -> Clip:
    return Clip("ann/talk", "ann", write_video(tmp_path / "ann" / "talk.avi", 7))


def decoded(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def files_below(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def part(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "ann" / "talk.parquet")


def test_a_part_has_every_frame_with_its_measures(tmp_path: Path, clip: Clip) -> None:
    count = extract_clip(clip, tmp_path / "out", P)
    table = part(tmp_path / "out")
    assert (count.frames, count.by_reason, count.was_done) == (7, {None: 7}, False)
    assert dict(table.schema) == FRAMES
    assert table["id"].to_list() == [f"ann/talk/{index:06d}" for index in range(7)]
    assert table["time"].to_list() == pytest.approx([index / 20 for index in range(7)])
    assert set(table["subject"]) == {"ann"}
    assert table["reason"].null_count() == 7
    pictures = [frame.picture for frame in frames_of(clip)]
    for row, picture in zip(table.rows(named=True), pictures, strict=True):
        assert picture is not None
        gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        assert decoded(row["jpeg"]).shape == (48, 48, 3)
        assert row["brightness"] == pytest.approx(gray.mean(), rel=1e-5)
        assert row["sharpness"] > 0
        reference = int(str(imagehash.phash(Image.fromarray(gray))), 16)
        assert (row["hash"] ^ reference).bit_count() <= 4


def test_a_blurred_picture_is_less_sharp(tmp_path: Path) -> None:
    paths = (tmp_path / "0.png", tmp_path / "1.png")
    sharp = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    cv2.imwrite(str(paths[0]), sharp)
    cv2.imwrite(str(paths[1]), cv2.GaussianBlur(sharp, (0, 0), 2))
    extract_clip(Clip("ann/talk", "ann", images=paths), tmp_path, P)
    first, second = part(tmp_path)["sharpness"]
    assert first > 10 * second


def test_a_truncated_video_keeps_the_headers_count(tmp_path: Path, clip: Clip) -> None:
    assert clip.video is not None
    data = clip.video.read_bytes()
    clip.video.write_bytes(data[: len(data) * 6 // 10])
    count = extract_clip(clip, tmp_path, P)
    table = part(tmp_path)
    assert count.frames == len(table) == 7
    assert 0 < count.by_reason["unreadable"] < 7
    broken = table.filter(pl.col("reason") == "unreadable")
    assert broken["index"].to_list() == list(range(7 - len(broken), 7))
    assert broken.select("jpeg", "hash", "sharpness", "brightness").null_count().row(0) == (
        (len(broken),) * 4
    )


def test_an_empty_video_is_one_unreadable_frame(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    count = extract_clip(Clip("ann/talk", "ann", tmp_path / "a.mp4"), tmp_path, P)
    assert count.by_reason == {"unreadable": 1}
    assert part(tmp_path).select("index", "reason").rows() == [(0, "unreadable")]


def test_frames_without_a_tracked_face_are_no_face(tmp_path: Path, clip: Clip) -> None:
    landmarks = tmp_path / "talk.csv"
    rows = [f"{n},{int(n != 3)},20,40,20,40" for n in range(1, 7)]
    landmarks.write_text("frame,success,x_0,x_1,y_0,y_1\n" + "\n".join(rows))
    tracked = Clip(clip.name, clip.subject, clip.video, landmarks=landmarks)
    parameters = Parameters(image_size=48, crop="landmarks")
    assert extract_clip(tracked, tmp_path, parameters).by_reason == {None: 5, "no_face": 2}
    without = part(tmp_path).filter(pl.col("reason") == "no_face")
    assert without["index"].to_list() == [2, 6]


def test_crop_decides_on_the_stored_picture_and_its_hash(tmp_path: Path, clip: Clip) -> None:
    extract_clip(clip, tmp_path / "none", P)
    extract_clip(clip, tmp_path / "center", Parameters(image_size=48, crop="center"))
    whole, center = part(tmp_path / "none"), part(tmp_path / "center")
    assert (whole["hash"] != center["hash"]).all()
    assert decoded(whole["jpeg"][0])[0].max() < 16  # black above the wide frame
    assert decoded(center["jpeg"][0])[0].max() > 16


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return render_face(make_identity(1, seed=0), size=96)


def write_images(folder: Path, *pictures: np.ndarray) -> Clip:
    folder.mkdir(parents=True)
    paths = [folder / f"{index}.png" for index in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        cv2.imwrite(str(path), picture)
    return Clip("ann/talk", "ann", images=tuple(paths))


def test_haar_keeps_the_face_and_names_where_there_is_none(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    empty = np.full((96, 240, 3), 90, np.uint8)
    beside = np.hstack([empty[:, :144], portrait])
    clip = write_images(tmp_path / "in", beside, beside, *[empty] * 9, beside)
    (tmp_path / "in" / "11.png").write_text("no picture")
    count = extract_clip(clip, tmp_path, HAAR)
    assert count.by_reason == {None: 2, "no_face": 9, "unreadable": 1}
    table = part(tmp_path)
    assert table["reason"].to_list() == [None, None, *["no_face"] * 9, "unreadable"]
    assert table["hash"].null_count() == table["jpeg"].null_count() == 10
    face = decoded(table["jpeg"][0])
    assert face.shape == (48, 48, 3)
    assert np.abs(face.astype(int) - 90).mean(axis=2).min(axis=0).max() > 8  # no grey beside it


def test_one_missed_face_is_not_lost(tmp_path: Path, portrait: np.ndarray) -> None:
    hidden = portrait.copy()
    hidden[20:60] = 90
    clip = write_images(tmp_path / "in", *[portrait] * 5, hidden, *[portrait] * 5)
    assert extract_clip(clip, tmp_path, HAAR).by_reason == {None: 11}
    jpegs = part(tmp_path)["jpeg"].to_list()
    assert len(set(jpegs)) == 2
    assert np.median(decoded(jpegs[5])) == pytest.approx(90, abs=30)


def test_haar_writes_the_same_bytes_in_one_process_and_in_two(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    rng = np.random.default_rng(0)
    clips = []
    for name in ("a", "b", "c"):
        shifted = [np.roll(portrait, rng.integers(-9, 9), axis=1) for _ in range(12)]
        clip = write_images(tmp_path / name, *shifted)
        clips.append(Clip(name, name, images=clip.images))
    for workers in (1, 2):
        extract_frames(clips, tmp_path / str(workers), HAAR, workers, lambda _: None)
    for clip in clips:
        extract_clip(clip, tmp_path / "here", HAAR)
    assert files_below(tmp_path / "1") == files_below(tmp_path / "2")
    assert files_below(tmp_path / "1") == files_below(tmp_path / "here")


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("phash", imagehash.phash),
        ("dhash", imagehash.dhash),
        ("whash", imagehash.whash),
        ("average", imagehash.average_hash),
    ],
)
def test_the_hash_is_of_the_kind_that_was_asked_for(
    tmp_path: Path, clip: Clip, kind: str, reference: Callable[..., object]
) -> None:
    extract_clip(clip, tmp_path, Parameters(image_size=48, hash=kind))
    metadata = pq.read_schema(tmp_path / "ann" / "talk.parquet").metadata
    assert metadata[b"framewise.hash"] == kind.encode()
    pictures = [frame.picture for frame in frames_of(clip)]
    for value, picture in zip(part(tmp_path)["hash"], pictures, strict=True):
        assert picture is not None
        gray = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        assert (value ^ int(str(reference(gray)), 16)).bit_count() <= 4


def test_landmarks_without_a_csv_stop_the_stage(tmp_path: Path, clip: Clip) -> None:
    with pytest.raises(UserError, match="ann/talk: crop is 'landmarks' but the clip has no"):
        extract_clip(clip, tmp_path / "out", Parameters(crop="landmarks"))
    assert not (tmp_path / "out").exists()


def test_batches_change_nothing(tmp_path: Path, clip: Clip) -> None:
    extract_clip(clip, tmp_path / "one", P)
    extract_clip(clip, tmp_path / "two", P, batch_rows=3)
    assert part(tmp_path / "one").equals(part(tmp_path / "two"))


@pytest.mark.parametrize("name", ["out", "take[1]"])
def test_a_clip_that_is_done_is_not_done_again(tmp_path: Path, clip: Clip, name: str) -> None:
    out = tmp_path / name
    first = extract_clip(clip, out, P)
    before = (out / "ann" / "talk.parquet").stat().st_mtime_ns
    second = extract_clip(clip, out, P)
    assert second.was_done
    assert second.by_reason == first.by_reason
    assert (out / "ann" / "talk.parquet").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "change",
    [{"image_size": 32}, {"crop": "center"}, {"jpeg_quality": 80}, {"hash": "dhash"}],
    ids=str,
)
def test_it_is_done_again_for_another_picture(tmp_path: Path, clip: Clip, change: dict) -> None:
    extract_clip(clip, tmp_path, P)
    assert not extract_clip(clip, tmp_path, Parameters(**{"image_size": 48, **change})).was_done


def test_it_is_not_done_again_for_a_later_stages_parameter(tmp_path: Path, clip: Clip) -> None:
    extract_clip(clip, tmp_path, P)
    assert extract_clip(clip, tmp_path, Parameters(image_size=48, stride=1, lr=0.1)).was_done


def test_it_is_done_again_when_the_video_changes_or_the_part_is_damaged(
    tmp_path: Path, clip: Clip, write_video: Callable[..., Path]
) -> None:
    out = tmp_path / "out"
    extract_clip(clip, out, P)
    assert clip.video is not None
    write_video(clip.video, seeds=[9, 8])
    assert extract_clip(clip, out, P).frames == 2
    (out / "ann" / "talk.parquet").write_bytes(b"PAR1")
    assert not extract_clip(clip, out, P).was_done
    assert len(part(out)) == 2


def test_one_and_two_workers_write_the_same_bytes(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    for number in range(3):
        write_video(tmp_path / "in" / f"s{number}.avi", seeds=[number, number + 10])
    (tmp_path / "in" / "empty.mp4").touch()
    clips = find_clips(tmp_path / "in", P)
    seen: list[int] = []
    counts = [
        extract_frames(clips, tmp_path / str(workers), P, workers, seen.append)
        for workers in (1, 2)
    ]
    assert files_below(tmp_path / "1") == files_below(tmp_path / "2")
    assert counts[0] == counts[1]
    assert sum(seen) == 2 * 7
    rows = count_frames(tmp_path, counts[0]).rows
    assert rows == [("frames in", 7), ("unreadable", 1), ("usable", 6)]


def test_parts_of_clips_that_are_gone_are_removed_and_strangers_are_not(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    footage, out = tmp_path / "in", tmp_path / "out"
    gone = write_video(footage / "gone.avi", 2)
    write_video(footage / "stays.avi", 2)
    parameters = Parameters(source="videos", image_size=48)
    run(footage, out, parameters, 1)
    pl.DataFrame({"mine": [1]}).write_parquet(out / "table.parquet")
    (out / "notes.parquet").write_text("no Parquet")
    gone.unlink()
    again = run(footage, out, parameters, 1)
    assert (again.data["clips"], again.data["done_already"]) == (1, 1)
    assert again.notes == again.data["notes"] == [f"{out}: 1 parts of other clips were removed"]
    assert set(files_below(out)) == {"stays.parquet", "table.parquet", "notes.parquet"}


def test_force_does_every_clip_again(tmp_path: Path, clip: Clip) -> None:
    assert clip.video is not None
    out, parameters = tmp_path / "out", Parameters(source="videos", image_size=48)
    assert run(clip.video, out, parameters, 1).data["done_already"] == 0
    assert run(clip.video, out, parameters, 1).data["done_already"] == 1
    before = files_below(out)
    assert run(clip.video, out, parameters, 1, force=True).data["done_already"] == 0
    assert files_below(out) == before


def stops(clip: Clip) -> Iterator[Frame]:
    """Decode one frame, and be interrupted."""
    yield next(frames_of(clip))
    raise KeyboardInterrupt


def test_force_keeps_the_old_part_until_the_new_one_is_complete(tmp_path: Path, clip: Clip) -> None:
    extract_clip(clip, tmp_path / "out", P)
    before = files_below(tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        extract_clip(clip, tmp_path / "out", P, force=True, decode=stops)
    assert files_below(tmp_path / "out") == before


def test_what_a_killed_run_left_is_removed(tmp_path: Path, clip: Clip) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "ann").mkdir(exist_ok=True)
    (tmp_path / "out" / "bob").mkdir(parents=True)
    (tmp_path / "out" / "bob" / f".gone.parquet.{dead.pid}.partial").touch()
    extract_frames([clip], tmp_path / "out", P, 1, lambda _: None)
    assert set(files_below(tmp_path / "out")) == {"ann/talk.parquet"}


def counted(clip: str, usable: int = 0, unreadable: int = 0, no_face: int = 0) -> ClipCount:
    reasons = {None: usable, "unreadable": unreadable, "no_face": no_face}
    by_reason = {reason: n for reason, n in reasons.items() if n}
    return ClipCount(clip, usable + unreadable + no_face, by_reason, False)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (counted("a", 588, unreadable=12), ["a: 12 of 600 frames unreadable"]),
        (counted("a", 588, no_face=12), ["a: 12 of 600 frames no_face"]),
        (
            counted("a", 1570, unreadable=12, no_face=18),
            ["a: 12 of 1,600 frames unreadable, 18 of 1,600 frames no_face"],
        ),
        (counted("a", no_face=600), ["a: no face in any of 600 frames"]),
        (counted("a", unreadable=3, no_face=5), ["a: no face in any of 8 frames, 3 unreadable"]),
        (counted("a", unreadable=600), ["a: none of its frames can be read (600)"]),
        (counted("a", 600), []),
    ],
)
def test_a_clip_with_frames_that_are_not_usable_is_named(count: ClipCount, said: list[str]) -> None:
    assert count_frames(Path("out"), [count]).notes == said


def test_the_worst_clips_are_named_first_and_the_others_counted() -> None:
    counts = [counted(f"clip{n}", 100 - n, no_face=n) for n in range(7)]
    said = count_frames(Path("out"), [*counts, counted("dark", no_face=9)]).notes
    assert said[:2] == ["dark: no face in any of 9 frames", "clip6: 6 of 100 frames no_face"]
    assert said[5:] == ["2 more clips with frames that are not usable"]
    assert count_frames(Path("out"), counts).notes[5:] == [
        "1 more clip with frames that are not usable"
    ]


def test_the_command_names_the_clips_and_takes_the_hash(
    curate: Callable[..., CompletedProcess[str]], tmp_path: Path, clip: Clip
) -> None:
    (tmp_path / "ann" / "empty.mp4").touch()
    ran = curate(
        "frames", "ann", "--source", "videos", "--hash", "dhash", "--workers", "1", "--json"
    )
    assert ran.returncode == 0, ran.stderr
    assert "note: empty: none of its frames can be read (1)" in ran.stderr
    assert json.loads(ran.stdout) == {
        "clips": 2,
        "done_already": 0,
        "frames": {"frames in": 8, "unreadable": 1, "usable": 7},
        "notes": ["empty: none of its frames can be read (1)"],
    }
    metadata = pq.read_schema(tmp_path / "data" / "frames" / "talk.parquet").metadata
    assert metadata[b"framewise.hash"] == b"dhash"


def test_an_interrupted_clip_leaves_nothing_half_written_and_the_run_goes_on(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    one, two = (
        Clip(name, name, write_video(tmp_path / f"{name}.avi", 7)) for name in ("one", "two")
    )
    out = tmp_path / "out"
    extract_clip(one, out, P)
    with pytest.raises(KeyboardInterrupt):
        extract_clip(two, out, P, decode=stops)
    assert set(files_below(out)) == {"one.parquet"}
    counts = extract_frames([one, two], out, P, 1, lambda _: None)
    assert [(count.clip, count.was_done) for count in counts] == [("one", True), ("two", False)]
    assert len(pl.read_parquet(out / "two.parquet")) == 7
