"""How pages are rendered: one look (page.css), one set of rules, nothing fetched."""

from __future__ import annotations

import base64
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2


def render(template: Path, **values: Any) -> str:
    """Render a Jinja template, which may include page.css; a value that it lacks is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(template.name).render(**values)


@dataclass(frozen=True)
class Picture:
    """A picture on a page: a data URI, what it shows in words, its sides in pixels."""

    source: str
    alternative: str
    width: int
    height: int


def data_uri(content: bytes, suffix: str) -> str:
    """Write a file's content as an address that holds it; `suffix` (".png") tells its kind."""
    encoded = base64.b64encode(content).decode("ascii")
    return f"data:{mimetypes.types_map[suffix]};base64,{encoded}"


@dataclass(frozen=True)
class Table:
    """A table on a page: its caption, its head, its rows (the first cell heads the row)."""

    caption: str
    columns: list[str]
    rows: list[list[str]]
