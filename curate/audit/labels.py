"""Label noise: frames that look the same, and whose known labels contradict."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from curate.tables import action_units, intensity

WIDE = 2  # steps of intensity that no threshold explains
_GROUPS = {
    "action_unit": pl.String,
    "group": pl.UInt64,
    "frames": pl.Int64,
    "present": pl.String,
    "absent": pl.String,
    "steps": pl.Float64,
}


@dataclass(frozen=True)
class Contradictions:
    """Groups of alike frames with an action unit present in some of them and absent in others.

    `groups`: action_unit, group, frames (in which it is known), present and absent (a frame each,
    of the highest and of the lowest intensity), steps (by which those differ, null where not
    coded); the widest first. `frames` counts the frames of all these groups.
    """

    groups: pl.DataFrame
    frames: int

    @property
    def count(self) -> int:
        """Groups with a contradiction, in whichever action unit."""
        return self.groups["group"].n_unique()

    @property
    def wide(self) -> int:
        """Groups in which intensities differ by two steps or more."""
        return self.groups.filter(pl.col("steps") >= WIDE)["group"].n_unique()

    @property
    def by_action_unit(self) -> dict[str, int]:
        """Groups by action unit, the most first."""
        counts = self.groups.group_by("action_unit").len()
        number = pl.col("action_unit").str.slice(2).cast(pl.Int32)
        return dict(counts.sort(-pl.col("len").cast(pl.Int64), number).rows())


def contradictions(frames: pl.DataFrame, labels: pl.DataFrame) -> Contradictions:
    """Find contradictory labels among the frames of a group; unknown contradicts nothing.

    `frames` has id and group (UInt64 or UInt32: the hash, or a picture's number); `labels` has an
    action unit a column: 1 present, 0 absent, null unknown.
    """
    alike = frames.filter(pl.col("group").is_duplicated()).select(
        "id", pl.col("group").cast(pl.UInt64)
    )
    known = alike.join(labels, on="id", maintain_order="left")
    by_unit = [_of_unit(known, name) for name in action_units(labels)]
    groups = pl.concat([pl.DataFrame(schema=_GROUPS), *by_unit]).with_row_index("row")
    groups = groups.sort(
        "steps", "frames", "row", descending=[True, True, False], nulls_last=True
    ).drop("row")
    return Contradictions(groups, len(alike.join(groups, on="group", how="semi")))


def _of_unit(known: pl.DataFrame, name: str) -> pl.DataFrame:
    coded = intensity(name) in known.columns
    value = pl.col(intensity(name)) if coded else pl.lit(None)
    table = known.select(
        "id", "group", pl.col(name).alias("on"), value.cast(pl.Float64).alias("value")
    )
    table = table.drop_nulls("on").filter(pl.col("on").n_unique().over("group") > 1)
    strongest = table.sort("on", "value", "id", descending=[True, True, False], nulls_last=True)
    weakest = table.sort("on", "value", "id", nulls_last=True)
    groups = _firsts(strongest, "present").join(_firsts(weakest, "absent"), on="group")
    return (
        groups.join(table.group_by("group").len("frames"), on="group")
        .with_columns(
            pl.lit(name).alias("action_unit"),
            (pl.col("value_present") - pl.col("value_absent")).alias("steps"),
        )
        .sort("group")
        .select(pl.col(column).cast(dtype) for column, dtype in _GROUPS.items())
    )


def _firsts(ordered: pl.DataFrame, name: str) -> pl.DataFrame:
    first = ordered.group_by("group", maintain_order=True).first()
    return first.select("group", pl.col("id").alias(name), pl.col("value").alias(f"value_{name}"))
