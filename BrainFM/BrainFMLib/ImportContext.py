"""What every part of an import shares: the files, where results go, and what was done to the scene so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from BrainFMLib.LabelSurfaces import SurfaceMaker, makeHere
from BrainFMLib.Placement import Placement
from BrainFMLib.ResultFiles import ResultFiles
from BrainFMLib.SceneChange import SceneChange


@dataclass(frozen=True)
class ImportContext:
    """One import.

    Attributes:
        files: the result folder.
        placement: the position of the results.
        change: what is done to the scene.
        surfaces: whether surfaces are made from the distance maps where there are no files of them.
        makeSurfaces: makes the 3D surfaces of labels.
        segmentsIn3D: the segmentation node that is to be updated if it has 3D surfaces, else None.
        images: what was read so far, by the `file` of the kind: two kinds may need the same image.
    """

    files: ResultFiles
    placement: Placement
    change: SceneChange
    surfaces: bool = False
    makeSurfaces: SurfaceMaker = makeHere
    segmentsIn3D: Any | None = None
    images: dict[str, Any] = field(default_factory=dict)
