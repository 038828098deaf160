"""Stage `dedup`: stride, then near-duplicates."""
