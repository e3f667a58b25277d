"""The picture of the last validation: as a volume in a slice view of its own, and small in the panel."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from BrainFMLib.StepRunner import StepRunner
from slicer.i18n import tr as _

from BrainFMTrainLib import FormerLayout, TrainingViews

ATTRIBUTE = "BrainFMTrain.Picture"
SMALL_WIDTH = 400
"""Width in the panel, in pixels."""


class ValidationPicture:
    """Reads a picture in steps, since the newest may be large.

    Attributes:
        onSmall: called with a small one as a QPixmap; None if there is none.
    """

    def __init__(self) -> None:
        self.onSmall: Callable[[Any], None] = lambda pixmap: None
        self._shown: tuple[Path, float] | None = None
        self._image: Any = None
        self._title = ""
        self._runner: StepRunner | None = None

    def show(self, path: Path | None, title: str) -> None:
        """Show a picture, if it is not the one that is shown: in the panel, and in its view if that is open.

        Args:
            path: a PNG file; None for no picture.
            title: name of the volume.
        """
        found = _identify(path)
        if self._runner is not None or found == self._shown:
            return
        self._shown, self._title = found, title
        if path is None or found is None:
            self._image = None
            self.onSmall(None)
            return
        self._runner = StepRunner(self._read(path), lambda _step: None, self._onRead, self._onUnreadable)

    @property
    def known(self) -> bool:
        """Whether there is a picture."""
        return self._image is not None

    def showView(self) -> None:
        """Show the picture alone, filling its view; the user's layout is remembered."""
        if self._image is None:
            return
        self._showVolume(TrainingViews.showPicture(), fit=True)
        FormerLayout.whenDrawn(self._fit)

    def stop(self) -> None:
        """The module goes away."""
        self._image = None
        if self._runner is not None:
            self._runner.stop()
            self._runner = None

    def _read(self, path: Path) -> Generator[None, None, Any]:
        reader = vtk.vtkPNGReader()
        if not reader.CanReadFile(str(path)):
            return None
        reader.SetFileName(str(path))
        reader.Update()
        image = vtk.vtkImageData()
        image.ShallowCopy(reader.GetOutput())
        yield
        if image.GetNumberOfPoints() < 2 or image.GetScalarType() != vtk.VTK_UNSIGNED_CHAR:
            return None
        small = _shrunk(image)
        yield
        self._image = image
        return small

    def _onRead(self, small: Any) -> None:
        self._runner = None
        if small is None:
            return
        self.onSmall(_pixmapOf(small))
        if TrainingViews.isShown(TrainingViews.PICTURE):
            widget = slicer.app.layoutManager().sliceWidget(TrainingViews.PICTURE_VIEW)
            self._showVolume(widget, fit=_volume() is None)

    def _onUnreadable(self, _error: Exception) -> None:
        self._runner = None

    def _fit(self) -> None:
        """The view has its size only when the layout is drawn."""
        if self._image is not None and TrainingViews.isShown(TrainingViews.PICTURE):
            slicer.app.layoutManager().sliceWidget(TrainingViews.PICTURE_VIEW).sliceLogic().FitSliceToBackground()

    def _showVolume(self, widget: Any, fit: bool) -> None:
        node = _volume() or _newVolume()
        former = node.GetImageData()
        fit = fit or former is None or former.GetDimensions() != self._image.GetDimensions()
        node.SetName(self._title)
        node.SetAndObserveImageData(self._image)
        logic = widget.sliceLogic()
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
        if fit:
            logic.FitSliceToBackground()


def titleOf(run: str, path: Path | None) -> str:
    """Return how a picture is called."""
    step = path.stem.rpartition("-")[2].lstrip("0") if path is not None else ""
    return _("Validation of {run}, step {step}").format(run=run, step=step or "0")


def _volume() -> Any | None:
    scene = slicer.mrmlScene
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLVectorVolumeNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLVectorVolumeNode")
        if node.GetAttribute(ATTRIBUTE):
            return node
    return None


def _newVolume() -> Any:
    """Make the volume; its columns go from the patient's right to the left, as an axial view shows them."""
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLVectorVolumeNode")
    node.UnRegister(None)
    node.SetAttribute(ATTRIBUTE, "1")
    node.SetSaveWithScene(False)
    node = slicer.mrmlScene.AddNode(node)
    node.SetIJKToRASDirections(-1, 0, 0, 0, 1, 0, 0, 0, 1)
    node.CreateDefaultDisplayNodes()
    return node


def _shrunk(image: Any) -> Any:
    """Return an image of about twice the panel's width, every pixel a mean."""
    factor = max(1, image.GetDimensions()[0] // (2 * SMALL_WIDTH))
    shrink = vtk.vtkImageShrink3D()
    shrink.SetInputData(image)
    shrink.SetShrinkFactors(factor, factor, 1)
    shrink.SetMean(True)
    shrink.Update()
    return shrink.GetOutput()


def _pixmapOf(image: Any) -> Any:
    """Return an image as a pixmap of the panel's width, by way of a small file."""
    handle, name = tempfile.mkstemp(suffix=".bmp", prefix="BrainFMTrain-")
    os.close(handle)
    writer = vtk.vtkBMPWriter()
    writer.SetFileName(name)
    writer.SetInputData(image)
    writer.Write()
    pixmap = qt.QPixmap(name)
    with suppress(OSError):
        os.unlink(name)
    return None if pixmap.isNull() else pixmap.scaledToWidth(SMALL_WIDTH, qt.Qt.SmoothTransformation)


def _identify(path: Path | None) -> tuple[Path, float] | None:
    try:
        return (path, path.stat().st_mtime) if path is not None else None
    except OSError:
        return None
