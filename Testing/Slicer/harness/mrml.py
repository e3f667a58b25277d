"""Slicer's scene and logics from `slicer-core`, brought up in the order in which the application does it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import slicer
import vtk

from harness import hierarchy, shared_files

LOGICS = {
    "Units": "vtkSlicerUnitsLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Models": "vtkSlicerModelsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Data": "vtkSlicerDataModuleLogic",
}
vtk_errors: list[str] = []
SHARE = "share/Slicer-5.13"


@dataclass
class Mrml:
    """What was brought up. `folder` is the temporary home, `logics` the module logics by module name."""

    scene: slicer.vtkMRMLScene
    application_logic: slicer.vtkSlicerApplicationLogic
    folder: Path
    logics: dict = field(default_factory=dict)
    kept: list = field(default_factory=list)


def start() -> Mrml:
    """Make the scene, the application logic and every module logic, and set `slicer.mrmlScene`."""
    output = quiet_vtk()
    folder = Path(tempfile.mkdtemp(prefix="brainfm-slicer-"))
    shared_files.write(folder / SHARE)
    scene, application = slicer.vtkMRMLScene(), slicer.vtkSlicerApplicationLogic()
    mrml = Mrml(scene, application, folder, kept=[output])
    application.SetHomeDirectory(str(folder))
    application.SetShareDirectory(SHARE)
    application.SetTemporaryPath(str(folder))
    colors = slicer.vtkSlicerColorLogic()
    colors.SetMRMLApplicationLogic(application)
    application.SetColorLogic(colors)  # before the scene: otherwise a plain colour logic is made
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    application.SetMRMLScene(scene)
    colors.SetMRMLScene(scene)
    application.SetModuleLogic("Colors", colors)
    application.SetSliceLogics(vtk.vtkCollection())
    application.SetViewLogics(vtk.vtkCollection())
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    mrml.logics["Colors"] = colors
    _start_file_logics(mrml)
    for name, class_name in LOGICS.items():
        mrml.logics[name] = _start_logic(mrml, name, class_name)
    for factory in (
        slicer.vtkMRMLSliceViewDisplayableManagerFactory,
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
    ):
        factory.GetInstance().SetMRMLApplicationLogic(application)
    slicer.mrmlScene = scene
    hierarchy.keep(scene)
    return mrml


def quiet_vtk() -> vtk.vtkOutputWindow:
    """VTK's messages to the standard error, without the banner of its logger; errors are also kept in `vtk_errors`."""

    @vtk.calldata_type("string0")
    def keep(_window, _event, text):
        vtk_errors.append(text)

    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    output = vtk.vtkOutputWindow()
    output.SetDisplayModeToAlwaysStdErr()
    output.AddObserver("ErrorEvent", keep)
    vtk.vtkOutputWindow.SetInstance(output)
    return output


def _start_logic(mrml: Mrml, name: str, class_name: str):
    logic = getattr(slicer, class_name)()
    if name == "Terminologies":
        logic.SetModuleShareDirectory(str(mrml.folder / SHARE / "terminologies"))
    logic.SetMRMLApplicationLogic(mrml.application_logic)
    logic.SetMRMLScene(mrml.scene)
    mrml.application_logic.SetModuleLogic(name, logic)
    return logic


def _start_file_logics(mrml: Mrml) -> None:
    """What saving and loading .mrb files needs."""
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(mrml.scene)
    remote.SetMRMLApplicationLogic(mrml.application_logic)
    remote.GetCacheManager().SetRemoteCacheDirectory(str(mrml.folder / "cache"))
    manager = slicer.vtkDataIOManagerLogic()
    manager.SetMRMLScene(mrml.scene)
    manager.SetMRMLApplicationLogic(mrml.application_logic)
    manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    mrml.kept += [remote, manager]
