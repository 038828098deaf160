"""The parameters of each stage, as frozen, validated models: their defaults, ranges, meanings.

`curate.base.params.Parameters` is all of them together; a function takes the model of what it
reads.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool


def _no_booleans(value: Any) -> Any:
    """Refuse true and false where a number is meant: Python would read them as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


NoBooleans = BeforeValidator(_no_booleans)
Int = Annotated[int, NoBooleans]
Number = Annotated[float, NoBooleans]
Distance = Annotated[
    int,
    Field(
        ge=-1,
        le=32,
        description="bits within which a frame is a near-duplicate; -1: off, 0: equal hashes",
    ),
    NoBooleans,
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Seeded(_Frozen):
    """What draws at random."""

    seed: Int = Field(0, ge=0, le=2**31 - 1, description="seed of every random choice")


class DemoParameters(Seeded):
    """What stage `demo` reads."""

    demo_subjects: Int = Field(20, ge=1, le=999, description="subjects to render")
    demo_frames: Int = Field(
        600, ge=40, le=20_000, description="frames of each rendered subject, 20 a second"
    )
    demo_size: Int = Field(
        160, ge=64, le=512, multiple_of=2, description="side of the square rendered video in pixels"
    )


class SourceParameters(_Frozen):
    """Which footage, in which layout: what finding its clips takes."""

    footage: str = Field("data/demo", description="folder of footage, or one video")
    source: Literal[
        "disfa", "ckplus", "bp4d", "bp4dplus", "openface", "libreface", "videos", "images"
    ] = Field("disfa", description="layout of the footage and of its labels")
    camera: Literal["left", "right", "both"] = Field(
        "left", description="DISFA's camera; both views of a subject stay in one split"
    )


class LabelsParameters(SourceParameters):
    """What stage `labels` reads."""

    positive_at: Number = Field(
        2,
        gt=0,
        le=5,
        description="intensity from which an action unit is present; not for ckplus and bp4d",
    )
    frame_base: Annotated[Literal["auto", 0, 1], NoBooleans] = Field(
        "auto",
        description="first frame number in DISFA's label files; auto: 0 if a file has it, else 1",
    )
    image_offset: Literal["auto"] | Annotated[int, Field(ge=-9, le=9), NoBooleans] = Field(
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
    action_units: Literal["all"] | list[Annotated[int, Field(ge=1, le=64), NoBooleans]] = Field(
        "all", description="action units to learn, by number"
    )


class HashParameters(_Frozen):
    """How a picture is hashed."""

    hash: Literal["phash", "dhash", "whash", "average"] = Field(
        "phash", description="perceptual hash of 64 bits, as imagehash defines it"
    )
    decode: Literal["reduced", "full"] = Field(
        "reduced",
        description="decode for hashing: at reduced scale, or in full and hashed by imagehash "
        "itself, bit for bit",
    )


class FramesParameters(HashParameters, SourceParameters):
    """What stage `frames` reads."""

    image_size: Int = Field(128, ge=32, le=512, description="side of the stored crop in pixels")
    crop: Literal["none", "center", "landmarks", "haar"] = Field(
        "none",
        description="part of the frame: all of it, its central square, or the face found there",
    )
    jpeg_quality: Int = Field(95, ge=50, le=100, description="JPEG quality of the stored crop")


class DedupParameters(_Frozen):
    """What stage `dedup` reads."""

    stride: Int = Field(5, ge=1, description="keep every n-th frame; 1 keeps all")
    distance: Distance = 0
    scope: Literal["clip", "subject", "all"] = Field(
        "clip", description="search scope: where near-duplicates are searched"
    )
    same_labels: StrictBool = Field(
        True, description="drop a near-duplicate only for a frame with the same labels"
    )
    keep: Literal["first", "sharpest", "peak"] = Field(
        "first", description="which of near-duplicates is kept; peak: the one of highest intensity"
    )


class ThinningParameters(DedupParameters, FramesParameters):
    """What thinning footage outside the pipeline reads: how it is hashed, and what is dropped."""


class SuggestParameters(ThinningParameters, Seeded):
    """What `suggest` reads: as thinning, and the seed of the pairs that it compares."""


class SplitParameters(Seeded):
    """What stage `split` reads."""

    distance: Distance = 0

    folds: Literal["disfa", "bp4d"] | Annotated[int, Field(ge=0, le=100), NoBooleans] = Field(
        0, description="subject folds, from 2, or published ones; 0: validation_fraction instead"
    )
    fold: Int = Field(1, ge=1, le=100, description="fold that validates, from 1 to folds")
    validation_positives: Int = Field(
        10,
        ge=0,
        description="positives of an action unit wanted in validation; a note reports fewer",
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
    margin: Int = Field(20, ge=0, description="frames dropped on either side of that block")


class CapParameters(_Frozen):
    """What stage `cap` reads."""

    cap: Literal["auto"] | Annotated[int, Field(ge=0), NoBooleans] = Field(
        400,
        description="most positives an action unit may keep; 0: no cap, auto: the median one's",
    )


class ShardsParameters(Seeded):
    """What stage `shards` reads."""

    shard_frames: Int = Field(1000, ge=1, description="frames in one TFRecord file")
    dropped_frames: Int = Field(
        1500, ge=0, description="dropped frames kept as a sample, for the gap's anatomy"
    )


class NetworkParameters(_Frozen):
    """What the network is made of."""

    backbone: str = Field(
        "efficientnet-lite0",
        description="efficientnet-lite0, a name of keras.applications, or a path to a .keras file",
    )
    unfreeze: Int = Field(
        0, ge=0, description="last blocks of the backbone that train too; its head counts as one"
    )
    units: list[Annotated[int, Field(ge=1), NoBooleans]] = Field(
        [1000, 1000], description="neurons of each dense layer; none where the list is empty"
    )
    dropout: Number = Field(
        0.5,
        ge=0,
        le=0.9,
        description="share of activations dropped before and after each dense layer",
    )


class OptimizerParameters(_Frozen):
    """How fast weights are moved, and what the loss weighs."""

    lr: Number = Field(0.0008, gt=0, le=1, description="learning rate of Adam")
    unfreeze_lr: Number = Field(
        0.00002, gt=0, le=1, description="learning rate of the blocks that train too"
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="course of the learning rate"
    )
    warm_up: Number = Field(
        0.05, ge=0, le=0.5, description="share of the steps in which a cosine schedule rises"
    )
    weight: Literal["none", "inverse"] = Field(
        "none", description="weight of positives in the loss; inverse: absent / present, 0.1 to 10"
    )


class AugmentationParameters(_Frozen):
    """How far a fed frame is changed at random."""

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


class FitParameters(AugmentationParameters, OptimizerParameters, NetworkParameters, Seeded):
    """What stage `fit` reads."""

    batch_size: Int = Field(16, ge=1, description="frames a step")
    epochs: Int = Field(16, ge=1, description="times that every training frame is fed")
    patience: Int = Field(
        0, ge=0, description="epochs without a better score after which to stop; 0: never"
    )
    monitor: Literal["last", "loss", "macro_f1"] = Field(
        "last", description="weights to keep: the last, or the best by this score of validation"
    )
    precision: Literal["auto", "float32", "mixed_float16"] = Field(
        "auto",
        description="number format of the network; auto: mixed_float16 on a GPU, else float32",
    )
    probe_frames: Int = Field(
        1500, ge=50, description="most frames in one probe of the gap; fewer in a short training"
    )


class EvaluateParameters(Seeded):
    """What stage `evaluate` reads."""

    threshold: Number = Field(
        0.5, gt=0, lt=1, description="probability from which an action unit counts as predicted"
    )
