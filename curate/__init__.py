"""Framewise's curation half: footage to balanced, deduplicated TFRecords."""
