"""What in a scan is tissue and what is air, from intensities alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

_AIR_HU = -300.0
_AIR_FRACTION = 0.1


def scan_foreground(prediction: Prediction) -> np.ndarray:
    """Return (X, Y, Z) bool: voxels brighter than air.

    CT: above -300 HU and above the darkest value (stripped scans). MR: above a tenth of the tissue's median
    intensity, counted from the scan's low end; tissue is the brain where it is known.
    """
    image, low = prediction.image, prediction.conformed.intensity_low
    if prediction.conformed.modality == "ct":
        return image > max(_AIR_HU, float(image.min()))
    inside = prediction.brain_mask if prediction.brain_mask is not None else image > low
    tissue = image[inside & (image > low)]
    typical = float(np.median(tissue)) if tissue.size else low
    return image > low + _AIR_FRACTION * (typical - low)


def large_parts(mask: np.ndarray) -> np.ndarray:
    """Return a (X, Y, Z) bool mask without the connected parts that are smaller than a twentieth of it."""
    smallest = max(1, int(mask.sum()) // 20)
    parts = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)))
    return sitk.GetArrayFromImage(sitk.RelabelComponent(parts, minimumObjectSize=smallest)) > 0


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected part of a (X, Y, Z) bool mask."""
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
    return sitk.GetArrayFromImage(parts) == 1
