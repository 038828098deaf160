"""The report's charts as files and as pictures on the page, each described in words as well."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from curate.viz.html import Picture
from curate.viz.style import save_chart

# Of faces: as JPEG a fraction of their size as PNG, and never turned into negatives by a dark page.
PHOTOGRAPHS = {"near_duplicates", "augmented"}
_SHOWN = {
    "gap_anatomy": "Loss of five probes over the epochs fed, the bands between them shaded by "
    "cause, and the causes stacked early and at the end.",
    "gap_anatomy_narrow": "The same, one panel below the other.",
    "where_frames_went": "A river of frames from the footage through the stages to the splits; "
    "an arm leaves for each reason that frames were dropped for.",
    "lag": "Distance of perceptual hashes against the time between two frames of a clip, with "
    "the stride and the distance as lines.",
    "near_duplicates": "Pairs of a frame kept and a frame dropped, with their difference "
    "amplified.",
    "action_units": "Bars of the positives of each action unit: labelled, kept by dedup, and in "
    "training after the cap.",
    "loss": "Training loss with dropout, and training and validation loss without, by epoch; "
    "below them the learning rate, where it is not constant.",
    "augmented": "Rows of training frames: each as filmed, then eight times as augmentation feeds "
    "it.",
    "precision_recall": "Precision and recall of each action unit on the natural and on the "
    "balanced validation set, with 95 % intervals.",
    "precision_recall_curves": "Precision against recall of each action unit over all thresholds, "
    "on the natural and on the balanced validation set; the fixed and the chosen threshold are "
    "marked.",
    "confusion": "Two squares of four counts for each action unit, at the fixed and at the chosen "
    "threshold: what the model says against what the label says.",
    "calibration": "Share of frames that has an action unit against the probability given, for "
    "each action unit; the calibrated lie on the diagonal.",
}
FILES = {name: f"{name}{'.jpg' if name in PHOTOGRAPHS else '.png'}" for name in _SHOWN}


def write_chart(name: str, figure: Figure, folder: Path) -> Picture:
    """Write a chart into `folder` and return it as the page shows it."""
    return save_chart(figure, folder / FILES[name], _SHOWN[name])
