"""A page of near-duplicates to look at: groups, pairs that cross splits, frozen video, labels.

One HTML file that fetches nothing. However much footage there is, it holds a bounded number of
small pictures: less than 5 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curate.base.console import Summary
from curate.base.files import atomic_write, check_outside, check_suffix, check_writable
from curate.gallery.inputs import Inputs
from curate.gallery.sections import Group, Section, Tile, choose_sections
from curate.viz.html import Picture, render
from curate.viz.pictures import AMPLIFIED, Crop, difference, thumbnail

_SIDE = 112  # pixels: the longer side of a thumbnail
_QUALITY = 72  # of a thumbnail's JPEG
_TEMPLATE = Path(__file__).with_name("gallery.html")


@dataclass(frozen=True)
class DrawnTile:
    """A tile and its picture, as the page shows them."""

    tile: Tile
    picture: Picture


def check_output(output: Path, footage: Sequence[Path]) -> None:
    """Refuse, before the work, a page that is no HTML or would lie in the footage.

    Raises:
        UserError: either, or its folder cannot be written to.
    """
    check_suffix(output, "the page", ".html", ".htm")
    for path in footage:
        check_outside(path, output)
    check_writable(output)


def write_gallery(shown: Inputs, output: Path, *, distance: int, groups: int) -> Summary:
    """Choose what to show, read those pictures and write the page, or nothing if that fails.

    Frames within `distance` bits are near-duplicates; at most `groups` groups are shown. Returns
    the number of groups by section. The same input gives the same bytes.
    """
    sections = choose_sections(shown.material, shown.decisions, distance=distance, groups=groups)
    wanted = {tile.id for section in sections for group in section.groups for tile in group.tiles}
    page = render_gallery(shown.material.title, sections, shown.read(sorted(wanted)))
    with atomic_write(output) as partial:
        partial.write_text(page, encoding="utf-8")
    counts = {section.name: len(section.groups) for section in sections}
    data = counts | {"page": str(output)}
    rows = list(counts.items())
    return Summary(f"{output}: shown", ["section", "groups"], rows, data, shown.notes)


def render_gallery(title: str, sections: Sequence[Section], crops: dict[str, Crop]) -> str:
    """Render the page; frames without a picture are left out."""
    headline = "; ".join(section.finding for section in sections if section.finding)
    return render(
        _TEMPLATE,
        title=title,
        headline=headline[:1].upper() + headline[1:] or "Nothing to show",
        sections=[
            (section, [(group, _draw(group, crops)) for group in section.groups])
            for section in sections
        ],
    )


def _draw(group: Group, crops: dict[str, Crop]) -> list[DrawnTile]:
    """Draw a group's tiles, of two that differ their difference as well."""
    known = [(tile, crops[tile.id], f"{tile.words}: {tile.id}") for tile in group.tiles
             if tile.id in crops]  # fmt: skip
    if group.differs and len(known) == 2:
        crop = difference(known[0][1], known[1][1])
        apart = Tile("", f"difference × {AMPLIFIED}")
        known.append((apart, crop, "white where the two are the same"))
    return [
        DrawnTile(tile, thumbnail(crop, words, side=_SIDE, quality=_QUALITY, enlarge=True))
        for tile, crop, words in known
    ]
