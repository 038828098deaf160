"""A frame beside the one that it is compared with, and what differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from curate.base.errors import MissingInputError
from curate.base.files import atomic_write, check_suffix
from curate.explain.story import Story
from curate.tables import clip_of, part_path, read_jpegs
from curate.viz.pictures import AMPLIFIED, decode, difference, shorten
from curate.viz.style import SMALL, in_style, new_figure, save

_SIDE, _SPACE, _TOP, _WORDS = 3.0, 0.15, 0.6, 0.5  # inches


@dataclass(frozen=True)
class ShownFrame:
    """A picture (height, width, 3) uint8 RGB, its frame's id and what it is here, in words."""

    id: str
    words: str
    picture: NDArray[np.uint8]


def write_picture(story: Story, frames: Path, output: Path) -> None:
    """Read the pictures from the frames table, draw them and write the PNG.

    Raises:
        UserError: `output` is no PNG, or there is no picture of the frame.
    """
    check_suffix(output, "the picture", ".png")
    shown = read_shown(story, frames)
    with atomic_write(output) as partial:
        save(draw(shown, _fate(story)), partial)


def _fate(story: Story) -> str:
    data = story.compared.data
    name = shorten(story.frame.id)
    if "keep" not in data:
        return name
    return f"{name}: {'kept' if data['keep'] else 'dropped, ' + data['reason'].replace('_', ' ')}"


def read_shown(story: Story, frames: Path) -> list[ShownFrame]:
    """Read the frame's picture from the frames table, and the one to look at beside it, if any.

    Raises:
        MissingInputError: there is no picture of the frame.
    """
    own = _jpeg(story.frame.id, frames)
    if own is None:
        raise MissingInputError(f"{story.frame.id}: has no picture to draw; leave out --output")
    shown = [ShownFrame(story.frame.id, "this frame", decode(own))]
    beside = story.compared.beside
    other = None if beside is None else _jpeg(beside, frames)
    if beside is not None and other is not None:
        shown.append(ShownFrame(beside, story.compared.because, decode(other)))
    return shown


def _jpeg(name: str, frames: Path) -> bytes | None:
    path = part_path(frames, clip_of(name))
    return read_jpegs(path, [name]).get(name) if path.is_file() else None


@in_style()
def draw(shown: list[ShownFrame], title: str) -> Figure:
    """Draw the frame, and where there is a second one, that and their difference."""
    panels = [(frame.picture, f"{frame.words}\n{shorten(frame.id)}") for frame in shown]
    if len(shown) > 1:
        apart = difference(shown[0].picture, shown[1].picture)
        panels.append((apart, f"difference × {AMPLIFIED}\nwhite where they are the same"))
    width = max(len(panels), 2) * (_SIDE + _SPACE) + _SPACE
    height = _TOP + _SIDE + _WORDS
    figure = new_figure(width, height, title)
    figure.set_layout_engine("none")  # every place is known: nothing to solve
    for number, (picture, words) in enumerate(panels):
        x = _SPACE + number * (_SIDE + _SPACE)
        axes = figure.add_axes((x / width, _WORDS / height, _SIDE / width, _SIDE / height))
        axes.imshow(picture)
        axes.set_axis_off()
        figure.text(x / width, (_WORDS - 0.06) / height, words, va="top", fontsize=SMALL)
    return figure
