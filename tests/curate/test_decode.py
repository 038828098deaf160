"""Reading clips: every frame that a header tells of is counted, broken ones as None."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from curate.media.clip import Clip
from curate.media.decode import complete_bytes, expected_frames, frames_of, read_picture

FRAMES = 20


@pytest.fixture
def video(tmp_path: Path, write_video: Callable[..., Path]) -> Path:
    return write_video(tmp_path / "a.avi", FRAMES)


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_a_whole_video_gives_every_frame_with_its_time(video: Path) -> None:
    frames = list(frames_of(Clip("a", "a", video)))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.time for frame in frames] == pytest.approx([i / 20 for i in range(FRAMES)])
    assert all(f.picture is not None and f.picture.shape == (64, 96, 3) for f in frames)


def slow_down(path: Path, after: int) -> None:
    """Let the frames of an MP4 after the first `after` be shown twice as long as those before.

    Rewrites its table of durations, `stts` (ISO/IEC 14496-12, 8.6.1.2), which has one entry, and
    voids the edit list, by which the video would end when it did before.
    """
    data = path.read_bytes().replace(b"edts", b"free")
    at = data.index(b"stts") - 4
    _, _, _, entries, count, length = struct.unpack(">I4s4I", data[at : at + 24])
    assert entries == 1
    table = (32, b"stts", 0, 2, after, length, count - after, 2 * length)
    changed = bytearray(data[:at] + struct.pack(">I4s6I", *table) + data[at + 24 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):  # all that hold it grow with it
        start = data.index(box) - 4
        struct.pack_into(">I", changed, start, struct.unpack_from(">I", data, start)[0] + 8)
    path.write_bytes(changed)


def test_at_a_variable_rate_times_are_those_of_the_container(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES)
    slow_down(path, after=10)
    times = [frame.time for frame in frames_of(Clip("a", "a", path))]
    assert times == pytest.approx([i / 20 for i in range(10)] + [0.5 + i / 10 for i in range(10)])


def test_at_a_constant_rate_times_are_counted_exactly(video: Path) -> None:
    times = [frame.time for frame in frames_of(Clip("a", "a", video))]
    assert times == [i / 20 for i in range(FRAMES)]


def test_a_step_passes_over_the_others_and_decodes_the_same(video: Path) -> None:
    every = list(frames_of(Clip("a", "a", video)))
    stepped = list(frames_of(Clip("a", "a", video), step=3))
    assert [f.index for f in stepped if not f.passed_over] == list(range(0, FRAMES, 3))
    assert len(stepped) == FRAMES
    for one, other in zip(every, stepped, strict=True):
        assert other.passed_over or np.array_equal(one.picture, other.picture)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.25])
def test_a_truncated_video_counts_what_its_header_tells(video: Path, share: float) -> None:
    frames = list(frames_of(Clip("a", "a", cut(video, share))))
    whole = [frame.index for frame in frames if frame.picture is not None]
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert 0 <= len(whole) <= share * FRAMES
    assert not any(frame.passed_over for frame in frames)


@pytest.mark.parametrize("content", [b"", b"no video at all"], ids=["empty", "text"])
def test_a_file_that_is_no_video_is_one_broken_frame(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    clip = Clip("a", "a", path)
    assert [(f.index, f.picture) for f in frames_of(clip)] == [(0, None)]
    assert expected_frames(clip) == 0


def test_images_are_frames_without_a_time(tmp_path: Path, write_image: Callable[..., Path]) -> None:
    broken = tmp_path / "b.jpg"
    broken.touch()
    clip = Clip("a", "a", images=(write_image(tmp_path / "a.png"), broken))
    frames = list(frames_of(clip))
    assert [(f.index, f.time, f.picture is None) for f in frames] == [
        (0, None, False),
        (1, None, True),
    ]
    assert expected_frames(clip) == 2


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("share", [0.99, 0.5, 0.02])
def test_a_truncated_image_is_no_picture(
    tmp_path: Path, write_image: Callable[..., Path], suffix: str, share: float
) -> None:
    path = write_image(tmp_path / f"a.{suffix}", width=200, height=200)
    assert complete_bytes(path) == path.read_bytes()
    assert read_picture(path) is not None
    assert complete_bytes(cut(path, share)) is None
    assert read_picture(path) is None


def test_a_jpeg_with_something_after_its_end_is_a_picture(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    path = write_image(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + bytes(1000))
    assert read_picture(path) is not None


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\xff\xd8\xff\xd9"], ids=["empty", "text", "bare"]
)
def test_a_file_that_is_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert read_picture(path) is None
    assert read_picture(tmp_path / "gone.jpg") is None


def test_cmyk_and_sixteen_bits_become_three_channels_of_eight(tmp_path: Path) -> None:
    Image.new("CMYK", (40, 30), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    cv2.imwrite(str(tmp_path / "b.png"), np.full((30, 40), 40_000, np.uint16))
    red, gray = read_picture(tmp_path / "a.jpg"), read_picture(tmp_path / "b.png")
    assert red is not None
    assert red[15, 20, 2] > 200 > 60 > red[15, 20, :2].max()
    assert gray is not None
    assert gray.dtype == np.uint8
    assert (gray == 40_000 // 256).all()


def test_one_broken_frame_does_not_end_the_video(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    path = write_video(tmp_path / "a.avi", frames=30)
    data = bytearray(path.read_bytes())
    jpeg = b"\xff\xd8"  # tells a frame's chunk from the entries of the same name in the index
    places = [i for i in range(len(data) - 10) if data[i : i + 4] == b"00dc"]
    starts = [i for i in places if data[i + 8 : i + 10] == jpeg]
    size = int.from_bytes(data[starts[12] + 4 : starts[12] + 8], "little")
    data[starts[12] + 8 : starts[12] + 8 + size] = bytes(size)
    path.write_bytes(data)
    frames = list(frames_of(Clip("a", "a", path)))
    assert [f.index for f in frames] == list(range(30))
    assert [f.index for f in frames if f.picture is None] == [12]


def test_a_header_that_promises_without_end_is_not_believed(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    path = write_video(tmp_path / "a.avi", frames=6)
    data = path.read_bytes()
    header = data.index(b"avih") + 8 + 16  # dwTotalFrames of the main AVI header
    stream = data.index(b"strh") + 8 + 32  # dwLength of the stream header
    for place in (header, stream):
        data = data[:place] + (3_000_000).to_bytes(4, "little") + data[place + 4 :]
    path.write_bytes(data)
    frames = list(frames_of(Clip("a", "a", path)))
    assert sum(f.picture is not None for f in frames) == 6
    assert len(frames) <= len(data) // 16 + 1


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize(("appended", "whole"), [(0, True), (4000, True), (5000, False)])
def test_the_end_of_an_image_is_looked_for_before_what_cameras_append(
    tmp_path: Path, write_image: Callable[..., Path], suffix: str, appended: int, whole: bool
) -> None:
    path = write_image(tmp_path / f"a.{suffix}")
    path.write_bytes(path.read_bytes() + bytes(appended))
    assert (complete_bytes(path) is not None) == whole
