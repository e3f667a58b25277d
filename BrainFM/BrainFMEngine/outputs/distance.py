"""Signed distances to the cortical surfaces, in mm: negative inside, within ±3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from BrainFMEngine.outputs.fileset import FileSet

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

DISTANCES = ("lp", "lw", "rp", "rw")


def write_distances(prediction: Prediction, files: FileSet) -> None:
    """Write the map of each surface that was predicted (left models have no right ones)."""
    for name in DISTANCES:
        if name in prediction.maps:
            files.image(name, np.asarray(prediction.maps[name], dtype=np.float32))
