"""The parameters: one flat, validated, frozen model, read once by each command."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from curate.base.errors import UserError


def _no_booleans(value: Any) -> Any:
    """Refuse true and false where a number is meant: Python would read them as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(_no_booleans)]
Number = Annotated[float, BeforeValidator(_no_booleans)]

# What must be, where pydantic's own words are a programmer's; by the beginning of an error's type.
_IN_WORDS = {
    "int_": "a whole number",
    "float_": "a number",
    "bool_": "true or false",
    "list_type": "a list, such as [1, 2]",
}


class Parameters(BaseModel):
    """Every parameter of the pipeline; the defaults are those of a command without params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: Whole = Field(0, ge=0, lt=2**31, description="seed of every random choice")

    demo_subjects: Whole = Field(20, ge=1, le=999, description="subjects to render")
    demo_frames: Whole = Field(
        600, ge=40, le=20_000, description="frames of each rendered subject, 20 a second"
    )
    demo_size: Whole = Field(
        160, ge=64, le=512, multiple_of=2, description="side of the square rendered video in pixels"
    )

    footage: str = Field("data/demo", description="folder of footage, or one video")
    source: Literal[
        "disfa", "ckplus", "bp4d", "bp4dplus", "openface", "libreface", "videos", "images"
    ] = Field("disfa", description="layout of the footage and of its labels")
    camera: Literal["left", "right", "both"] = Field(
        "left", description="DISFA's camera; both views of a subject stay in one split"
    )
    positive_at: Number = Field(
        2,
        gt=0,
        le=5,
        description="intensity from which an action unit is present; not for ckplus and bp4d",
    )
    frame_base: Annotated[Literal["auto", 0, 1], BeforeValidator(_no_booleans)] = Field(
        "auto",
        description="first frame number in DISFA's label files; auto: 0 if a file has it, else 1",
    )
    image_offset: Literal["auto"] | Annotated[Whole, Field(ge=-9, le=9)] = Field(
        "auto", description="number in a BP4D image's name, less its frame's number"
    )
    confidence: Number = Field(
        0.8,
        ge=0,
        le=1,
        description="least tracking confidence of OpenFace; a frame below it is unlabelled",
    )
    openface_columns: Literal["presence", "intensity"] = Field(
        "presence", description="OpenFace columns to label from: presence AU.._c, intensity AU.._r"
    )
    action_units: Literal["all"] | list[Annotated[Whole, Field(ge=1, le=64)]] = Field(
        "all", description="action units to learn, by number"
    )

    image_size: Whole = Field(128, ge=32, le=512, description="side of the stored crop in pixels")
    crop: Literal["none", "center", "landmarks", "haar"] = Field(
        "none",
        description="part of the frame: all of it, its central square, or the face found there",
    )
    jpeg_quality: Whole = Field(95, ge=50, le=100, description="JPEG quality of the stored crop")

    hash: Literal["phash", "dhash", "whash", "average"] = Field(
        "phash", description="perceptual hash of 64 bits, as imagehash defines it"
    )

    stride: Whole = Field(5, ge=1, description="keep one frame in so many; 1 keeps all")
    distance: Whole = Field(
        0,
        ge=-1,
        le=32,
        description="bits within which a frame is a near-duplicate; -1: off, 0: equal hashes",
    )
    scope: Literal["clip", "subject", "all"] = Field(
        "clip", description="where a near-duplicate is looked for"
    )
    same_labels: StrictBool = Field(
        True, description="drop a near-duplicate only for a frame with the same labels"
    )
    keep: Literal["first", "sharpest", "peak"] = Field(
        "first", description="which of near-duplicates is kept; peak: the one of highest intensity"
    )

    folds: Literal["disfa", "bp4d"] | Annotated[Whole, Field(ge=0, le=100)] = Field(
        0, description="subject folds, from 2, or published ones; 0: validation_fraction instead"
    )
    fold: Whole = Field(1, ge=1, le=100, description="fold that validates, from 1 to folds")
    validation_positives: Whole = Field(
        10, ge=0, description="positives of an action unit wanted in validation; fewer are said"
    )
    validation_fraction: Number = Field(
        0.2,
        ge=0.05,
        le=0.5,
        description="share of frames whose subjects validate, where folds is 0",
    )
    moments_fraction: Number = Field(
        0.15, ge=0, le=0.4, description="share of each training clip held out as one block of time"
    )
    margin: Whole = Field(20, ge=0, description="frames dropped on either side of that block")

    cap: Literal["auto"] | Annotated[Whole, Field(ge=0)] = Field(
        400,
        description="most positives an action unit may keep; 0: no cap, auto: the median one's",
    )

    shard_frames: Whole = Field(1000, ge=1, description="frames in one TFRecord file")
    dropped_frames: Whole = Field(
        1500, ge=0, description="dropped frames kept as a sample, for the gap's anatomy"
    )

    backbone: str = Field(
        "efficientnet-lite0",
        description="efficientnet-lite0, a name of keras.applications, or a path to a .keras file",
    )
    unfreeze: Whole = Field(
        0, ge=0, description="last blocks of the backbone that train too; its head counts as one"
    )
    unfreeze_lr: Number = Field(
        0.00002, gt=0, le=1, description="learning rate of the blocks that train too"
    )
    units: list[Annotated[Whole, Field(ge=1)]] = Field(
        [1000, 1000], description="neurons of each dense layer; none where the list is empty"
    )
    dropout: Number = Field(
        0.5,
        ge=0,
        le=0.9,
        description="share of activations dropped before and after each dense layer",
    )
    lr: Number = Field(0.0008, gt=0, le=1, description="learning rate of Adam")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="course of the learning rate"
    )
    warm_up: Number = Field(
        0.05, ge=0, le=0.5, description="share of the steps in which a cosine schedule rises"
    )
    batch_size: Whole = Field(16, ge=1, description="frames a step")
    epochs: Whole = Field(16, ge=1, description="times that every training frame is fed")
    patience: Whole = Field(
        0, ge=0, description="epochs without a better score after which to stop; 0: never"
    )
    monitor: Literal["last", "loss", "macro_f1"] = Field(
        "last", description="weights to keep: the last, or the best by this score of validation"
    )
    weight: Literal["none", "inverse"] = Field(
        "none", description="weight of positives in the loss; inverse: absent / present, 0.1 to 10"
    )
    precision: Literal["auto", "float32", "mixed_float16"] = Field(
        "auto",
        description="number format of the network; auto: mixed_float16 on a GPU, else float32",
    )
    rotation: Number = Field(
        10,
        ge=0,
        le=180,
        description="random rotation of a fed frame, at most so many degrees either way",
    )
    shear: Number = Field(
        5, ge=0, le=45, description="random shear, at most so many degrees either way"
    )
    zoom: Number = Field(
        0.1, ge=0, le=0.9, description="random zoom, at most by this fraction either way"
    )
    shift: Number = Field(
        0.05,
        ge=0,
        le=0.9,
        description="random shift, at most by this fraction of the side either way",
    )
    flip: StrictBool = Field(True, description="mirror half of the fed frames")
    brightness: Number = Field(
        0.15,
        ge=0,
        le=1,
        description="random brightness, at most by this fraction of full scale either way",
    )
    probe_frames: Whole = Field(
        1500, ge=50, description="most frames in one probe of the gap; fewer in a short training"
    )

    threshold: Number = Field(
        0.5, gt=0, lt=1, description="probability from which an action unit counts as predicted"
    )


def load_parameters(path: Path | None, **given: Any) -> Parameters:
    """Read `path` (params.yaml) and lay the options that were `given` (not None) over it.

    A path of None, or the default params.yaml where there is none, means the model's defaults.

    Raises:
        UserError: unreadable file, unknown key, or a value out of range, each in one sentence.
    """
    written = _read(path) if path is not None else {}
    merged = written | {key: value for key, value in given.items() if value is not None}
    try:
        return Parameters(**merged)
    except ValidationError as error:
        where = {key: "option" if given.get(key) is not None else str(path) for key in merged}
        by_key: dict[str, list[Any]] = {}
        for one in error.errors():
            by_key.setdefault(str(one["loc"][0]), []).append(one)
        said = [_sentence(key, errors, where[key]) for key, errors in by_key.items()]
        raise UserError("; ".join(said)) from None


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        if path == Path("params.yaml"):
            return {}
        raise UserError(f"{path}: no such parameter file")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: must hold one 'key: value' a line")
    return {str(key): value for key, value in content.items()}


def _sentence(key: str, errors: list[Any], where: str) -> str:
    """Say pydantic's errors of one key (one for each type it may have) as: place, key, value."""
    if errors[0]["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Parameters.model_fields, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "see params.yaml for the keys"
        return f"{where}: unknown parameter '{key}': {hint}"
    must = " or ".join(dict.fromkeys(map(_wanted, errors)))
    meaning = Parameters.model_fields[key].description
    return f"{where}: {key}: {errors[0]['input']!r} is not allowed, must be {must} ({meaning})"


def _wanted(error: Any) -> str:
    """Say what one of pydantic's errors wants."""
    for kind, words in _IN_WORDS.items():
        if error["type"].startswith(kind):
            return words
    said: str = error["msg"]
    return said.removeprefix("Value error, ").removeprefix("Input should be ")
