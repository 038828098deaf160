"""Framewise for Python, from any folder: `from framewise import curate, train`.

`import curate` and `import train` give the same two packages, but Python looks into the working
folder first, and many of them hold a file `train.py`. This door goes by its own place instead.

Example:
    >>> from framewise import curate, train
    >>> curate.dedup("faces", stride=5).counts  # doctest: +SKIP
    {'frames in': 500, 'stride': 400, 'kept': 100}
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import curate
    import train

__all__ = ["curate", "train"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module 'framewise' has no attribute '{name}'")
    return {package: _load(package) for package in __all__}[name]  # train stands on curate


def _load(name: str) -> ModuleType:
    """Import the package that lies beside this one, whatever the import path would find first.

    Raises:
        ImportError: another module of that name has been imported before.
    """
    start = Path(__file__).parents[1] / name / "__init__.py"
    known = sys.modules.get(name)
    if known is not None:
        place = getattr(known, "__file__", None)
        if place is None or Path(place).resolve() != start.resolve():
            raise ImportError(
                f"{place}: was imported as '{name}' before, and Framewise's '{name}' cannot stand "
                f"beside it; import framewise first, or rename that file",
                name=name,
                path=place,
            )
        return known
    spec = spec_from_file_location(name, start, submodule_search_locations=[str(start.parent)])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
