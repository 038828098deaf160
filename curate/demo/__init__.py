"""Stage `demo`: the embedded footage."""
