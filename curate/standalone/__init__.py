"""`curate dedup` on any footage, outside the pipeline."""
