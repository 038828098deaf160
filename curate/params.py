"""The parameters: one flat, validated, frozen model, read once by each command."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from curate.errors import UserError


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
    demo_frames: Whole = Field(600, ge=40, le=20_000, description="frames a subject")
    demo_size: Whole = Field(
        160, ge=64, le=512, multiple_of=2, description="side of the video in pixels, even"
    )

    footage: str = Field("data/demo", description="folder of footage, or one video")
    source: Literal[
        "disfa", "ckplus", "bp4d", "bp4dplus", "openface", "libreface", "videos", "images"
    ] = Field("disfa", description="layout of the footage")
    camera: Literal["left", "right", "both"] = Field("left", description="DISFA camera")
    positive_at: Number = Field(
        2, gt=0, le=5, description="intensity from which an action unit is present"
    )
    frame_base: Annotated[Literal["auto", 0, 1], BeforeValidator(_no_booleans)] = Field(
        "auto", description="first frame number in labels"
    )
    image_offset: Literal["auto"] | Annotated[Whole, Field(ge=-9, le=9)] = Field(
        "auto", description="number in a BP4D image's name, less its frame's number"
    )
    confidence: Number = Field(0.8, ge=0, le=1, description="least OpenFace confidence")
    openface_columns: Literal["presence", "intensity"] = Field(
        "presence", description="OpenFace columns to label from"
    )
    action_units: Literal["all"] | list[Annotated[Whole, Field(ge=1, le=64)]] = Field(
        "all", description="action units to learn: all, or a list of numbers"
    )

    image_size: Whole = Field(128, ge=32, le=512, description="side of the crop in pixels")
    crop: Literal["none", "center", "landmarks", "haar"] = Field(
        "none", description="part of the frame"
    )
    jpeg_quality: Whole = Field(95, ge=50, le=100, description="JPEG quality of the crop")

    hash: Literal["phash", "dhash", "whash", "average"] = Field(
        "phash", description="perceptual hash, as imagehash defines it"
    )

    stride: Whole = Field(5, ge=1, description="keep one frame in so many")
    distance: Whole = Field(
        0, ge=-1, le=32, description="bits within which a frame is a near-duplicate (-1: off)"
    )
    scope: Literal["clip", "subject", "all"] = Field(
        "clip", description="where a near-duplicate is looked for"
    )
    same_labels: StrictBool = Field(
        True, description="drop a near-duplicate only for a frame with the same labels"
    )
    keep: Literal["first", "sharpest", "peak"] = Field(
        "first", description="which of near-duplicate frames is kept"
    )

    folds: Literal["disfa", "bp4d"] | Annotated[Whole, Field(ge=0, le=100)] = Field(
        0, description="subject folds, or a data set's published ones (0: validation_fraction)"
    )
    fold: Whole = Field(1, ge=1, le=100, description="fold that validates")
    validation_positives: Whole = Field(
        10, ge=0, description="positives of an action unit wanted in validation"
    )
    validation_fraction: Number = Field(
        0.2, ge=0.05, le=0.5, description="share of frames whose subjects validate"
    )
    moments_fraction: Number = Field(
        0.15, ge=0, le=0.4, description="share of each training clip held out as one block"
    )
    margin: Whole = Field(20, ge=0, description="frames dropped on either side of that block")

    cap: Literal["auto"] | Annotated[Whole, Field(ge=0)] = Field(
        400,
        description="most positives an action unit may keep (0: no cap; auto: the median one's)",
    )

    shard_frames: Whole = Field(1000, ge=1, description="frames in one TFRecord file")
    dropped_frames: Whole = Field(1500, ge=0, description="dropped frames kept as a sample")

    backbone: str = Field("efficientnet-lite0", description="pretrained network, kept frozen")
    unfreeze: Whole = Field(0, ge=0, description="last blocks of the backbone that train too")
    unfreeze_lr: Number = Field(
        0.00002, gt=0, le=1, description="learning rate of the blocks that train too"
    )
    units: list[Annotated[Whole, Field(ge=1)]] = Field(
        [1000, 1000], description="neurons of each dense layer; none where the list is empty"
    )
    dropout: Number = Field(0.5, ge=0, le=0.9, description="before and after each dense layer")
    lr: Number = Field(0.0008, gt=0, le=1, description="learning rate of Adam")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="course of the learning rate"
    )
    warm_up: Number = Field(
        0.05, ge=0, le=0.5, description="share of the steps in which a cosine schedule rises"
    )
    batch_size: Whole = Field(16, ge=1, description="frames a step")
    epochs: Whole = Field(16, ge=1, description="times that every frame is fed")
    patience: Whole = Field(
        0, ge=0, description="epochs without a better score after which to stop (0: never)"
    )
    monitor: Literal["last", "loss", "macro_f1"] = Field(
        "last", description="weights to keep: the last, or the best by a validation score"
    )
    weight: Literal["none", "inverse"] = Field(
        "none", description="weight of an action unit's positives in the loss"
    )
    precision: Literal["auto", "float32", "mixed_float16"] = Field(
        "auto", description="number format of the network (auto: mixed_float16 on a GPU)"
    )
    rotation: Number = Field(10, ge=0, le=180, description="degrees of random rotation")
    shear: Number = Field(5, ge=0, le=45, description="degrees of random shear")
    zoom: Number = Field(0.1, ge=0, le=0.9, description="fraction of random zoom")
    shift: Number = Field(0.05, ge=0, le=0.9, description="fraction of the side of random shift")
    flip: StrictBool = Field(True, description="mirror half of the frames")
    brightness: Number = Field(0.15, ge=0, le=1, description="fraction of random brightness")
    probe_frames: Whole = Field(1500, ge=50, description="most frames in one probe")

    threshold: Number = Field(0.5, gt=0, lt=1, description="probability that counts as present")


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
