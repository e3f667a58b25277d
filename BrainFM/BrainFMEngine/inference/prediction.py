"""What a prediction is: every finished volume on one grid, with what is needed to judge and report it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.image.volume import Grid

if TYPE_CHECKING:
    from BrainFMEngine.image.conform import ConformedImage
    from BrainFMEngine.network.checkpoint import ModelInfo


@dataclass(frozen=True)
class Prediction:
    """The results for one scan.

    Attributes:
        conformed: what the network saw; `.native` is the scan as read.
        grid: of every volume below unless said otherwise: the scan's own, or the conformed 1 mm grid.
        image: (X, Y, Z) float32, the scan's intensities on `grid`, in its own units.
        maps: (X, Y, Z) float32 by `tasks.Map.name`: relative intensities, "CT" in HU, "biasfield" multiplicative,
            distances in mm; "atlas_coordinates" is (X, Y, Z, 3), RAS mm of the atlas. Always finite.
        labels: (X, Y, Z) int16, FreeSurfer ids; None without a segmentation head.
        protocol: which label each segmentation channel is.
        probabilities: (C, X, Y, Z) float16, only on request.
        features: (f_maps, X, Y, Z) float16 on the conformed grid, only on request.
        soft_volumes_mm3: FreeSurfer id -> sum of its probabilities times the voxel volume, on the 1 mm grid.
        confidence: FreeSurfer id -> mean probability over the voxels that got the label, 0..1.
        brain_mask: (X, Y, Z) bool, labels that are brain.
        model: description of the model.
        device: what it ran on.
        seconds: stage -> seconds.
        warnings: what is doubtful, in sentences.
        options: what was asked for, and `plan`: how it was run.
    """

    conformed: ConformedImage
    grid: Grid
    image: np.ndarray
    maps: dict[str, np.ndarray]
    labels: np.ndarray | None
    protocol: LabelProtocol | None
    probabilities: np.ndarray | None
    features: np.ndarray | None
    soft_volumes_mm3: dict[int, float]
    confidence: dict[int, float]
    brain_mask: np.ndarray | None
    model: ModelInfo | None
    device: str
    seconds: dict[str, float]
    warnings: list[str]
    options: dict[str, Any]
