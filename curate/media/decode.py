"""Reading a clip: every frame once, in order, a broken one as None rather than a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike

from curate.media.clip import Clip

Picture = MatLike  # (height, width, 3) uint8, BGR
# OpenCV and FFmpeg complain of broken videos on standard error; here they are counted.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


# No container spends less on a frame (bytes): a header that promises more is not believed.
_LEAST_BYTES = 16
# Within so many last bytes lies the end of a complete image file.
_TRAILER = 4096
# So many frames failing in a row are the end of what can be read.
_MOST_FAILURES = 50
# Containers state when a frame is shown to the millisecond, or better (seconds).
_STATED_TO = 0.001


@dataclass(frozen=True)
class Frame:
    """A frame as decoded: its number in the clip, seconds from the start, (h, w, 3) BGR."""

    index: int
    time: float | None
    picture: Picture | None  # None when the frame is broken, or passed over
    passed_over: bool = False


def frames_of(clip: Clip, step: int = 1) -> Iterator[Frame]:
    """Decode a clip's frames in order; of those off the `step`, a video's are grabbed only.

    A video that ends before the number of frames that its header states, or that does not open,
    yields what is missing with `picture` None: at least one frame, so that it is counted.
    """
    if clip.video is not None:
        yield from _video_frames(clip.video, step)
        return
    for index, path in enumerate(clip.images):
        if index % step == 0:
            yield Frame(index, None, read_picture(path))
        else:
            yield Frame(index, None, None, passed_over=True)


def read_picture(path: Path) -> Picture | None:
    """Read an image file as (height, width, 3) uint8 BGR; None when it is not a complete one."""
    data = complete_bytes(path)
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        return None


def complete_bytes(path: Path) -> bytes | None:
    """Read an image file's bytes; None when there are none, or a JPEG or PNG breaks off.

    OpenCV fills what a truncated file lacks with grey and reports nothing, so its end is looked
    for: the markers EOI (ITU-T T.81) and IEND (PNG), not at the very end as cameras append data.
    """
    try:
        with path.open("rb", buffering=0) as file:
            data = file.read()
    except OSError:
        return None
    for start, end in ((b"\xff\xd8", b"\xff\xd9"), (b"\x89PNG", b"IEND")):
        if data.startswith(start) and data.rfind(end, -_TRAILER) < 0:
            return None
    return data or None


def expected_frames(clip: Clip) -> int:
    """Return how many frames a clip should have: its images, or what the video's header states."""
    if clip.video is None:
        return len(clip.images)
    capture = _open(clip.video)
    try:
        return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) if capture.isOpened() else 0
    finally:
        capture.release()


def _open(path: Path) -> cv2.VideoCapture:
    """Open a video with FFmpeg only: OpenCV's other readers try broken ones too, and complain."""
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)


def _video_frames(path: Path, step: int) -> Iterator[Frame]:
    capture = _open(path)
    try:
        opened = capture.isOpened()
        promised = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if opened else 0
        promised = min(promised, path.stat().st_size // _LEAST_BYTES)
        rate = capture.get(cv2.CAP_PROP_FPS) if opened else 0.0
        index = 0
        for frame in _grabbed_frames(capture, promised, rate, step):
            yield frame
            index = frame.index + 1
        for missing in range(index, max(promised, 1)):
            yield Frame(missing, _counted(missing, rate), None)
    finally:
        capture.release()


def _grabbed_frames(
    capture: cv2.VideoCapture, promised: int, rate: float, step: int
) -> Iterator[Frame]:
    """Grab frames to the video's end, and past broken ones among those `promised`."""
    index = failures = 0
    while failures < _MOST_FAILURES:
        grabbed = capture.grab()
        # A broken frame fails once and the next is read; the end of the video fails for good.
        failures = 0 if grabbed else failures + 1
        if not grabbed and index >= promised:
            return
        if grabbed:
            yield _grabbed_frame(capture, index, rate, passed_over=index % step != 0)
        else:
            yield Frame(index, _counted(index, rate), None)
        index += 1


def _grabbed_frame(capture: cv2.VideoCapture, index: int, rate: float, passed_over: bool) -> Frame:
    time = _seconds(capture, index, rate)
    if passed_over:
        return Frame(index, time, None, passed_over=True)
    decoded, picture = capture.retrieve()
    return Frame(index, time, picture if decoded else None)


def _seconds(capture: cv2.VideoCapture, index: int, rate: float) -> float | None:
    """Return when the frame just grabbed is shown: by the rate or, where it varies, as stated.

    A container's own times are rounded, some to the millisecond: at a constant rate counting is
    exact, and the same for every container.
    """
    counted = _counted(index, rate)
    stated = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000  # 0 where nothing is stated
    if stated <= 0 or (counted is not None and abs(stated - counted) <= _STATED_TO):
        return counted
    return round(stated, 6)  # to the microsecond: 0.15, not 0.15000000000000002


def _counted(index: int, rate: float) -> float | None:
    return index / rate if rate > 0 else None
