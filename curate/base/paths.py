"""Where the pipeline keeps its tables: the defaults of the commands' options."""

from pathlib import Path

DEMO = Path("data/demo")
LABELS = Path("data/labels.parquet")
FRAMES = Path("data/frames")
DEDUP = Path("data/dedup.parquet")
SPLIT = Path("data/split.parquet")
CAP = Path("data/cap.parquet")
SHARDS = Path("data/tfrecords")
PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
