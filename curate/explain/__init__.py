"""`curate explain`: one frame's story through every stage."""
