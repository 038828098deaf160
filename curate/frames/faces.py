"""Where the face is: OpenCV's own cascade finds the largest, and time steadies its box.

The cascade misses a frame now and then, or takes an eye for a face. A box is therefore the median
of its neighbours in time, which outvote one that jumps, and a short gap is bridged. All of it
streams: a dozen frames are held back at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import cv2
import cv2.data
import numpy as np
from cv2.typing import MatLike

from curate.base.errors import MissingInputError
from curate.media.decode import Frame, Picture

Box = tuple[float, float, float]  # centre x, centre y, side of a square (pixels)
Item = TypeVar("Item")

# Of OpenCV's frontal face cascades, the one with the fewest false alarms at the same recall.
_CASCADE = "haarcascade_frontalface_alt2.xml"
# Faces are searched with the shorter side of the picture scaled down to this (pixels). Finer
# costs time and finds no more: the cascade was trained on faces of 20 pixels, a sixth of it.
_SEARCHED_SIDE = 120
_SMALLEST = 20
_SCALE_STEP = 1.1  # a step of 1.2 is faster and misses one face in ten more
_LEAST_HITS = 3  # overlapping hits that make a face
# The cascade's square reaches from the forehead to the lower lip. Widened (times its side) and
# lowered (fraction of its side), it holds the chin as well, which action units move.
_WIDENED = 1.25
_LOWERED = 0.05

# Frames before and after that have a say in a frame's box: 9 in all, as for landmarks.
_REACH = 4
# Frames without a face between two with one, a third of a second, that are bridged.
_MOST_BRIDGED = 8
# Boxes are of one face when their centres differ by at most this (fraction of the side), and
# their sides by at most this factor.
_MOST_MOVED = 0.2
_MOST_GROWN = 1.25


def face_boxes(frames: Iterable[Frame], moving: bool) -> Iterator[tuple[Frame, Box | None]]:
    """Give each frame with the square around its largest face, steadied over time.

    `moving` says that the frames are a video's. The box is None where there is no face, or none
    larger than a sixth of the picture's shorter side.

    Raises:
        UserError: this OpenCV comes without the cascade.
    """
    find = _face_finder()
    located = ((f, None if f.picture is None else find(f.picture)) for f in frames)
    return steady(located, moving)


def steady(
    located: Iterable[tuple[Item, Box | None]], moving: bool
) -> Iterator[tuple[Item, Box | None]]:
    """Smooth boxes over time, outvote those that jump, and bridge gaps of up to 8 frames.

    Where neighbours do not agree, as in a folder of different people, a box is left as found;
    but among `moving` pictures, one that no neighbour supports where most show no face is taken
    for a false alarm: None.
    """
    return _bridged(_smoothed(located, moving))


def cascade_file() -> Path:
    """Return where OpenCV's cascade lies.

    Raises:
        UserError: this OpenCV comes without it.
    """
    path = Path(cv2.data.haarcascades) / _CASCADE
    if not path.is_file():
        raise MissingInputError(
            f"{path}: crop is 'haar' but OpenCV {cv2.__version__} comes without this file; "
            "install opencv-python 4.14 or choose crop: none or center",
            path=path,
        )
    return path


def _face_finder() -> Callable[[Picture], Box | None]:
    """Make a function that finds the largest face in a picture (h, w, 3) uint8 BGR."""
    cascade = cv2.CascadeClassifier(str(cascade_file()))

    def find(picture: Picture) -> Box | None:
        gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        scale = min(1.0, _SEARCHED_SIDE / min(gray.shape))
        if scale < 1:
            gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # A face in poor light has little contrast: where none is found, it is raised.
        face = _largest(cascade, gray) or _largest(cascade, cv2.equalizeHist(gray))
        if face is None:
            return None
        x, y, side = face
        middle = (x + side / 2) / scale, (y + side * (0.5 + _LOWERED)) / scale
        return (*middle, _WIDENED * side / scale)

    return find


def _largest(cascade: cv2.CascadeClassifier, gray: MatLike) -> tuple[int, int, int] | None:
    """Find the largest face: left, top, side. Of two of one size, the upper, then the left one."""
    smallest = (_SMALLEST, _SMALLEST)
    faces = cascade.detectMultiScale(gray, _SCALE_STEP, _LEAST_HITS, minSize=smallest)
    squares = [(int(x), int(y), int(side)) for x, y, side, _ in faces]
    return max(squares, key=lambda face: (face[2], -face[1], -face[0]), default=None)


def _smoothed(
    located: Iterable[tuple[Item, Box | None]], moving: bool
) -> Iterator[tuple[Item, Box | None]]:
    """Give each item with the box that its neighbours agree on; None stays None."""
    before: deque[Box | None] = deque(maxlen=_REACH)
    ahead: deque[tuple[Item, Box | None]] = deque()

    def settle() -> tuple[Item, Box | None]:
        item, own = ahead.popleft()
        voted = own and _voted(own, [*before, *(box for _, box in ahead)], moving)
        before.append(own)
        return item, voted

    for item_and_box in located:
        ahead.append(item_and_box)
        if len(ahead) > _REACH:
            yield settle()
    while ahead:
        yield settle()


def _voted(own: Box, neighbours: list[Box | None], moving: bool) -> Box | None:
    """Return the median of the majority; without one, the box itself unless it is a false alarm."""
    known = [own, *(box for box in neighbours if box is not None)]
    # A majority of like boxes holds the median of each coordinate between its own boxes.
    middle = _median(known)
    majority = [box for box in known if _alike(middle, box)]
    if 2 * len(majority) > len(known) > 1:
        return _median(majority)
    supported = any(_alike(own, box) for box in known[1:])
    misses = neighbours.count(None)
    return None if moving and not supported and 2 * misses > len(neighbours) else own


def _median(boxes: list[Box]) -> Box:
    x, y, side = np.median(boxes, axis=0).tolist()
    return x, y, side


def _alike(box: Box, other: Box) -> bool:
    smaller, larger = sorted((box[2], other[2]))
    moved = max(abs(box[0] - other[0]), abs(box[1] - other[1]))
    return moved <= _MOST_MOVED * smaller and larger <= _MOST_GROWN * smaller


def _bridged(located: Iterable[tuple[Item, Box | None]]) -> Iterator[tuple[Item, Box | None]]:
    """Fill short gaps between boxes of one face, on the straight line from one to the other."""
    before: Box | None = None
    gap: list[Item] = []
    for item, box in located:
        if box is not None:
            yield from zip(gap, _between(before, box, len(gap)), strict=True)
            yield item, box
            before, gap = box, []
            continue
        gap.append(item)
        if len(gap) > _MOST_BRIDGED:
            yield from ((item, None) for item in gap)
            before, gap = None, []
    yield from ((item, None) for item in gap)


def _between(before: Box | None, after: Box, count: int) -> list[Box | None]:
    if before is None or not _alike(before, after):
        return [None] * count
    steps = np.linspace(before, after, count + 2)[1:-1].tolist()
    return [(x, y, side) for x, y, side in steps]
