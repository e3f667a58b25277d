"""What can cover samples: one row a target, how its files become volumes, and which volumes lie over a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from BrainFMLib.ResultVolumes import percentiles
from BrainFMLib.Steps import FractionSteps, part
from slicer.i18n import tr as _

from BrainFMTrainLib import SampleColors, SampleNodes
from BrainFMTrainLib.SampleFiles import SampleImage, sampleImageSteps, vtkArray

SEGMENTATION, DISTANCE, ATLAS = "segmentation", "distance", "registration"
BIAS, CLEAN, GRID = "bias_field_log", "clean", "deformation_grid"
TARGETS = (SEGMENTATION, DISTANCE, ATLAS, BIAS, CLEAN, GRID)
"""As `brainfm preview` names them, in the order of the panel."""
OWN = (BIAS, CLEAN)
"""Those that differ from sample to sample."""
_BOTTOM_TO_TOP = (CLEAN, BIAS, SEGMENTATION, DISTANCE, GRID, ATLAS)
NEAREST = -1
DISTANCE_MM = 3.0
SMALLEST_BIAS = 0.1
_COARSE = 3
"""Every so many voxels are enough to tell how bright an image is."""
_SLAB_VOXELS = 1_000_000
PRESENT, REACH = "BrainFMTrain.Present", "BrainFMTrain.Reach"
_AXES_SEEN = {"Axial": ("x", "y"), "Coronal": ("x", "z"), "Sagittal": ("y", "z")}
"""Lines of the third axis would run along the slice."""


@dataclass(frozen=True)
class Looks:
    """How targets are shown.

    Attributes:
        shown: targets that cover the samples.
        opacities: target -> 0..1.
        outline: whether the anatomy is outlined.
        surface: which distance map, or NEAREST for that of the nearest surface.
        spacing: of the atlas' lines in mm.
    """

    shown: tuple[str, ...] = ()
    opacities: Mapping[str, float] = field(default_factory=dict)
    outline: bool = False
    surface: int = NEAREST
    spacing: int = 20

    def opacity(self, target: str) -> float:
        """Return how much a target covers, 0..1."""
        return self.opacities.get(target, 1.0)


def surfaces() -> dict[int, str]:
    """Return the number of each distance map in its file -> what users read."""
    return {
        NEAREST: _("nearest surface"),
        0: _("left pial"),
        1: _("left white"),
        2: _("right pial"),
        3: _("right white"),
    }


def keysOf(target: str, index: int) -> list[str]:
    """Return the keys of the volumes that show a target over a sample."""
    if target == ATLAS:
        return [SampleNodes.keyOf(f"{target}-{axis}") for axis in SampleColors.AXES]
    return [SampleNodes.keyOf(target, index if target in OWN else None)]


def loadSteps(target: str, path: Path, index: int, looks: Looks) -> FractionSteps[None]:
    """Read a target of a sample, or of all samples, into the scene in short steps.

    Raises:
        FileAccessError: the file cannot be read.
    """
    image = yield from part(sampleImageSteps(path), 0.0, 0.7)
    yield from _LOADERS[target](image, index, looks)


def layers(index: int, orientation: str, looks: Looks) -> list[tuple[Any, float]]:
    """Return the volumes over a sample with their opacities, from bottom to top."""
    found = []
    for target in _BOTTOM_TO_TOP:
        if target not in looks.shown:
            continue
        for key in keysOf(target, index):
            seen = target != ATLAS or key[-1] in _AXES_SEEN[orientation]
            node = SampleNodes.find(key) if seen else None
            if node is not None:
                found.append((node, looks.opacity(target)))
    return found


def show(looks: Looks, count: int) -> None:
    """Give targets that are in the scene the colours that depend on what is chosen, and on all samples."""
    for axis, key in zip(SampleColors.AXES, keysOf(ATLAS, 0), strict=True):
        node = SampleNodes.find(key)
        if node is not None:
            node.GetDisplayNode().SetAndObserveColorNodeID(SampleColors.atlasLines(axis, looks.spacing).GetID())
    fields = [node for node in (SampleNodes.find(keysOf(BIAS, index)[0]) for index in range(count)) if node is not None]
    reach = biasReach(count)
    for node in fields:
        node.GetDisplayNode().SetWindowLevelMinMax(-reach, reach)


def biasReach(count: int) -> float:
    """Return the logarithm that the strongest of all bias fields reaches, so that all can be compared."""
    nodes = (SampleNodes.find(keysOf(BIAS, index)[0]) for index in range(count))
    reaches = [float(node.GetAttribute(REACH) or 0) for node in nodes if node is not None]
    return max([SMALLEST_BIAS, *reaches])


def presentLabels() -> list[int]:
    """Return the labels that the segmentation in the scene has, without 0."""
    node = SampleNodes.find(SEGMENTATION)
    return [int(word) for word in ((node.GetAttribute(PRESENT) or "") if node is not None else "").split()]


def windowOf(array: np.ndarray) -> tuple[float, float]:
    """Return the darkest and brightest value that a grey image shows: single bright voxels do not count."""
    return percentiles(array[::_COARSE, ::_COARSE, ::_COARSE], 1.0, 99.5)


def _slabs(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield views of an image (Z, Y, X), a million voxels at most, or one slice."""
    depth = max(1, _SLAB_VOXELS // max(array[0].size, 1))
    for first in range(0, len(array), depth):
        yield array[first : first + depth]


def _fill(key: str, name: str, image: SampleImage, values: Any, labels: bool = False) -> Any:
    node = SampleNodes.make(key, name, labels)
    SampleNodes.fill(node, values, image.array.shape[1:], image.affine)
    return node


def _loadSegmentation(image: SampleImage, _index: int, _looks: Looks) -> FractionSteps[None]:
    present: set[int] = set()
    for slab in _slabs(image.array[0]):
        present |= set(np.flatnonzero(np.bincount(np.maximum(slab.ravel(), 0))).tolist())
        yield 0.8
    node = SampleNodes.make(SEGMENTATION, _("Anatomy"), labels=True)
    node.SetAttribute(PRESENT, " ".join(str(label) for label in sorted(present) if label))
    node.GetDisplayNode().SetAndObserveColorNodeID(SampleColors.labels().GetID())
    yield 0.9
    _fill(SEGMENTATION, node.GetName(), image, image.values, labels=True)


def _loadDistance(image: SampleImage, _index: int, looks: Looks) -> FractionSteps[None]:
    array, number = image.array, min(looks.surface, len(image.array) - 1)
    chosen = array[number].copy() if number != NEAREST else array[0].copy()
    for other in array[1:] if number == NEAREST else ():
        for piece, others in zip(_slabs(chosen), _slabs(other), strict=True):
            np.copyto(piece, others, where=np.abs(others) < np.abs(piece))
            yield 0.8
    values = vtkArray(chosen)
    yield 0.9
    name = _("Distance to the {surface}, mm").format(surface=surfaces()[number])
    node = SampleNodes.make(DISTANCE, name)
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(SampleColors.distance().GetID())
    display.SetWindowLevelMinMax(-DISTANCE_MM, DISTANCE_MM)
    _fill(DISTANCE, name, image, values)


def _loadAtlas(image: SampleImage, _index: int, looks: Looks) -> FractionSteps[None]:
    titles = {
        "x": _("Atlas, left to right, mm"),
        "y": _("Atlas, back to front, mm"),
        "z": _("Atlas, bottom to top, mm"),
    }
    yield from _clearUnknown(image.array)
    for number, (axis, key) in enumerate(zip(SampleColors.AXES, keysOf(ATLAS, 0), strict=True)):
        display = SampleNodes.make(key, titles[axis]).GetDisplayNode()
        display.SetAndObserveColorNodeID(SampleColors.atlasLines(axis, looks.spacing).GetID())
        display.SetWindowLevelMinMax(*SampleColors.ATLAS_WINDOW_MM)
        yield 0.7 + 0.1 * number
        _fill(key, titles[axis], image, image.component(min(number, len(image.array) - 1)))
        yield 0.75 + 0.1 * number


def _clearUnknown(array: np.ndarray) -> Iterator[float]:
    """Where the head ends all three coordinates are 0: let no line be drawn there."""
    for piece in zip(*(_slabs(component) for component in array), strict=True) if len(array) == len("xyz") else ():
        unknown = ~(piece[0].astype(bool) | piece[1].astype(bool) | piece[2].astype(bool))
        for component in piece:
            component[unknown] = SampleColors.NOWHERE_MM
        yield 0.7


def _loadBias(image: SampleImage, index: int, _looks: Looks) -> FractionSteps[None]:
    name = _("Bias field of sample {n}, logarithm").format(n=index + 1)
    node = SampleNodes.make(keysOf(BIAS, index)[0], name)
    sample = image.array[0][::_COARSE, ::_COARSE, ::_COARSE]
    node.SetAttribute(REACH, str(round(float(np.percentile(np.abs(sample), 98)), 2)))
    node.GetDisplayNode().SetAndObserveColorNodeID(SampleColors.bias().GetID())
    yield 0.9
    _fill(keysOf(BIAS, index)[0], name, image, image.values)


def _loadClean(image: SampleImage, index: int, _looks: Looks) -> FractionSteps[None]:
    key, name = keysOf(CLEAN, index)[0], _("Sample {n} before corruption").format(n=index + 1)
    SampleNodes.make(key, name).GetDisplayNode().SetWindowLevelMinMax(*windowOf(image.array[0]))
    yield 0.9
    _fill(key, name, image, image.values)


def _loadGrid(image: SampleImage, _index: int, _looks: Looks) -> FractionSteps[None]:
    values = vtkArray(image.array[0].astype(np.float32) - 1)
    display = SampleNodes.make(GRID, _("Deformation grid")).GetDisplayNode()
    display.SetAndObserveColorNodeID(SampleColors.grid().GetID())
    display.SetWindowLevelMinMax(0, 1)
    yield 0.9
    _fill(GRID, _("Deformation grid"), image, values)


_Loader = Callable[[SampleImage, int, Looks], FractionSteps[None]]
_LOADERS: dict[str, _Loader] = {
    SEGMENTATION: _loadSegmentation,
    DISTANCE: _loadDistance,
    ATLAS: _loadAtlas,
    BIAS: _loadBias,
    CLEAN: _loadClean,
    GRID: _loadGrid,
}


def missing(wanted: Iterable[str], files: Mapping[int, Mapping[str, str]]) -> list[str]:
    """Return the targets that no sample has a file of."""
    return [target for target in wanted if not any(target in of for of in files.values())]
