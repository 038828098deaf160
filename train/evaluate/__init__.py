"""Stage `evaluate`: score the model on people it never saw."""
