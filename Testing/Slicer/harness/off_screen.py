"""Slice and 3D views drawn off screen by Slicer's own displayable managers."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

SLICE_MANAGERS = [
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
]
THREE_D_MANAGERS = [
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLVolumeRenderingDisplayableManager",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
]
SIZE = (256, 256)


class OffScreenView:
    """A render window that nobody sees. `image()` is what a user would see."""

    def __init__(self, factory_class, manager_names: list[str]):
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*SIZE)
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.Initialize()
        factory = factory_class.GetInstance()
        for name in manager_names:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.factory, self.managers = factory, None

    def show(self, node) -> None:
        """Make the displayable managers of this view node."""
        self.managers = self.factory.InstantiateDisplayableManagers(self.renderer)
        self.managers.SetMRMLDisplayableNode(node)

    def resize(self, width: int, height: int) -> None:
        """Size in pixels."""
        if tuple(self.window.GetSize()) != (width, height):
            self.window.SetSize(width, height)

    def image(self) -> np.ndarray:
        """Rendered picture, height x width x 3, 0..255, first row on top."""
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        width, height, _depth = grab.GetOutput().GetDimensions()
        pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(height, width, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])

    def close(self) -> None:
        """Free the window."""
        if self.managers is not None:
            self.managers.SetMRMLDisplayableNode(None)
        self.window.Finalize()


class SliceView(OffScreenView):
    """A slice: the blended layers of the logic, and what the managers put over them."""

    def __init__(self, logic):
        super().__init__(slicer.vtkMRMLSliceViewDisplayableManagerFactory, SLICE_MANAGERS)
        self.logic = logic
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        overlay = vtk.vtkRenderer()
        overlay.SetLayer(1)
        self.window.SetNumberOfLayers(2)
        self.window.AddRenderer(overlay)
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(self.mapper)
        self.actor.GetProperty().SetDisplayLocationToBackground()
        self.actor.VisibilityOff()
        self.renderer.AddViewProp(self.actor)  # before what the managers draw over it
        self.show(logic.GetSliceNode())

    def resize(self, width, height):
        super().resize(width, height)
        dimensions = self.logic.GetSliceNode().GetDimensions()
        if tuple(dimensions[:2]) != (width, height):
            self.logic.ResizeSliceNode(width, height)

    def image(self):
        source = self.logic.GetImageDataConnection()
        self.mapper.SetInputConnection(source)
        self.actor.SetVisibility(source is not None)
        return super().image()


class ThreeDView(OffScreenView):
    """A 3D view with its camera."""

    def __init__(self, node):
        super().__init__(slicer.vtkMRMLThreeDViewDisplayableManagerFactory, THREE_D_MANAGERS)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyle3D())
        self.show(node)

    def camera_node(self):
        """The camera of this view."""
        return self.managers.GetDisplayableManagerByClassName("vtkMRMLCameraDisplayableManager").GetCameraNode()
