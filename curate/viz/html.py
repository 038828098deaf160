"""How pages are rendered: one look (page.css), one set of rules, nothing fetched."""

from __future__ import annotations

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
class Table:
    """A table of the page: what it says, its head, its rows (the first cell heads the row)."""

    caption: str
    columns: list[str]
    rows: list[list[str]]
