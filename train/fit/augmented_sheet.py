"""The sheet of augmented frames: how many, and how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.base.errors import DamagedInputError

SAMPLES = 8  # of each frame


def read(path: Path) -> NDArray[np.uint8] | None:
    """Read the sheet that `train fit` writes: (frames, 1 + SAMPLES, side, side, 3) RGB.

    None where there is none, which is so where nothing is augmented.

    Raises:
        UserError: not such a sheet.
    """
    if not path.exists():
        return None
    sheet: Any = cv2.imread(str(path))
    columns = 1 + SAMPLES
    side = 0 if sheet is None else sheet.shape[1] // columns
    if sheet is None or sheet.shape[1] % columns or not side or sheet.shape[0] % side:
        raise DamagedInputError(
            f"{path}: not a sheet of augmented frames; make it again with 'train fit'", path=path
        )
    return cv2.cvtColor(sheet, cv2.COLOR_BGR2RGB).reshape(-1, side, columns, side, 3).swapaxes(1, 2)
