"""A page of near-duplicates to look at: groups, pairs that cross splits, frozen video, labels.

One HTML file that fetches nothing. However much footage there is, it holds a bounded number of
small pictures: less than 5 MB.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from curate.base.errors import UserError
from curate.base.files import atomic_write, check_outside, check_writable
from curate.gallery.inputs import Inputs, Picture
from curate.gallery.sections import Group, Section, Tile, choose_sections
from curate.viz import html as page
from curate.viz.pictures import AMPLIFIED, difference

_SIDE = 112  # pixels: the longer side of a thumbnail
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 72]
_TEMPLATE = Path(__file__).with_name("gallery.html")


@dataclass(frozen=True)
class Shown:
    """A tile as the page draws it; width and height in pixels."""

    tile: Tile
    source: str
    alternative: str
    width: int
    height: int


def check_place(output: Path, footage: Sequence[Path]) -> None:
    """Refuse, before the work, a page that is no HTML or would lie in the footage.

    Raises:
        UserError: either, or its folder cannot be written to.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{output}: the page is written as .html; choose such a name")
    for path in footage:
        check_outside(path, output)
    check_writable(output)


def write_gallery(shown: Inputs, output: Path, *, distance: int, groups: int) -> dict[str, int]:
    """Choose what to show, read those pictures and write the page whole.

    Frames within `distance` bits are near-duplicates; at most `groups` groups are shown. Returns
    the number of groups by section. The same input gives the same bytes.
    """
    sections = choose_sections(shown.material, shown.decisions, distance=distance, groups=groups)
    wanted = {tile.id for section in sections for group in section.groups for tile in group.tiles}
    written = render(shown.material.title, sections, shown.read(sorted(wanted)))
    with atomic_write(output) as partial:
        partial.write_text(written, encoding="utf-8")
    return {section.name: len(section.groups) for section in sections}


def render(title: str, sections: Sequence[Section], pictures: dict[str, Picture]) -> str:
    """Render the page; frames without a picture are left out."""
    drawn = [(section, [(g, _draw(g, pictures)) for g in section.groups]) for section in sections]
    return page.render(_TEMPLATE, title=title, headline=_headline(sections), sections=drawn)


def _headline(sections: Sequence[Section]) -> str:
    said = "; ".join(section.finding for section in sections if section.finding)
    return said[:1].upper() + said[1:] or "Nothing to show"


def _draw(group: Group, pictures: dict[str, Picture]) -> list[Shown]:
    there = [tile for tile in group.tiles if tile.id in pictures]
    shown = [_shown(tile, pictures[tile.id], f"{tile.words}: {tile.id}") for tile in there]
    if group.differs and len(there) == 2:
        one, other = (pictures[tile.id] for tile in there)
        apart = Tile("", f"difference × {AMPLIFIED}")
        shown.append(_shown(apart, difference(one, other), "white where the two are the same"))
    return shown


def _shown(tile: Tile, picture: Picture, alternative: str) -> Shown:
    height, width = picture.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), _QUALITY)[1].tobytes()
    source = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
    return Shown(tile, source, alternative, *size)
