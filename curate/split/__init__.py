"""Stage `split`: other people, and other moments of the same people."""
