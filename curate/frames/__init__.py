"""Stage `frames`: the one pass that decodes."""
