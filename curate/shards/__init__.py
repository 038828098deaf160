"""Stage `shards`: the chosen frames as TFRecords with TFDS metadata, and an index of them."""
