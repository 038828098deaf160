"""Near-duplicates that lie in two splits."""

from __future__ import annotations

import polars as pl

from curate.search.neighbors import count_within
from curate.tables import KEPT_SPLITS


def count_across(table: pl.DataFrame, hashes: pl.DataFrame, distance: int) -> dict[str, int]:
    """Count near-duplicate pairs between training frames and each of the held-out splits."""
    kept = table.filter("keep").join(hashes.select("id", "hash"), on="id", how="left")
    by_split = {
        split: kept.filter(pl.col("split") == split)["hash"].to_numpy() for split in KEPT_SPLITS
    }
    return {
        split: count_within(by_split["train"], by_split[split], max(distance, 0))
        for split in ("validation", "moments")
    }
