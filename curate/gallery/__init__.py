"""`curate gallery`: near-duplicates and pairs that cross splits, on one page."""
