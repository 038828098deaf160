"""Writing a model file whose bytes depend on the model only."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import keras


def save_network(network: keras.Model, path: Path) -> None:
    """Save a network as a `.keras` file whose bytes depend on the network only.

    Keras writes the time of saving into the archive, and the addresses of objects in memory where
    layers share one: the time is set to the earliest that an archive can tell, addresses are
    numbered in the order in which they stand.
    """
    dated = path.with_name(f"dated-{path.name}")
    network.save(dated)
    with zipfile.ZipFile(dated) as source, zipfile.ZipFile(path, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                undated = json.loads(content) | {"date_saved": "1980-01-01@00:00:00"}
                content = json.dumps(undated).encode()
            elif name == "config.json":
                content = _numbered(content.decode()).encode()
            target.writestr(zipfile.ZipInfo(name), content)
    dated.unlink()


def _numbered(config: str) -> str:
    """Replace each distinct shared_object_id by its place of first appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        place = numbers.setdefault(match.group(2), len(numbers) + 1)
        return f"{match.group(1)}{place}"

    return re.sub(r'("shared_object_id": )(\d+)', number, config)
