"""Stage `dedup`: temporal stride, then near-duplicates. Every frame gets keep, or a reason."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.base.errors import BadParameterError
from curate.base.stage_params import DedupParameters
from curate.search.neighbors import keep_first, nearest_within
from curate.tables import (
    REASONS,
    action_units,
    intensity,
)

_SCOPES: dict[str, list[str]] = {"clip": ["clip"], "subject": ["subject"], "all": []}
_NO_PEAKS = "keep: peak needs intensities; {}; choose first or sharpest"


def label_sets(frames: pl.DataFrame, labels: pl.DataFrame | None) -> pl.Series:
    """Write each frame's labels as one string, such as "10?" (present, absent, unknown).

    Null where no action unit of the frame is known; without a labels table, "" for every frame.
    """
    if labels is None:
        return pl.repeat("", len(frames), eager=True, dtype=pl.String).alias("label_set")
    names = action_units(labels)
    if not names:
        return pl.repeat(None, len(frames), eager=True, dtype=pl.String).alias("label_set")
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in names)
    written = pl.concat_str([pl.col(name).cast(pl.String).fill_null("?") for name in names])
    joined = frames.select("id").join(
        labels.select("id", pl.when(known).then(written).alias("label_set")),
        on="id",
        how="left",
        maintain_order="left",
    )
    return joined["label_set"]


def peaks(frames: pl.DataFrame, labels: pl.DataFrame | None) -> pl.Series:
    """Return each frame's highest action unit intensity, Float64 0-5 (null where none is coded).

    Raises:
        BadParameterError: there are no labels, or they hold no intensity at all.
    """
    if labels is None:
        raise BadParameterError(_NO_PEAKS.format("no labels are given"), key="keep")
    names = [name for name in map(intensity, action_units(labels)) if name in labels.columns]
    if all(labels[name].null_count() == len(labels) for name in names):
        raise BadParameterError(_NO_PEAKS.format("the labels hold none"), key="keep")
    highest = pl.max_horizontal(names).cast(pl.Float64).alias("peak")
    joined = frames.select("id").join(
        labels.select("id", highest), on="id", how="left", maintain_order="left"
    )
    return joined["peak"]


def decide(
    frames: pl.DataFrame,
    label_set: pl.Series,
    *,
    stride: int,
    distance: int,
    scope: str = "clip",
    same_labels: bool = True,
    keep: str = "first",
    peak: pl.Series | None = None,
    against: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Decide for every frame: keep, or the reason why not.

    `frames` has id, subject, clip, index, hash and reason; `label_set` is null for an unlabelled
    frame. Those that the stride leaves are gone through in the order of `keep`: by clip and index
    (`first`), by falling `frames["sharpness"]` (`sharpest`) or by falling `peak`, Float64 a row
    of `frames` (`peak`); nulls last, ties by clip and index. A frame is dropped

    - as `repeats_against` when it lies within `distance` bits of a row of `against` (id and hash,
      no nulls), whatever its labels, for those of `against` are not known;
    - as `near_duplicate` when it lies within `distance` bits of a frame already kept in its scope,
      with the same labels unless `same_labels` is off.

    `duplicate_of` names the nearest of them, the earliest of several; a `distance` of -1 looks for
    none. The result has the columns of `curate.tables.DEDUP`, by clip and index; the order of the
    input does not matter.

    Raises:
        BadParameterError: `keep` is peak and there are no peaks.
    """
    if keep == "peak" and peak is None:
        raise BadParameterError(_NO_PEAKS.format("no labels are given"), key="keep")
    table = frames.with_columns(label_set.alias("label_set"), _preference(frames, keep, peak))
    table = table.sort("clip", "index").with_columns(_first_reason(stride).alias("reason"))
    repeated, far = _repeats(table, against, distance)
    table = table.with_columns(_because(repeated >= 0, "repeats_against")).with_row_index("row")
    owner, near = _near_duplicates(table, distance, scope, same_labels)
    others = table["id"] if against is None else against["id"]
    return table.with_columns(
        _because(owner >= 0, "near_duplicate"),
        _at(table["id"], owner).fill_null(_at(others, repeated)).alias("duplicate_of"),
        pl.Series("distance", np.maximum(near, far), pl.Int32).replace(-1, None),
    ).with_columns(pl.col("reason").is_null().alias("keep"))


def decide_with(
    parameters: DedupParameters,
    frames: pl.DataFrame,
    labels: pl.DataFrame | None,
    against: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Decide as `decide` does, with the parameters of stage `dedup` and the labels, if any.

    Raises:
        BadParameterError: `keep` is peak and there are no intensities.
    """
    return decide(
        frames,
        label_sets(frames, labels),
        stride=parameters.stride,
        distance=parameters.distance,
        scope=parameters.scope,
        same_labels=parameters.same_labels,
        keep=parameters.keep,
        peak=peaks(frames, labels) if parameters.keep == "peak" else None,
        against=against,
    )


def _preference(frames: pl.DataFrame, keep: str, peak: pl.Series | None) -> pl.Series:
    """Return by how much, Float64 a row, a frame is preferred for being kept."""
    if keep == "sharpest":
        preference = frames["sharpness"].cast(pl.Float64)
    elif keep == "peak" and peak is not None:
        preference = peak.cast(pl.Float64)
    else:
        preference = pl.repeat(None, len(frames), eager=True, dtype=pl.Float64)
    return preference.fill_nan(None).alias("preference")


def _first_reason(stride: int) -> pl.Expr:
    return (
        pl.when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(pl.col("label_set").is_null())
        .then(pl.lit("unlabelled"))
        .when(pl.col("index") % stride != 0)
        .then(pl.lit("stride"))
    )


def _because(drops: NDArray[np.bool_], reason: str) -> pl.Expr:
    """Write `reason` where a frame drops out, and the reason so far elsewhere."""
    return (
        pl.when(pl.Series(drops)).then(pl.lit(reason)).otherwise(pl.col("reason")).alias("reason")
    )


def _at(ids: pl.Series, rows: NDArray[np.int64]) -> pl.Series:
    """Look up ids by row; null for row -1."""
    return ids.gather(pl.Series(rows).replace(-1, None))


def _repeats(
    table: pl.DataFrame, against: pl.DataFrame | None, distance: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, per row, the row of `against` that it repeats (-1: none) and at what distance."""
    repeated, bits = np.full((2, len(table)), -1, np.int64)
    if against is not None and distance >= 0:
        rows = table["reason"].is_null().arg_true()
        nearest = nearest_within(
            table["hash"].gather(rows).to_numpy(), against["hash"].to_numpy(), distance
        )
        repeated[rows.to_numpy()], bits[rows.to_numpy()] = nearest
    return repeated, bits


def _near_duplicates(
    table: pl.DataFrame, distance: int, scope: str, same_labels: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, per row, the row that it repeats (-1: none) and at what distance in bits."""
    owner, bits = np.full((2, len(table)), -1, np.int64)
    candidates = table.filter(pl.col("reason").is_null())
    if distance < 0 or candidates.is_empty():
        return owner, bits
    keys = _SCOPES[scope] + (["label_set"] if same_labels else [])
    candidates = candidates.sort(
        *keys,
        "preference",
        "row",
        descending=[*(False for _ in keys), True, False],
        nulls_last=True,
    )
    groups = candidates.select(pl.struct(keys).rle_id())[:, 0].to_numpy() if keys else None
    rows = candidates["row"].to_numpy().astype(np.int64)
    kept = keep_first(candidates["hash"].to_numpy(), distance, groups)
    dropped = kept.distance >= 0
    owner[rows[dropped]] = rows[kept.owner[dropped]]
    bits[rows[dropped]] = kept.distance[dropped]
    return owner, bits


def count_reasons(decisions: pl.DataFrame) -> list[tuple[str, int]]:
    """Count frames in, kept, and dropped by reason, in the order in which reasons are asked."""
    counts = dict(decisions.group_by("reason").len().rows())
    known = [reason for reason in REASONS if reason in counts]
    return [
        ("frames in", len(decisions)),
        *((reason, counts[reason]) for reason in known),
        ("kept", counts.get(None, 0)),
    ]
