"""Results on disk back into the scene, with the scan that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import slicer
from BrainFMEngine.errors import FileAccessError
from slicer.i18n import tr as _
from slicer.util import vtkMatrixFromArray

from BrainFMLib.NiftiFile import NiftiImage, readSteps
from BrainFMLib.ResultFiles import IMAGE_ENDINGS, ResultFiles
from BrainFMLib.Results import importSteps
from BrainFMLib.ResultVolumes import imageDataOf, percentiles
from BrainFMLib.StepRunner import StepRunner
from BrainFMLib.SurfaceProcess import makeInChild


class ResultLoader:
    """Loads one result folder at a time.

    Attributes:
        onLoaded: called with the ResultSet.
        onProblem: called with a message and a hint.
    """

    def __init__(self) -> None:
        self.onLoaded: Callable[[Any], None] = lambda resultSet: None
        self.onProblem: Callable[[str, str], None] = lambda message, hint: None
        self._runner: StepRunner | None = None

    def load(self, scanPath: Path, folder: Path, surfaces: bool = True) -> None:
        """Load a scan and the results that lie in `folder`; does nothing while another one is being loaded."""
        if self._runner is not None and self._runner.running:
            return
        self._runner = StepRunner(
            _steps(scanPath, folder, surfaces),
            lambda step: None,
            lambda resultSet: self.onLoaded(resultSet),
            self._failed,
        )

    def stop(self) -> None:
        """End what goes on."""
        if self._runner is not None:
            self._runner.stop()

    def _failed(self, error: Exception) -> None:
        reason = getattr(error, "message", "") or str(error)
        self.onProblem(_("The results cannot be loaded: {reason}").format(reason=reason), getattr(error, "hint", ""))


def _steps(scanPath: Path, folder: Path, surfaces: bool) -> Generator[Any, None, Any]:
    volume = yield from _scanSteps(scanPath, ResultFiles(folder, folder.name))
    name, scene = volume.GetName(), slicer.mrmlScene
    return (yield from importSteps(folder, folder.name, volume, name, scene, "update", surfaces, makeInChild))


def _scanSteps(path: Path, files: ResultFiles) -> Generator[Any, None, Any]:
    """Load a scan: NIfTI in short steps to where the report says that it lies, everything else at once by Slicer."""
    image = None
    if path.name.lower().endswith(IMAGE_ENDINGS):
        try:
            image = yield from readSteps(path)
        except FileAccessError:
            pass  # Slicer reads more kinds of it, or says what is wrong
    if image is None or image.header.shape != files.inputGrid.shape:
        return slicer.util.loadVolume(str(path))
    return _addVolume(path, image, files)


def _addVolume(path: Path, image: NiftiImage, files: ResultFiles) -> Any:
    scene = slicer.mrmlScene
    name = path.name[: path.name.lower().rindex(".nii")]
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    volume.SetIJKToRASMatrix(vtkMatrixFromArray(files.inputGrid.affine))
    volume.CreateDefaultDisplayNodes()
    volume.GetDisplayNode().AutoWindowLevelOff()
    volume.GetDisplayNode().SetWindowLevelMinMax(*percentiles(image.array(), 1.0, 99.5))
    volume.SetAndObserveImageData(imageDataOf(image))
    slicer.util.setSliceViewerLayers(background=volume)
    return volume
