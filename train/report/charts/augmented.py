"""What augmentation makes of training frames: each as filmed, and eight times as it is fed."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from curate.base.stage_params import AugmentationParameters
from curate.viz.style import FINE, WORDS, draw_message, in_style, new_figure

_GAP = 0.06  # between two pictures, and thrice that after the frame as filmed; in sides
_TITLE = "Each time that a frame is fed, it is another picture"


@in_style()
def draw(samples: NDArray[np.uint8] | None, parameters: AugmentationParameters) -> Figure:
    """Draw samples (frames, 1 + SAMPLES, side, side, 3): a row a frame, as filmed first."""
    if samples is None:
        return draw_message(_TITLE, "Augmentation is off: every frame is fed as it is.")
    frames, columns = samples.shape[:2]
    figure = new_figure(8, 0.8 + 0.86 * frames, _TITLE)
    axes = figure.subplots()
    axes.set_axis_off()
    for row in range(frames):
        for column in range(columns):
            left, top = _place(column), row * (1 + _GAP)
            axes.imshow(samples[row, column], extent=(left, left + 1, top + 1, top))
    axes.set_xlim(0, _place(columns - 1) + 1)
    axes.set_ylim(frames * (1 + _GAP), -0.05)
    for column, words in ((0, "as filmed"), (1, f"as fed: {_magnitudes(parameters)}")):
        axes.text(_place(column), -0.08, words, va="bottom", color=WORDS, fontsize=FINE)
    return figure


def _place(column: int) -> float:
    """Return where a column begins: those as fed stand apart from the one as filmed."""
    return column * (1 + _GAP) + (3 * _GAP if column else 0)


def _magnitudes(parameters: AugmentationParameters) -> str:
    """Return how far each kind of augmentation goes, of those that are on."""
    kinds = {
        f"rotation ±{parameters.rotation:g}°": parameters.rotation,
        f"shear ±{parameters.shear:g}°": parameters.shear,
        f"zoom ±{parameters.zoom:.0%}": parameters.zoom,
        f"shift ±{parameters.shift:.0%}": parameters.shift,
        "mirrored half of the time": parameters.flip,
        f"brightness ±{parameters.brightness:.0%}": parameters.brightness,
    }
    return ", ".join(words for words, magnitude in kinds.items() if magnitude)
