"""The contrasts: T1w, T2w, FLAIR and super-resolution as float32, CT as whole Hounsfield units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from BrainFMEngine.outputs.fileset import FileSet

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

CONTRASTS = ("T1w", "T2w", "FLAIR", "CT", "highres")
_HOUNSFIELD_RANGE = (-1024, 3071)


def write_synthesis(prediction: Prediction, files: FileSet) -> None:
    """Write every contrast that was predicted."""
    for name in CONTRASTS:
        if name in prediction.maps:
            array = prediction.maps[name]
            files.image(name, hounsfield(array) if name == "CT" else np.asarray(array, dtype=np.float32))


def hounsfield(array: np.ndarray) -> np.ndarray:
    """Round HU to int16 within the 12-bit range of scanners, -1024 to 3071."""
    return np.clip(np.rint(array), *_HOUNSFIELD_RANGE).astype(np.int16)
