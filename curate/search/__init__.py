"""Near-duplicates among hashes: every pair within a distance, exactly."""
