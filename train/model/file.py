"""The model file of `train fit`: a plain `.keras` archive with `framewise.json` as one more member.

The network in it consists of Keras' own layers, so that `keras.saving.load_model` opens it where
nothing of this project is installed; Keras reads only the members that it knows and ignores the
other. docs/model-file.md specifies that member.
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pydantic

from curate.base.errors import BadParameterError, DamagedInputError, MissingInputError, UserError
from curate.base.files import atomic_write

if TYPE_CHECKING:
    import keras

MODEL = "model.keras"  # its name in the folder that `train fit` writes
MEMBER = "framewise.json"
FORMAT_VERSION = 1
PREPROCESSING = "RGB, 0-255, of any number type; the model does its own scaling"
# The layer that ended a model before it had the member: its file cannot be read without that class.
_OLDER = b"framewise>ActionUnits"


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a model predicts, from which pictures, and what its labels could not teach it."""

    action_units: tuple[str, ...]  # names of the outputs, in order
    thresholds: tuple[float, ...]  # probability from which each output counts as present
    image_size: int  # side of the pictures in pixels
    crop: str | None  # value of parameter `crop` that its frames were cut with; None: unknown
    preprocessing: str = PREPROCESSING  # what the pictures must be like
    notes: tuple[str, ...] = ()  # sentences on what the labels could not teach

    def __post_init__(self) -> None:
        if not len(self.action_units) == len(self.thresholds) > 0:
            raise ValueError(
                f"{len(self.action_units)} action units and {len(self.thresholds)} thresholds"
            )


_DESCRIPTION = pydantic.TypeAdapter(Description)


def write_model(network: keras.Model, description: Description, path: Path) -> None:
    """Write a network and its description as a `.keras` file whose bytes depend on them only.

    Keras writes the time of saving into the archive, and the addresses of objects in memory where
    layers share one: the time is set to the earliest that an archive can hold, addresses are
    numbered in the order in which they stand.

    Raises:
        BadParameterError: `path` does not end in `.keras`.
    """
    if path.suffix != ".keras":
        raise BadParameterError(f"{path}: a model file ends in .keras; name it so", path=path)
    content = {"format_version": FORMAT_VERSION, **asdict(description)}
    with atomic_write(path) as partial:
        dated = partial.with_suffix(".keras")
        try:
            network.save(dated)
            _write_undated(dated, partial, json.dumps(content, indent=2) + "\n")
        finally:
            dated.unlink(missing_ok=True)


def _write_undated(dated: Path, path: Path, description: str) -> None:
    with zipfile.ZipFile(dated) as source, zipfile.ZipFile(path, "w") as target:
        members = {name: source.read(name) for name in source.namelist()}
        metadata = json.loads(members["metadata.json"]) | {"date_saved": "1980-01-01@00:00:00"}
        members["metadata.json"] = json.dumps(metadata).encode()
        members["config.json"] = _numbered(members["config.json"].decode()).encode()
        members[MEMBER] = description.encode()
        for name in sorted(members):
            target.writestr(zipfile.ZipInfo(name), members[name])


def _numbered(config: str) -> str:
    """Replace each distinct shared_object_id by its place of first appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        place = numbers.setdefault(match.group(2), len(numbers) + 1)
        return f"{match.group(1)}{place}"

    return re.sub(r'("shared_object_id": )(\d+)', number, config)


def made_by_fit(path: Path) -> bool:
    """Return whether a `.keras` archive is a model of `train fit`, of any version."""
    with zipfile.ZipFile(path) as archive:
        return MEMBER in archive.namelist() or _is_older(archive)


def _is_older(archive: zipfile.ZipFile) -> bool:
    return "config.json" in archive.namelist() and _OLDER in archive.read("config.json")


def read_description(path: Path) -> Description:
    """Read the description in a model file, without Keras.

    Raises:
        MissingInputError: no such file.
        DamagedInputError: not a complete archive, or a damaged description.
        UserError: a model of something else, or of another version of the format.
    """
    if not path.is_file():
        raise MissingInputError(f"{path}: no such model; make it with 'train fit'", path=path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _parse(archive, path)
    except zipfile.BadZipFile:
        raise DamagedInputError(
            f"{path}: not a complete .keras file; name one that 'train fit' made", path=path
        ) from None


def _parse(archive: zipfile.ZipFile, path: Path) -> Description:
    if MEMBER not in archive.namelist():
        raise UserError(f"{path}: {_why_undescribed(archive)}", path=path)
    content = archive.read(MEMBER)
    try:
        version = json.loads(content).get("format_version")
        if version == FORMAT_VERSION:
            return _DESCRIPTION.validate_json(content, strict=True)
    except (ValueError, AttributeError) as error:
        raise DamagedInputError(
            f"{path}: its {MEMBER} is damaged ({_fault(error)}); make it again with 'train fit'",
            path=path,
        ) from None
    raise UserError(
        f"{path}: is of format version {version!r}, and this version of train reads "
        f"{FORMAT_VERSION}; update it, or make the model again with 'train fit'",
        path=path,
    )


def _why_undescribed(archive: zipfile.ZipFile) -> str:
    if _is_older(archive):
        return "is of an older version of 'train fit', which wrote other files; train it again"
    return (
        f"does not say which action units it predicts (it has no {MEMBER}, which Keras drops where "
        f"it saves a model again); make it with 'train fit' or the method 'save' of 'train.load'"
    )


def _fault(error: Exception) -> str:
    """Describe in one line what is wrong with a description."""
    if not isinstance(error, pydantic.ValidationError):
        return first_sentence(error)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def first_sentence(error: Exception) -> str:
    """Return the first sentence of an error of Keras, without its colours."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    bold = re.search(r"\x1b\[1m(.+?)\x1b\[0m", text, re.DOTALL)  # within "Exception encountered"
    line = (bold.group(1) if bold else text).strip().partition("\n")[0]
    return line.partition(". ")[0].rstrip(".:") or type(error).__name__
