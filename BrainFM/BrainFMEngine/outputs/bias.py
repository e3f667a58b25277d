"""The bias field and the scan without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from BrainFMEngine.outputs.fileset import FileSet

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

_SMALLEST_FIELD = 0.05


def write_bias(prediction: Prediction, files: FileSet) -> None:
    """Write the multiplicative field (around 1) and the scan divided by it, if the field was predicted."""
    if "biasfield" in prediction.maps:
        field = prediction.maps["biasfield"]
        files.image("biasfield", np.asarray(field, dtype=np.float32))
        files.image("corrected", corrected(prediction.image, field))


def bias_warnings(prediction: Prediction) -> list[str]:
    """Say that a CT has no bias field, if that is what was corrected."""
    if "biasfield" in prediction.maps and prediction.conformed.modality == "ct":
        return ["CT has no bias field: biasfield and corrected mean nothing for this scan"]
    return []


def corrected(image: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Divide the scan by the field, float32 in the scan's own units; the field counts as at least 0.05."""
    return (image / np.maximum(field, _SMALLEST_FIELD)).astype(np.float32)
