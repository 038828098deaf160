"""`train compare`: experiments side by side."""
