"""The part of a frame that is kept: all of it, its central square, or the square around a face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.base.errors import BadParameterError
from curate.frames.faces import Box, face_boxes
from curate.media.clip import Clip
from curate.media.decode import Frame, Picture

# The landmarks reach from brows to chin; the square around them is widened to hold forehead and
# jaw line (fraction of the box's longer side).
_WIDENED = 1.3
# Seconds do not matter here, frames do: the box follows the median over so many frames, so that
# a landmark that jumps does not make the crop jump.
_SMOOTHED = 9


def cut_frames(
    clip: Clip, frames: Iterable[Frame], crop: str
) -> Iterator[tuple[Frame, Picture | None]]:
    """Give each of a clip's frames with the part of it to keep (h, w, 3) uint8 BGR.

    That part is None where the frame is broken, or where `crop` asks for a face and there is none.

    Raises:
        UserError: at once, `crop: landmarks` for a clip that has none.
    """
    if crop == "none":
        return ((frame, frame.picture) for frame in frames)
    if crop == "center":
        return ((f, None if f.picture is None else central_square(f.picture)) for f in frames)
    if crop == "haar":
        return _cut_boxes(face_boxes(frames, moving=clip.video is not None))
    boxes = landmark_boxes(clip)
    return _cut_boxes((frame, boxes.get(frame.index)) for frame in frames)


def _cut_boxes(
    located: Iterable[tuple[Frame, Box | None]],
) -> Iterator[tuple[Frame, Picture | None]]:
    for frame, box in located:
        if frame.picture is None or box is None:
            yield frame, None
        else:
            yield frame, cut_box(frame.picture, box)


def landmark_boxes(clip: Clip) -> dict[int, Box]:
    """Map a clip's frame indices to the square around its face: centre x, centre y, side (pixels).

    Frames whose face was not tracked are left out.

    Raises:
        UserError: the clip has no OpenFace CSV, or one without landmarks.
    """
    if clip.landmarks is None:
        raise BadParameterError(
            f"{clip.name}: crop is 'landmarks' but the clip has no OpenFace CSV beside its video; "
            "choose crop: haar, center or none",
            key="crop",
        )
    return _boxes(clip.landmarks)


def _boxes(path: Path) -> dict[int, Box]:
    from curate.sources.openface import read_columns

    table = read_columns(path, r"[xy]_\d+$")
    xs = table.select(c for c in table.columns if c.startswith("x_")).to_numpy()
    ys = table.select(c for c in table.columns if c.startswith("y_")).to_numpy()
    if not xs.size or not ys.size:
        raise BadParameterError(
            f"{path}, row 1: crop is 'landmarks' but there are no columns x_0, y_0, ...; "
            "choose crop: haar, center or none",
            path=path,
            key="crop",
        )
    tracked = table["success"].to_numpy() > 0 if "success" in table.columns else np.ones(len(xs))
    sides = _WIDENED * np.maximum(np.ptp(xs, axis=1), np.ptp(ys, axis=1))
    middle = [(values.max(axis=1) + values.min(axis=1)) / 2 for values in (xs, ys)]
    boxes = np.stack([*middle, sides], axis=1)[tracked > 0]
    indices = table["index"].to_numpy()[tracked > 0]
    return {int(i): tuple(box) for i, box in zip(indices, _smooth(boxes), strict=True)}


def _smooth(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace each row of (n, 3) by the median of its neighbours in time."""
    if len(boxes) == 0:
        return boxes
    around = np.pad(boxes, ((_SMOOTHED // 2, _SMOOTHED // 2), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, _SMOOTHED, axis=0)
    return np.median(windows, axis=-1)


def central_square(picture: Picture) -> Picture:
    """Cut the largest central square out of a picture (height, width, 3) uint8."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def cut_box(picture: Picture, box: Box) -> Picture:
    """Cut a box's square out of a picture (height, width, 3) uint8.

    Where the box reaches over the edge, the square is filled up with the edge's own pixels.
    """
    height, width = picture.shape[:2]
    x, y, length = box
    side = max(2, round(length))
    left, top = round(x - side / 2), round(y - side / 2)
    over = max(0, -left, -top, left + side - width, top + side - height)
    if over:
        picture = cv2.copyMakeBorder(picture, over, over, over, over, cv2.BORDER_REPLICATE)
    return picture[top + over : top + over + side, left + over : left + over + side]
